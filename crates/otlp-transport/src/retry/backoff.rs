//! The growth of the wait between attempts, with jitter.
//!
//! Pure: the random number is an argument. Never decides whether to retry; that is [`Retries`](crate::Retries).

use super::RetryPolicy;
use std::time::Duration;

/// No wait is shorter than this, whatever the jitter, so that retrying is never a hot loop.
const SHORTEST: Duration = Duration::from_millis(1);

/// Exponential back-off for one request.
///
/// The interval is capped first and jittered after, so that the jitter survives the cap: clients that have all reached
/// `max_interval` still spread (conformance RETRY-20). A minimum ordered by the server becomes the interval that
/// further failures grow from (conformance RETRY-06), and is only ever jittered upwards. Interval and order
/// are compared and the larger holds (conformance RETRY-10, DEC-26).
///
/// ```
/// use otlp_transport::{Backoff, RetryPolicy};
/// use std::time::Duration;
/// let mut backoff = Backoff::new(&RetryPolicy::default());
/// assert_eq!(backoff.next_delay(Duration::ZERO, 0.5), Duration::from_millis(500));
/// assert_eq!(backoff.next_delay(Duration::ZERO, 0.5), Duration::from_millis(750));
/// assert_eq!(backoff.next_delay(Duration::from_secs(8), 0.0), Duration::from_secs(8));
/// assert_eq!(backoff.next_delay(Duration::ZERO, 0.5), Duration::from_secs(12));
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    /// The interval after the next failure, before jitter.
    interval: Duration,
    /// What the interval may grow to: the policy's maximum, or the largest minimum a server ordered.
    cap: Duration,
    multiplier: f64,
    randomization_factor: f64,
}

impl Backoff {
    /// The back-off of a request that has not failed yet.
    #[must_use]
    pub const fn new(policy: &RetryPolicy) -> Self {
        Self {
            interval: policy.initial_interval(),
            cap: policy.max_interval(),
            multiplier: policy.multiplier(),
            randomization_factor: policy.randomization_factor(),
        }
    }

    /// The wait after one more failure: at least `minimum`, what the server ordered (zero if nothing). `random` is a
    /// number in `0.0..1.0`.
    pub fn next_delay(&mut self, minimum: Duration, random: f64) -> Duration {
        self.cap = self.cap.max(minimum);
        let interval = self.interval.max(minimum);
        self.interval = scale(interval, self.multiplier).min(self.cap);

        let random = random.clamp(0.0, 1.0);
        let around = scale(interval, 1.0 + self.randomization_factor * (2.0 * random - 1.0));
        let above = scale(minimum, 1.0 + self.randomization_factor * random);
        around.max(above).max(minimum).max(SHORTEST)
    }
}

/// `duration × factor` for a factor that is not negative; what does not fit is the longest duration.
pub(super) fn scale(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}
