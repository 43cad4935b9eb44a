//! The limit on one attempt: a hung attempt becomes an error that retry can act on.
//!
//! Used below retry, so that every attempt has its own time (conformance DEC-01). Bounds neither the back-off between
//! attempts nor the whole export; that is the retry policy's `max_elapsed` and the shutdown deadline.

use crate::{BoxError, ExportFuture, ExportService};
use otlp_model::ExportRequest;
use std::error::Error;
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};

/// Ends an attempt that takes longer than its limit with a [`TimeoutError`], which is retryable.
///
/// The limit covers everything below this layer: waiting for a connection, connecting, writing, and reading the whole
/// answer (conformance TIME-03). When it passes, the attempt's future is dropped, which cancels the request.
///
/// - **Position**: below retry and the user's `attempt_layer`, above headers and the terminal.
/// - **Clone**: shares nothing; clones the inner service.
/// - **Readiness**: that of the inner service; the time spent waiting for it does not count.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{AttemptTimeoutLayer, BoxError};
/// use std::time::Duration;
/// let stack = tower::ServiceBuilder::new()
///     .layer(AttemptTimeoutLayer::new(Duration::from_secs(10)))
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// # drop(stack);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AttemptTimeoutLayer {
    limit: Duration,
}

impl AttemptTimeoutLayer {
    /// Limits every attempt to `limit`; zero means no limit (conformance ENV-09).
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for AttemptTimeoutLayer {
    type Service = AttemptTimeout<S>;

    fn layer(&self, inner: S) -> AttemptTimeout<S> {
        AttemptTimeout { inner, limit: self.limit }
    }
}

/// The service of [`AttemptTimeoutLayer`].
#[derive(Debug, Clone)]
pub struct AttemptTimeout<S> {
    inner: S,
    limit: Duration,
}

impl<S: ExportService> Service<ExportRequest> for AttemptTimeout<S> {
    type Response = S::Response;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let limit = self.limit;
        let attempt = self.inner.call(request);
        ExportFuture::new(async move {
            if limit.is_zero() {
                return attempt.await;
            }
            match tokio::time::timeout(limit, attempt).await {
                Ok(result) => result,
                Err(_elapsed) => Err(TimeoutError::new(limit).into()),
            }
        })
    }
}

/// An attempt took longer than its limit.
///
/// ```
/// use otlp_transport::TimeoutError;
/// use std::time::Duration;
/// assert_eq!(TimeoutError::new(Duration::from_secs(30)).to_string(), "request timeout after 30s");
/// assert_eq!(TimeoutError::new(Duration::from_millis(250)).to_string(), "request timeout after 250ms");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutError {
    limit: Duration,
}

impl TimeoutError {
    /// The error of an attempt that was given `limit`.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self { limit }
    }

    /// The time the attempt was given.
    #[must_use]
    pub const fn limit(&self) -> Duration {
        self.limit
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request timeout after {:?}", self.limit)
    }
}

impl Error for TimeoutError {}
