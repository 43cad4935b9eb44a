//! What a request that was given up fails with.
//!
//! Made by the retry service, read by people and by whoever asks how often it was tried. Never says why the loss counts as
//! it does: that is in the `Undelivered` around it.

use crate::BoxError;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The attempts at one request ended without success; the source is the last error.
///
/// Found inside the [`Undelivered`](otlp_model::Undelivered) that a [`Retry`](super::Retry) fails with, which has the reason.
///
/// ```
/// # tokio_test::block_on(async {
/// use otlp_model::{ExportRequest, ExportResponse, Signal};
/// use otlp_transport::{BoxError, GaveUp, RetryLayer, RetryPolicy};
/// use std::error::Error;
/// use tower::{Service, ServiceBuilder};
/// let mut stack = ServiceBuilder::new()
///     .layer(RetryLayer::new(RetryPolicy::default()))
///     .service_fn(|_: ExportRequest| async { Err::<ExportResponse, BoxError>("no such host".into()) });
/// let request = ExportRequest::new(Signal::Traces, 1, bytes::Bytes::from_static(b"..."));
/// let error = stack.call(request).await.unwrap_err();
/// let gave_up = error.source().and_then(|source| source.downcast_ref::<GaveUp>()).unwrap();
/// assert_eq!(gave_up.attempts(), 1);
/// # });
/// ```
#[derive(Debug)]
pub struct GaveUp {
    pub(super) attempts: u32,
    pub(super) elapsed: Duration,
    pub(super) source: BoxError,
}

impl GaveUp {
    /// How many attempts were begun.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The time from the call to giving up.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.attempts == 1 { "" } else { "s" };
        let elapsed = Duration::from_millis(u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX));
        write!(f, "gave up after {} attempt{plural} in {elapsed:?}: {}", self.attempts, self.source)
    }
}

impl Error for GaveUp {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
