//! Telling an observer what became of each request: once, whatever happens.
//!
//! Used twice in a stack, above retry for batches and below it for attempts; which of the two is simply which instance
//! of the layer. Never changes a request or an outcome.

use crate::{BoxError, Disposition, ExportFuture, ExportService, classify, outcome_of};
use otlp_model::{ExportRequest, ExportResponse, Outcome, Signal, SpanId, Trail};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tower::{Layer, Service};

/// What became of one request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// The signal.
    pub signal: Signal,
    /// How many spans, data points or log records it carried.
    pub items: u64,
    /// The size of its body before compression, in bytes.
    pub raw_len: usize,
    /// The size of its body as it was here, in bytes: above compress that is the plain size.
    pub body_len: usize,
    /// Which attempt it was, from 1 on; above retry, how many there were.
    pub attempt: u32,
    /// The id of the first span in it, or of the span that its first log record belongs to.
    pub first_span_id: Option<SpanId>,
    /// The time from the call to the end.
    pub latency: Duration,
    /// What it came to; `None` when it was cancelled: its future was dropped before the end.
    pub disposition: Option<Disposition>,
    /// What became of its items, for counters; `None` when it was cancelled. Of an attempt that may be retried: what it
    /// would come to if it were the last.
    pub outcome: Option<Outcome>,
    /// The response, when there was one: it has the message of a partial success.
    pub response: Option<&'a ExportResponse>,
    /// The error, when there was one.
    pub error: Option<&'a BoxError>,
}

impl Observation<'_> {
    /// Whether the request was cancelled before its end, so that nobody knows what became of it.
    #[must_use]
    pub const fn is_cancelled(&self) -> bool {
        self.disposition.is_none()
    }
}

/// Is told what became of requests. Every function or closure of the right form is one.
pub trait Observe: Send + Sync + 'static {
    /// Called once per request, on the task that exports: it must be quick and must not block. A panic here makes the
    /// request a lost one (`layer_failed`), whatever became of it.
    fn observe(&self, observation: &Observation<'_>);
}

impl<F: Fn(&Observation<'_>) + Send + Sync + 'static> Observe for F {
    fn observe(&self, observation: &Observation<'_>) {
        self(observation);
    }
}

/// Calls an [`Observe`] exactly once for every request that passes: at its end, or when its future is dropped before.
///
/// - **Position**: directly below assemble to see each batch's final outcome; below retry to see each attempt.
/// - **Clone**: clones share the observer.
/// - **Readiness**: that of the inner service; a service that fails to become ready is not observed.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, Observation, ObserveLayer};
/// let stack = tower::ServiceBuilder::new()
///     .layer(ObserveLayer::new(|observed: &Observation<'_>| {
///         println!("{} {} in {:?}", observed.items, observed.signal, observed.latency);
///     }))
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// # drop(stack);
/// ```
pub struct ObserveLayer<O> {
    observer: Arc<O>,
}

impl<O: Observe> ObserveLayer<O> {
    /// Tells `observer`.
    #[must_use]
    pub fn new(observer: O) -> Self {
        Self { observer: Arc::new(observer) }
    }
}

impl<O> Clone for ObserveLayer<O> {
    fn clone(&self) -> Self {
        Self { observer: Arc::clone(&self.observer) }
    }
}

impl<O> fmt::Debug for ObserveLayer<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObserveLayer")
    }
}

impl<S, O> Layer<S> for ObserveLayer<O> {
    type Service = Observed<S, O>;

    fn layer(&self, inner: S) -> Observed<S, O> {
        Observed { inner, observer: Arc::clone(&self.observer) }
    }
}

/// The service of [`ObserveLayer`].
pub struct Observed<S, O> {
    inner: S,
    observer: Arc<O>,
}

impl<S: Clone, O> Clone for Observed<S, O> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), observer: Arc::clone(&self.observer) }
    }
}

impl<S: fmt::Debug, O> fmt::Debug for Observed<S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S: ExportService, O: Observe> Service<ExportRequest> for Observed<S, O> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        // Before the call, so that a future that is dropped unpolled, or a call that panics, is told of too.
        let pending = Pending {
            observer: Arc::clone(&self.observer),
            signal: request.signal(),
            items: request.items(),
            raw_len: request.raw_len(),
            body_len: request.body().len(),
            trail: request.trail().clone(),
            started: Instant::now(),
            is_told: false,
        };
        let future = self.inner.call(request);
        ExportFuture::new(async move {
            let result = future.await;
            pending.finish(&result);
            result
        })
    }
}

/// A request whose end was not told yet; dropping it tells that it was cancelled.
struct Pending<O: Observe> {
    observer: Arc<O>,
    signal: Signal,
    items: u64,
    raw_len: usize,
    body_len: usize,
    trail: Trail,
    started: Instant,
    is_told: bool,
}

impl<O: Observe> Pending<O> {
    fn finish(mut self, result: &Result<ExportResponse, BoxError>) {
        self.tell(Some(result));
    }

    fn tell(&mut self, result: Option<&Result<ExportResponse, BoxError>>) {
        // Set first: an observer that panics is not called again by the drop that follows.
        self.is_told = true;
        self.observer.observe(&Observation {
            signal: self.signal,
            items: self.items,
            raw_len: self.raw_len,
            body_len: self.body_len,
            attempt: self.trail.attempt(),
            first_span_id: self.trail.first_span_id(),
            latency: self.started.elapsed(),
            disposition: result.map(classify),
            outcome: result.map(|result| outcome_of(result, self.items)),
            response: result.and_then(|result| result.as_ref().ok()),
            error: result.and_then(|result| result.as_ref().err()),
        });
    }
}

impl<O: Observe> Drop for Pending<O> {
    fn drop(&mut self) {
        if !self.is_told {
            // Perhaps a panic unwinds already: a second one that leaves here would end the process.
            drop(catch_unwind(AssertUnwindSafe(|| self.tell(None))));
        }
    }
}
