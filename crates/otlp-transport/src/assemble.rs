//! From a batch of records to requests, and from their answers to one outcome.
//!
//! The top of the export stack: what is above speaks of batches and outcomes, what is below of encoded requests. The
//! only layer that knows groups. Never retries and never compresses.

use crate::export_service::take_ready;
use crate::{BoxError, ExportFuture, ExportService, outcome_of};
use otlp_model::{DropReason, ExportRequest, Groups, Outcome, Records, RequestLimits, Signal, assemble};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service, ServiceExt};

/// Assembles every batch into requests and merges what they come to into one [`Outcome`].
///
/// A batch is one request, unless it exceeds the limits; then it is several, sent one after the other. The failure of
/// one does not stop the others. The outcome's items always add up to the batch's. The service itself fails only when
/// the inner service cannot become ready; a failed request is part of the outcome, and its error is for an
/// [`ObserveLayer`](crate::ObserveLayer) below.
///
/// The batch is given up as soon as its requests are assembled, before the first is sent. What the requests do not share
/// of its memory can then take new records; what they share can once they, and all their clones, are gone.
///
/// - **Position**: on top, directly below the worker that makes batches.
/// - **Clone**: clones share the groups.
/// - **Readiness**: that of the inner service for the first request; later ones wait for theirs inside the future.
///
/// ```
/// # tokio_test::block_on(async {
/// use otlp_model::{ExportRequest, ExportResponse, Groups, Outcome, Record, RequestLimits, Signal};
/// use otlp_transport::{AssembleLayer, BoxError};
/// use std::sync::Arc;
/// use tower::{ServiceBuilder, ServiceExt};
/// let groups = Arc::new(Groups::new());
/// let stack = ServiceBuilder::new()
///     .layer(AssembleLayer::new(groups, Signal::Traces, RequestLimits::default()))
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// let batch: Vec<Record> = Vec::new();
/// assert_eq!(stack.oneshot(batch).await?, Outcome::default());
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct AssembleLayer {
    groups: Arc<Groups>,
    signal: Signal,
    limits: RequestLimits,
}

impl AssembleLayer {
    /// Assembles records of `groups` into requests of `signal` within `limits`.
    #[must_use]
    pub fn new(groups: Arc<Groups>, signal: Signal, limits: RequestLimits) -> Self {
        Self { groups, signal, limits }
    }
}

impl fmt::Debug for AssembleLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssembleLayer").field("signal", &self.signal).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AssembleLayer {
    type Service = Assemble<S>;

    fn layer(&self, inner: S) -> Assemble<S> {
        Assemble { inner, layer: self.clone() }
    }
}

/// The service of [`AssembleLayer`].
#[derive(Debug, Clone)]
pub struct Assemble<S> {
    inner: S,
    layer: AssembleLayer,
}

impl<S: ExportService + Clone, B: Records> Service<B> for Assemble<S> {
    type Response = Outcome;
    type Error = BoxError;
    type Future = ExportFuture<Outcome>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, batch: B) -> ExportFuture<Outcome> {
        let AssembleLayer { groups, signal, limits } = &self.layer;
        let assembled = assemble(groups, *signal, &batch, *limits);
        let mut outcome = Outcome::lost(DropReason::TooLarge, assembled.too_large);

        // Every item that came in comes out; what the assembler did not account for it could not encode.
        let sent: u64 = assembled.requests.iter().map(ExportRequest::items).sum();
        let unaccounted = batch.items().saturating_sub(sent + assembled.too_large);
        outcome.dropped.add(DropReason::EncodeFailed, unaccounted);

        // Before anything is sent: what the requests do not share can take new records meanwhile.
        drop(batch);

        let ready = take_ready(&mut self.inner);
        ExportFuture::new(async move {
            outcome.merge(&send_all(ready, assembled.requests).await);
            Ok(outcome)
        })
    }
}

/// Sends the requests one after the other through `inner`, which is ready for the first.
async fn send_all<S: ExportService>(mut inner: S, requests: Vec<ExportRequest>) -> Outcome {
    let mut outcome = Outcome::default();
    for (index, request) in requests.into_iter().enumerate() {
        let items = request.items();
        let result = match index {
            0 => inner.call(request).await,
            _ => match inner.ready().await {
                Ok(inner) => inner.call(request).await,
                Err(error) => Err(error),
            },
        };
        outcome.merge(&outcome_of(&result, items));
    }
    outcome
}
