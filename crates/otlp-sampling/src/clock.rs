//! The monotonic clock of the samplers that hold a rate; the only place of this crate where time is read.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time since some moment in the past.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    pub(crate) fn new(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Nanoseconds; they last for 584 years.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from((self.0)().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Default for Clock {
    /// The standard library's, from now on.
    #[expect(clippy::disallowed_methods, reason = "the shell that hands the pure rate its time")]
    fn default() -> Self {
        let start = Instant::now();
        Self::new(move || start.elapsed())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
