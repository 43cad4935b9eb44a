//! A point in time as OTLP writes it: one number, which needs no arithmetic until it is on the wire.
//!
//! Used where spans tell the time and are told it. Reads no clock: that is `clock`.

use crate::clock;
use std::time::{Duration, SystemTime};

/// Whole nanoseconds since the Unix epoch: what a [`Span`](crate::Span) says of its own clock, and takes. A
/// [`SystemTime`] is as good wherever one is taken; before the epoch it is zero.
///
/// ```
/// use otlp::Timestamp;
/// use std::time::{Duration, SystemTime};
/// let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_500);
/// assert_eq!(Timestamp::from(time), Timestamp::from_unix_nano(1_500));
/// assert_eq!(SystemTime::from(Timestamp::from_unix_nano(1_500)), time);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// So many nanoseconds after the Unix epoch.
    #[must_use]
    pub const fn from_unix_nano(unix_nano: u64) -> Self {
        Self(unix_nano)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_nano(self) -> u64 {
        self.0
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(clock::unix_nano(time))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        Self::UNIX_EPOCH + Duration::from_nanos(time.0)
    }
}
