//! Sending what is larger than the receiver takes in smaller parts.
//!
//! Used once per stack, above everything that changes bytes. The size a receiver takes is learned by the pure
//! [`SizeLimit`](size_limit::SizeLimit); this file cuts, sends and adds up. Never retries: a part that fails otherwise is
//! lost as a request would be.

mod parts;
mod size_limit;

pub use parts::SentInParts;

use crate::export_service::take_ready;
use crate::{BoxError, ExportFuture, ExportService, GrpcError, HttpError, RequestTooLarge};
use otlp_model::{ExportRequest, ExportResponse, causes};
use parts::Sum;
use size_limit::SizeLimit;
use std::error::Error;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tower::{Layer, Service, ServiceExt};

/// Cuts a request in two when the receiver says that it is too large, and sends both halves; again, if it must.
///
/// Too large is HTTP 413, what implementations of gRPC say of a message over their limit
/// ([`GrpcError::is_too_large`]), and a request over the limit of the terminal below. A single record that is too large
/// is dropped alone, as `too_large`. The parts are sent one after the other. When not all items were delivered or
/// rejected, the error is [`SentInParts`], which has the figures; [`outcome_of`](crate::outcome_of) reads them.
///
/// The size that was refused is remembered: what follows is cut before it is sent. After a number of requests of about
/// that size were taken, a somewhat larger one is tried, so that a limit that was raised is found out.
///
/// - **Position**: below assemble, the observers and layers that are to see whole requests, and the limit of requests in
///   flight; above JSON and compression, since only plain protobuf can be cut. The request is kept until its answer is
///   there.
/// - **Clone**: clones share what was learned.
/// - **Readiness**: that of the inner service for the first part; later parts wait for theirs inside the future.
///
/// ```
/// # tokio_test::block_on(async {
/// use otlp_model::*;
/// use otlp_transport::{BoxError, HttpError, SplitLayer};
/// use tower::{ServiceBuilder, ServiceExt};
/// let groups = Groups::new();
/// let group = groups.register(&Resource::new(), &InstrumentationScope::new("a"));
/// let span = SpanData::new(SpanContext::default(), "GET", 1, 2).to_record(group, &Limits::default());
/// let request = assemble(&groups, Signal::Traces, &vec![span; 8], RequestLimits::default()).requests.remove(0);
///
/// let stack = ServiceBuilder::new().layer(SplitLayer::new()).service_fn(|request: ExportRequest| async move {
///     match request.items() {
///         0..3 => Ok::<_, BoxError>(ExportResponse::success()),
///         _ => Err(HttpError::new(413).into()),
///     }
/// });
/// assert_eq!(stack.oneshot(request).await?, ExportResponse::success());
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SplitLayer {}

impl SplitLayer {
    /// Each service it makes learns for itself.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }
}

impl<S> Layer<S> for SplitLayer {
    type Service = Split<S>;

    fn layer(&self, inner: S) -> Split<S> {
        Split { inner, limit: Arc::default() }
    }
}

/// The service of [`SplitLayer`].
#[derive(Debug, Clone)]
pub struct Split<S> {
    inner: S,
    limit: Arc<Mutex<SizeLimit>>,
}

impl<S: ExportService + Clone> Service<ExportRequest> for Split<S> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let export = Export {
            inner: take_ready(&mut self.inner),
            inner_is_ready: true,
            limit: Arc::clone(&self.limit),
        };
        ExportFuture::new(export.run(request))
    }
}

/// One request, and the parts that it becomes.
struct Export<S> {
    inner: S,
    /// Whether `inner` was polled ready and not called since.
    inner_is_ready: bool,
    limit: Arc<Mutex<SizeLimit>>,
}

impl<S: ExportService> Export<S> {
    async fn run(mut self, request: ExportRequest) -> Result<ExportResponse, BoxError> {
        let mut sum = Sum::default();
        // What is still to be sent, the next part last.
        let mut parts = vec![request];
        while let Some(part) = parts.pop() {
            let size = part.raw_len();
            let cut_beforehand = self.learned(|limit| limit.exceeds(size)).then(|| part.split()).flatten();
            if let Some((front, back)) = cut_beforehand {
                parts.extend([back, front]);
                continue;
            }
            let items = part.items();
            let result = self.send(part.clone()).await;
            match &result {
                Ok(_) => self.learned(|limit| limit.taken(size)),
                Err(error) if is_too_large(&**error) => {
                    self.learned(|limit| limit.refused(size));
                    if let Some((front, back)) = part.split() {
                        parts.extend([back, front]);
                        continue;
                    }
                }
                Err(_) => {}
            }
            if parts.is_empty() && sum.is_empty() {
                return result;
            }
            sum.add(result, items);
        }
        sum.finish()
    }

    async fn send(&mut self, part: ExportRequest) -> Result<ExportResponse, BoxError> {
        if !mem::replace(&mut self.inner_is_ready, false) {
            self.inner.ready().await?;
        }
        self.inner.call(part).await
    }

    fn learned<T>(&self, act: impl FnOnce(&mut SizeLimit) -> T) -> T {
        act(&mut self.limit.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the receiver, or the terminal, does not take a request of that size.
fn is_too_large(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|error| {
        error.is::<RequestTooLarge>()
            || error.downcast_ref::<GrpcError>().is_some_and(GrpcError::is_too_large)
            || error.downcast_ref::<HttpError>().is_some_and(HttpError::is_too_large)
    })
}
