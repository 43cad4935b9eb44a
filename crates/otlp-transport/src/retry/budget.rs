//! The budget of retries: how much load they may add to what is sent anyway.
//!
//! Held by the retry services of a destination. Decides when a retry may be sent, never whether a request is worth
//! one, and never drops anything: who finds it empty waits.

use super::policy::RetryPolicyError;
use crate::race::race;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How many seconds of its floor a budget saves up for a burst.
const SAVED_SECONDS: f64 = 10.0;

/// Bounds the retries to a destination that keeps failing: a share of the first attempts, and a floor per second.
///
/// Every first attempt adds `ratio` of a retry, every second adds `min_per_second`, the floor, a retry takes one. Up to ten seconds
/// of the floor are saved. When nothing is left, requests wait until there is; none is dropped for it. A retry that is
/// delivered gives back what it took: it did not add load, it took the place of an attempt that had failed. So over
/// any time, what a destination that refuses everything gets is at most
///
/// ```text
/// first attempts × (1 + ratio) + min_per_second × (seconds + 10)
/// ```
///
/// The default is a ratio of 0.2 and a floor of 2 per second: one client's batch in flight never notices it, hundreds do.
///
/// Clones are the same budget. One budget should serve one destination, and all the signals sent there.
///
/// ```
/// use otlp_transport::{RetryBudget, RetryLayer, RetryPolicy};
/// let budget = RetryBudget::new(0.1, 1.0)?;
/// let retry = RetryLayer::new(RetryPolicy::default()).with_budget(budget);
/// # drop(retry);
/// let error = RetryBudget::new(0.1, 0.0).unwrap_err();
/// assert_eq!(error.to_string(), "retry option `min_per_second`: must be a number above 0, not 0");
/// # Ok::<(), otlp_transport::RetryPolicyError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RetryBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bucket: Mutex<Bucket>,
    /// The one at the front of the queue is woken for each retry that comes back early.
    returned: Notify,
    /// Who waits, in order: only the first has a timer.
    queue: tokio::sync::Mutex<()>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::from(Bucket::new(0.2, 2.0))
    }
}

impl RetryBudget {
    /// A budget of `ratio` retries per first attempt, at least 0, and `min_per_second` more, above 0.
    ///
    /// # Errors
    ///
    /// The argument that is out of its range, by name.
    pub fn new(ratio: f64, min_per_second: f64) -> Result<Self, RetryPolicyError> {
        if !ratio.is_finite() || ratio < 0.0 {
            return Err(RetryPolicyError::new(
                "ratio",
                format!("must be a number of at least 0, not {ratio}"),
            ));
        }
        if !min_per_second.is_finite() || min_per_second <= 0.0 {
            let problem = format!("must be a number above 0, not {min_per_second}");
            return Err(RetryPolicyError::new("min_per_second", problem));
        }
        Ok(Self::from(Bucket::new(ratio, min_per_second)))
    }

    /// Accounts for the first attempt of a request.
    pub(super) fn first_attempt(&self, now: Instant) {
        if self.with(|bucket| bucket.deposit(now)) {
            self.shared.returned.notify_one();
        }
    }

    /// Takes a retry, when there is one and everyone who came before has one. Cancel safe.
    pub(super) async fn take(&self) {
        let _first = self.shared.queue.lock().await;
        while let Err(wait) = self.with(|bucket| bucket.take(Instant::now())) {
            race(tokio::time::sleep(wait), self.shared.returned.notified()).await;
        }
    }

    /// Takes a retry that is made in any case.
    pub(super) fn spend(&self, now: Instant) {
        self.with(|bucket| bucket.spend(now));
    }

    /// Gives back what a retry took.
    pub(super) fn give_back(&self) {
        self.with(Bucket::give_back);
        self.shared.returned.notify_one();
    }

    fn with<T>(&self, act: impl FnOnce(&mut Bucket) -> T) -> T {
        act(&mut self.shared.bucket.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<Bucket> for RetryBudget {
    fn from(bucket: Bucket) -> Self {
        Self {
            shared: Arc::new(Shared {
                bucket: Mutex::new(bucket),
                returned: Notify::new(),
                queue: tokio::sync::Mutex::new(()),
            }),
        }
    }
}

/// The account; pure.
#[derive(Debug, Clone)]
struct Bucket {
    ratio: f64,
    floor: f64,
    capacity: f64,
    retries: f64,
    /// Until when the floor is paid in; `None` before the first call.
    at: Option<Instant>,
}

impl Bucket {
    fn new(ratio: f64, floor: f64) -> Self {
        // At least one, or a small floor would never pay for a whole retry.
        let capacity = (floor * SAVED_SECONDS).max(1.0);
        Self { ratio, floor, capacity, retries: capacity, at: None }
    }

    fn refill(&mut self, now: Instant) {
        let since = self.at.map_or(Duration::ZERO, |at| now.duration_since(at));
        self.retries = (self.retries + self.floor * since.as_secs_f64()).min(self.capacity);
        self.at = self.at.max(Some(now));
    }

    /// Whether there is a retry for somebody now.
    fn deposit(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.retries = (self.retries + self.ratio).min(self.capacity);
        self.retries >= 1.0
    }

    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        if self.retries < 1.0 {
            // A little more than exact, or rounding could leave the caller short of it, and have it ask again and again.
            let seconds = (1.0 - self.retries) / self.floor + 0.001;
            return Err(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
        }
        self.retries -= 1.0;
        Ok(())
    }

    fn spend(&mut self, now: Instant) {
        self.refill(now);
        self.retries = (self.retries - 1.0).max(-self.capacity);
    }

    fn give_back(&mut self) {
        self.retries = (self.retries + 1.0).min(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy)]
    enum Event {
        First,
        Retry,
        Probe,
    }

    proptest! {
        #[test]
        fn retries_never_exceed_the_share_and_the_floor(
            ratio in 0.0..2.0f64,
            floor in 0.05..50.0f64,
            events in prop::collection::vec(
                (0..2_000u64, prop_oneof![Just(Event::First), Just(Event::Retry), Just(Event::Probe)]),
                0..400,
            ),
        ) {
            // conf: RETRY-20
            let start = Instant::now();
            let (mut bucket, mut now) = (Bucket::new(ratio, floor), start);
            let (mut firsts, mut retries, mut probes) = (0.0, 0.0, 0.0);
            for (millis, event) in events {
                now += Duration::from_millis(millis);
                match event {
                    Event::First => {
                        firsts += 1.0;
                        bucket.deposit(now);
                    }
                    Event::Retry => match bucket.take(now) {
                        Ok(()) => retries += 1.0,
                        // It says the truth about when there is one, at the latest.
                        Err(wait) => prop_assert!(bucket.clone().take(now + wait).is_ok()),
                    },
                    Event::Probe => {
                        probes += 1.0;
                        bucket.spend(now);
                    }
                }
            }
            let most = firsts * ratio + floor * (now - start).as_secs_f64() + (floor * SAVED_SECONDS).max(1.0);
            prop_assert!(retries <= most + 1e-6, "{retries} retries and {probes} probes, {most} allowed");
        }
    }

    #[test]
    fn an_idle_client_has_retries_and_what_comes_back_can_be_used_again() {
        let now = Instant::now();
        let mut bucket = Bucket::new(0.0, 0.5);
        (0..5).for_each(|_| bucket.take(now).unwrap());
        let wait = bucket.take(now).unwrap_err();
        assert!((1.9..2.1).contains(&wait.as_secs_f64()), "{wait:?}");
        bucket.give_back();
        bucket.take(now).unwrap();
        // A clock that went back costs nothing and pays nothing.
        assert!(bucket.take(now - Duration::from_secs(1)).is_err());
    }
}
