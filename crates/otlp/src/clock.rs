//! The client's clock: the only place of the facade that reads time.
//!
//! One monotonic read per edge of a span. The wall clock is an offset to it, read anew now and then, so that long-lived
//! clients follow corrections; a span keeps the offset it started with, so its end is never before its start
//! (conformance SPAN-32).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long an offset is used before the wall clock is read again.
const REANCHOR_NANOS: u64 = 10_000_000_000;

/// A monotonic clock with a slowly followed offset to the wall clock.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Unix time in nanoseconds at `origin`, as last measured.
    wall_at_origin: AtomicU64,
    /// Monotonic time of the next measurement.
    next_anchor: AtomicU64,
}

/// A clock reading: both forms of the same instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// Unix time at the clock's origin; add monotonic nanoseconds to it for Unix time.
    pub(crate) wall_at_origin: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) unix_nano: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let clock = Self { wall_at_origin: AtomicU64::new(0), next_anchor: AtomicU64::new(0) };
        clock.anchor(monotonic(), wall());
        clock
    }

    /// Reads the clock.
    #[inline]
    pub(crate) fn read(&self) -> Reading {
        let monotonic = monotonic();
        if monotonic >= self.next_anchor.load(Ordering::Relaxed) {
            self.anchor(monotonic, wall());
        }
        let wall_at_origin = self.wall_at_origin.load(Ordering::Relaxed);
        Reading { wall_at_origin, unix_nano: wall_at_origin.saturating_add(monotonic) }
    }

    /// How long ago a reading was; never affected by the wall clock (conformance SURV-24).
    pub(crate) fn since(&self, reading: Reading) -> Duration {
        Duration::from_nanos(read_on(reading.wall_at_origin).saturating_sub(reading.unix_nano))
    }

    /// Notes that the wall clock shows `wall` at that time of the monotonic one.
    #[cold]
    fn anchor(&self, monotonic: u64, wall: u64) {
        self.wall_at_origin.store(wall.saturating_sub(monotonic), Ordering::Relaxed);
        self.next_anchor.store(monotonic.saturating_add(REANCHOR_NANOS), Ordering::Relaxed);
    }
}

/// Reads the clock on the offset of an earlier reading, so that differences are monotonic.
#[inline]
pub(crate) fn read_on(wall_at_origin: u64) -> u64 {
    wall_at_origin.saturating_add(monotonic())
}

/// The system's monotonic clock in nanoseconds, since an origin of its own.
///
/// Linux is asked for the number it keeps. `Instant` hides that number, and the arithmetic between two of them costs a third
/// of a reading.
#[cfg(target_os = "linux")]
#[inline]
fn monotonic() -> u64 {
    // Every Linux has this clock.
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
        .map_or(0, |now| (now.tv_sec() as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec() as u64))
}

/// The system's monotonic clock in nanoseconds, since it was asked first.
#[cfg(not(target_os = "linux"))]
fn monotonic() -> u64 {
    static ORIGIN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(instant);
    nanos(ORIGIN.elapsed())
}

/// What the wall clock shows.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn wall() -> u64 {
    unix_nano(SystemTime::now())
}

/// Now, for deadlines: the system's monotonic clock, whatever a test does to tokio's on the caller's runtime.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Whole nanoseconds, saturating after 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A point in time as OTLP writes it; before the epoch is zero.
pub(crate) fn unix_nano(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_that_jumps_never_turns_a_span_around() {
        // conf: SPAN-32, SURV-24
        const YEAR: u64 = 365 * 86_400 * 1_000_000_000;
        let clock = Clock::new();
        let now = clock.read().unix_nano;
        // Back by an hour, to the epoch, on by a year, by a hundred, and to where numbers end.
        for wall in [now - 3_600_000_000_000, 0, now + YEAR, now + 100 * YEAR, u64::MAX] {
            let start = clock.read();
            clock.anchor(monotonic(), wall);
            assert!(read_on(start.wall_at_origin) >= start.unix_nano);
            assert!(clock.since(start) < Duration::from_nanos(YEAR), "no jump is a duration");
            let later = clock.read().unix_nano;
            assert!(later >= wall && later - wall < YEAR, "later spans follow the wall clock");
        }
    }

    #[test]
    fn readings_are_unix_time() {
        #[expect(clippy::disallowed_methods, reason = "compared with the system's own answer")]
        let (before, reading, after) = (SystemTime::now(), Clock::new().read(), SystemTime::now());
        assert!(
            unix_nano(before) <= reading.unix_nano + 1_000
                && reading.unix_nano <= unix_nano(after) + 1_000_000
        );
    }
}
