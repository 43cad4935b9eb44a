//! Rates: how many a second are wanted, and what share of a stream that is.
//!
//! Used by the samplers that hold a rate. Lock-free, and pure but for its atomics: time is an argument.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

const SECOND: u64 = 1_000_000_000;

/// Spans per second: what the samplers that hold a rate are given.
///
/// ```
/// use otlp_sampling::SpansPerSecond;
/// assert_eq!(SpansPerSecond::new(0.5)?.get(), 0.5);
/// let error = SpansPerSecond::new(-1.0).unwrap_err();
/// assert_eq!(error.to_string(), "a sampling rate must be above 0 and finite, got -1 spans per second");
/// # Ok::<(), otlp_sampling::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct SpansPerSecond(f64);

impl SpansPerSecond {
    /// A rate, from one span in 584 years to a thousand million a second; what is beyond is taken as the nearer end.
    ///
    /// # Errors
    ///
    /// When `rate` is not a finite number above 0.
    pub fn new(rate: f64) -> Result<Self, RateError> {
        if rate.is_finite() && rate > 0.0 {
            Ok(Self(rate.clamp(1e-10, 1e9)))
        } else {
            Err(RateError { rate })
        }
    }

    /// The rate.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Nanoseconds from one span to the next.
    pub(crate) fn interval(self) -> u64 {
        (SECOND as f64 / self.0) as u64
    }
}

/// A rate that can't be held: see [`SpansPerSecond::new`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateError {
    rate: f64,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sampling rate must be above 0 and finite, got {} spans per second", self.rate)
    }
}

impl std::error::Error for RateError {}

/// What share of a stream to keep, so that a rate of it is kept on average.
///
/// It counts what is offered in windows of a second (longer for rates below one a second), forecasts the next window
/// by those before it, and lowers the share within a window as soon as more comes than was forecast. A window in which
/// `n` are offered to a stream that was quiet keeps the target `t` times `1 + ln(n / t)`, at most.
#[derive(Debug)]
pub(crate) struct RateTarget {
    window: u64,
    /// How many to keep in a window.
    wanted: f64,
    started: AtomicU64,
    offered: AtomicU64,
    /// The forecast of `offered`, an `f64`.
    forecast: AtomicU64,
}

impl RateTarget {
    pub(crate) fn new(rate: SpansPerSecond) -> Self {
        let window = SECOND.max(rate.interval());
        let wanted = rate.get() * window as f64 / SECOND as f64;
        let (started, offered, forecast) = Default::default();
        Self { window, wanted, started, offered, forecast }
    }

    /// The share to keep of what is offered at `now`, which counts as offered by this call; above 0 and at most 1.
    pub(crate) fn share(&self, now: u64) -> f64 {
        self.roll(now);
        let offered = self.offered.fetch_add(1, Ordering::Relaxed) + 1;
        let expected = f64::from_bits(self.forecast.load(Ordering::Relaxed)).max(offered as f64);
        (self.wanted / expected).min(1.0)
    }

    /// When something was last offered, to within a window.
    pub(crate) fn last_used(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// Forgets the stream.
    pub(crate) fn reset(&self, now: u64) {
        self.started.store(now, Ordering::Relaxed);
        self.offered.store(0, Ordering::Relaxed);
        self.forecast.store(0, Ordering::Relaxed);
    }

    /// Begins a new window when the last one is over. One caller does it; what others offer meanwhile counts in either.
    fn roll(&self, now: u64) {
        let started = self.started.load(Ordering::Relaxed);
        let passed = now.saturating_sub(started);
        if passed < self.window
            || self.started.compare_exchange(started, now, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let offered = self.offered.swap(0, Ordering::Relaxed);
        let before = f64::from_bits(self.forecast.load(Ordering::Relaxed));
        let windows = passed as f64 / self.window as f64;
        self.forecast.store(forecast(before, offered, windows).to_bits(), Ordering::Relaxed);
    }
}

/// The forecast for a window, after `windows` of them brought `offered`: it goes half the way a window.
fn forecast(before: f64, offered: u64, windows: f64) -> f64 {
    let observed = offered as f64 / windows;
    observed + (before - observed) * 0.5f64.powf(windows)
}

/// Lets a rate through and no more: a bucket that holds a second's worth of spans, at least one (GCRA).
#[derive(Debug)]
pub(crate) struct RateLimit {
    interval: u64,
    burst: u64,
    /// When the bucket will be full again.
    full_at: AtomicU64,
}

impl RateLimit {
    pub(crate) fn new(rate: SpansPerSecond) -> Self {
        let interval = rate.interval();
        Self { interval, burst: SECOND.max(interval), full_at: AtomicU64::default() }
    }

    /// Takes one out of the bucket, if there is one.
    pub(crate) fn admit(&self, now: u64) -> bool {
        let take = |full_at: u64| {
            let next = full_at.max(now).saturating_add(self.interval);
            (next - now <= self.burst).then_some(next)
        };
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(rate: f64) -> SpansPerSecond {
        SpansPerSecond::new(rate).unwrap_or(SpansPerSecond(1.0))
    }

    /// What a target keeps, in expectation, of `per_second` evenly spread spans in the second from `second` on.
    fn kept(target: &RateTarget, second: u64, per_second: u64) -> f64 {
        (0..per_second).map(|at| target.share(second * SECOND + at * SECOND / per_second)).sum()
    }

    proptest! {
        #[test]
        fn a_steady_stream_is_kept_at_the_rate(wanted in 1..500u32, offered in 1..5_000u64) {
            let target = RateTarget::new(rate(wanted.into()));
            (10..20).for_each(|second| { kept(&target, second, offered); });
            let (kept, goal) = (kept(&target, 20, offered), f64::from(wanted).min(offered as f64));
            prop_assert!((kept - goal).abs() <= 0.02 * goal + 1.0, "{kept} of {offered}, wanted {goal}");
        }

        #[test]
        fn a_jump_overshoots_by_its_logarithm_at_most(wanted in 1..500u32, offered in 1..20_000u64) {
            let target = RateTarget::new(rate(wanted.into()));
            let (kept, goal) = (kept(&target, 10, offered), f64::from(wanted));
            prop_assert!(kept <= goal * (1.0 + (offered as f64 / goal).max(1.0).ln()) + 1.0, "{kept}");
            prop_assert!(kept >= goal.min(offered as f64) - 1.0, "{kept}");
        }

        #[test]
        fn a_limit_is_never_exceeded(
            wanted in prop_oneof![Just(0.1f64), 1.0..1_000.0],
            gaps in prop::collection::vec(prop_oneof![Just(0u64), 0..SECOND / 100, 0..3 * SECOND], 1..200),
        ) {
            let limit = RateLimit::new(rate(wanted));
            let (mut now, mut admitted) = (50 * SECOND, Vec::new());
            for gap in gaps {
                now += gap;
                if limit.admit(now) {
                    admitted.push(now);
                }
            }
            // In any span of time: a bucket, and what runs into it meanwhile.
            for (at, first) in admitted.iter().enumerate() {
                for (number, last) in admitted.iter().enumerate().skip(at) {
                    let most = wanted.max(1.0) + (last - first) as f64 / SECOND as f64 * wanted + 1.0;
                    prop_assert!((number - at + 1) as f64 <= most, "{} from {first} to {last}", number - at + 1);
                }
            }
            prop_assert_eq!(admitted.first().copied(), admitted.iter().copied().min());
        }
    }

    #[test]
    fn a_target_follows_traffic_that_falls() {
        let target = RateTarget::new(rate(10.0));
        (10..20).for_each(|second| {
            kept(&target, second, 10_000);
        });
        (20..32).for_each(|second| {
            kept(&target, second, 20);
        });
        assert!((kept(&target, 32, 20) - 10.0).abs() < 2.0);
        assert!(target.share(10_000 * SECOND) > 0.99, "after a long silence all is kept");
    }

    #[test]
    fn a_limit_refills() {
        let limit = RateLimit::new(rate(2.0));
        let admitted = |now| (0..10).filter(|_| limit.admit(now)).count();
        assert_eq!(admitted(SECOND), 2);
        assert_eq!(admitted(SECOND + SECOND / 2), 1);
        assert_eq!(admitted(100 * SECOND), 2);
    }
}
