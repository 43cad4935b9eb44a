//! The states of a circuit and what moves it between them.
//!
//! Pure: time and randomness are arguments. Used by [`CircuitBreaker`](super::CircuitBreaker), which waits and wakes.

use crate::ErrorType;
use crate::retry::backoff::scale;
use std::time::Duration;
use tokio::time::Instant;

/// By how much each time open is longer than the one before.
const MULTIPLIER: f64 = 1.5;

/// By which share of itself a time open varies, up and down.
const JITTER: f64 = 0.5;

/// The longest time open while no connection comes about: a receiver that is not there is not harmed by being asked, and
/// the one that comes back is found soon.
const MAX_UNREACHABLE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) failure_threshold: u32,
    pub(super) initial_interval: Duration,
    pub(super) max_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
        }
    }
}

/// What an attempt says about the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is there: it took the request, refused it, or asks for less.
    Answered,
    /// It is not.
    Failed(ErrorType),
    /// Nothing: the attempt was cancelled, or failed on this side.
    Unknown,
}

impl Verdict {
    pub(super) fn of(error_type: ErrorType) -> Self {
        match error_type {
            ErrorType::Network | ErrorType::Timeout | ErrorType::Unavailable => Self::Failed(error_type),
            ErrorType::RateLimited | ErrorType::Aborted => Self::Answered,
        }
    }
}

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Yes.
    Pass,
    /// Yes, as the one that finds out.
    Probe,
    /// Not before this time, or not before something changes.
    Wait(Option<Instant>),
}

#[derive(Debug)]
enum Phase {
    /// All is well but for this many failures in a row.
    Closed { failures: u32 },
    /// Nothing is sent before this time.
    Open { until: Instant },
    /// One request is under way to find out.
    Probing,
}

#[derive(Debug)]
pub(super) struct Circuit {
    settings: Settings,
    phase: Phase,
    /// How long it opens next, before jitter.
    interval: Duration,
    recoveries: u64,
    /// Requests that wait for it.
    waiting: usize,
}

impl Circuit {
    pub(super) fn new(settings: Settings) -> Self {
        let phase = Phase::Closed { failures: 0 };
        Self { settings, phase, interval: settings.initial_interval, recoveries: 0, waiting: 0 }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Closed { .. })
    }

    pub(super) fn recoveries(&self) -> u64 {
        self.recoveries
    }

    pub(super) fn one_waits(&mut self) {
        self.waiting += 1;
    }

    pub(super) fn one_leaves(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Whether a request that is there may be sent; if it is to be the probe, nobody else is until it ended.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        match self.phase {
            Phase::Closed { .. } => Admission::Pass,
            Phase::Open { until } if until <= now => {
                self.phase = Phase::Probing;
                Admission::Probe
            }
            Phase::Open { until } => Admission::Wait(Some(until)),
            Phase::Probing => Admission::Wait(None),
        }
    }

    /// The same for a request that could stay where it is. Takes no probe's place, and comes after all who wait: they
    /// grow old, it does not.
    pub(super) fn wants_requests(&self, now: Instant) -> Admission {
        match self.phase {
            Phase::Closed { .. } => Admission::Pass,
            Phase::Open { .. } if self.waiting > 0 => Admission::Wait(None),
            Phase::Open { until } if until <= now => Admission::Probe,
            Phase::Open { until } => Admission::Wait(Some(until)),
            Phase::Probing => Admission::Wait(None),
        }
    }

    /// Learns what an attempt came to; whether that changes anything for those who wait. `random` is in `0.0..1.0`.
    pub(super) fn ended(&mut self, verdict: Verdict, is_probe: bool, now: Instant, random: f64) -> bool {
        match (verdict, &mut self.phase) {
            (Verdict::Answered, Phase::Closed { failures }) => {
                *failures = 0;
                return false;
            }
            // Whichever request got through.
            (Verdict::Answered, _) => {
                self.phase = Phase::Closed { failures: 0 };
                self.interval = self.settings.initial_interval;
                self.recoveries += 1;
            }
            (Verdict::Failed(error_type), Phase::Closed { failures }) => {
                *failures = failures.saturating_add(1);
                if *failures < self.settings.failure_threshold {
                    return false;
                }
                self.open(error_type, now, random);
            }
            (Verdict::Failed(error_type), Phase::Probing) if is_probe => self.open(error_type, now, random),
            // It found out nothing; the next may.
            (Verdict::Unknown, Phase::Probing) if is_probe => self.phase = Phase::Open { until: now },
            // What was under way when it opened says nothing new.
            (Verdict::Failed(_) | Verdict::Unknown, _) => return false,
        }
        true
    }

    fn open(&mut self, error_type: ErrorType, now: Instant, random: f64) {
        let max = self.settings.max_interval;
        let max = if error_type == ErrorType::Network { max.min(MAX_UNREACHABLE) } else { max };
        let interval = self.interval.min(max);
        self.interval = scale(interval, MULTIPLIER).min(max);
        // After the cap, so that it survives it.
        let jittered = scale(interval, 1.0 + JITTER * (2.0 * random.clamp(0.0, 1.0) - 1.0));
        self.phase = Phase::Open { until: now.checked_add(jittered).unwrap_or(now) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);
    const DOWN: Verdict = Verdict::Failed(ErrorType::Unavailable);
    const REFUSED: Verdict = Verdict::Failed(ErrorType::Network);

    fn open(verdict: Verdict, now: Instant) -> Circuit {
        let mut circuit = Circuit::new(Settings::default());
        (0..4).for_each(|_| assert!(!circuit.ended(verdict, false, now, 0.5)));
        assert!(circuit.ended(verdict, false, now, 0.5));
        circuit
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let now = Instant::now();
        let mut circuit = Circuit::new(Settings::default());
        for _ in 0..10 {
            (0..4).for_each(|_| assert!(!circuit.ended(DOWN, false, now, 0.5)));
            circuit.ended(Verdict::Answered, false, now, 0.5);
            circuit.ended(Verdict::Unknown, false, now, 0.5);
        }
        assert_eq!((circuit.admit(now), circuit.recoveries()), (Admission::Pass, 0));
        assert!(open(DOWN, now).is_open());
    }

    #[test]
    fn one_request_probes_and_its_answer_decides() {
        let now = Instant::now();
        let mut circuit = open(DOWN, now);
        assert_eq!(circuit.admit(now), Admission::Wait(Some(now + SECOND)));
        assert_eq!(circuit.admit(now + SECOND), Admission::Probe);
        assert_eq!(circuit.admit(now + SECOND), Admission::Wait(None), "exactly one");
        assert!(!circuit.ended(DOWN, false, now + SECOND, 0.5), "what was under way before is not the probe");

        assert!(circuit.ended(DOWN, true, now + 2 * SECOND, 0.5));
        assert_eq!(circuit.admit(now + 3 * SECOND), Admission::Wait(Some(now + 7 * SECOND / 2)), "longer");
        assert_eq!(circuit.admit(now + 4 * SECOND), Admission::Probe);
        assert!(circuit.ended(Verdict::Unknown, true, now + 4 * SECOND, 0.5), "cancelled: the next may");
        assert_eq!(circuit.admit(now + 4 * SECOND), Admission::Probe);
        assert!(circuit.ended(Verdict::Answered, true, now + 5 * SECOND, 0.5));
        assert_eq!((circuit.admit(now + 5 * SECOND), circuit.recoveries()), (Admission::Pass, 1));
    }

    #[test]
    fn who_waits_probes_before_anything_new_is_taken() {
        let now = Instant::now();
        let mut circuit = open(DOWN, now);
        assert_eq!(circuit.wants_requests(now), Admission::Wait(Some(now + SECOND)));
        circuit.one_waits();
        assert_eq!(circuit.wants_requests(now + SECOND), Admission::Wait(None));
        circuit.one_leaves();
        assert_eq!(circuit.wants_requests(now + SECOND), Admission::Probe);
        circuit.admit(now + SECOND);
        assert_eq!(circuit.wants_requests(now + SECOND), Admission::Wait(None));
    }

    /// How long it was open, time after time, while every probe fails.
    fn intervals(verdict: Verdict, randoms: &[f64]) -> Vec<Duration> {
        let mut now = Instant::now();
        let mut circuit = Circuit::new(Settings { failure_threshold: 1, ..Settings::default() });
        let mut intervals = Vec::new();
        for random in randoms {
            circuit.ended(verdict, true, now, *random);
            let Admission::Wait(Some(until)) = circuit.admit(now) else { panic!("not open") };
            intervals.push(until - now);
            now = until;
            assert_eq!(circuit.admit(now), Admission::Probe);
        }
        intervals
    }

    #[test]
    fn the_time_open_grows_to_its_cap_which_is_low_for_what_is_not_there() {
        let seconds: Vec<_> = intervals(DOWN, &[0.5; 12]).iter().map(Duration::as_secs_f64).collect();
        assert_eq!(seconds[..4], [1.0, 1.5, 2.25, 3.375]);
        assert_eq!(seconds[9..], [30.0; 3]);
        assert_eq!(intervals(REFUSED, &[0.5; 12])[5..], [MAX_UNREACHABLE; 7]);
    }

    proptest! {
        #[test]
        fn jitter_survives_the_cap(randoms in prop::collection::vec(0.0..1.0f64, 30)) {
            // conf: RETRY-20
            for (interval, random) in intervals(DOWN, &randoms).iter().zip(&randoms).skip(12) {
                let expected = 30.0 * (0.5 + random);
                prop_assert!((interval.as_secs_f64() - expected).abs() < 1e-6, "{interval:?}");
            }
        }

        #[test]
        fn there_is_never_a_second_probe_and_it_never_gets_stuck(
            events in prop::collection::vec((0..3_000u64, 0..6u8, 0.0..1.0f64), 0..200),
        ) {
            let mut now = Instant::now();
            let mut circuit = Circuit::new(Settings { failure_threshold: 2, ..Settings::default() });
            let mut probing = false;
            for (millis, event, random) in events {
                now += Duration::from_millis(millis);
                let verdict = [DOWN, REFUSED, Verdict::Answered, Verdict::Unknown].get(usize::from(event));
                match verdict {
                    Some(verdict) => {
                        circuit.ended(*verdict, std::mem::take(&mut probing), now, random);
                    }
                    None => if circuit.admit(now) == Admission::Probe {
                        prop_assert!(!probing);
                        probing = true;
                    },
                }
            }
            // Whatever happened: without a probe under way somebody may go within the longest time.
            if !probing {
                prop_assert!(!matches!(circuit.admit(now + Duration::from_secs(45)), Admission::Wait(_)));
            }
        }
    }
}
