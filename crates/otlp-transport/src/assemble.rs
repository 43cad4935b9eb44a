//! From a batch of records to requests, and from their answers to one outcome.
//!
//! The top of the export stack: what is above speaks of batches and outcomes, what is below of encoded requests. The
//! only layer that knows groups. Never retries and never compresses.

use crate::{BoxError, Disposition, ExportFuture, ExportService, classify};
use otlp_model::{DropReason, ExportRequest, Groups, Outcome, Records, RequestLimits, Signal, assemble};
use std::fmt;
use std::mem;
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
/// The batch is given up as soon as its requests are assembled, before the first is sent, so that its memory can take
/// new records meanwhile; [`holding`](Self::holding) keeps something in its place until the outcome.
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
pub struct AssembleLayer<H = Release> {
    groups: Arc<Groups>,
    signal: Signal,
    limits: RequestLimits,
    hold: H,
}

impl AssembleLayer {
    /// Assembles records of `groups` into requests of `signal` within `limits`.
    #[must_use]
    pub fn new(groups: Arc<Groups>, signal: Signal, limits: RequestLimits) -> Self {
        Self { groups, signal, limits, hold: Release(()) }
    }

    /// Calls `hold` with each assembled batch and the bytes of its requests, and keeps what it returns until the
    /// outcome is known: a guard that accounts for the bytes in flight, or the batch itself.
    pub fn holding<H>(self, hold: H) -> AssembleLayer<H> {
        AssembleLayer { groups: self.groups, signal: self.signal, limits: self.limits, hold }
    }
}

/// What stays of a batch of type `B` between its assembly and its outcome. Every function from a batch and its bytes to
/// a guard is one.
pub trait Hold<B> {
    /// What stays; dropped when the outcome is known, or the batch's future is dropped.
    type Guard: Send + 'static;

    /// Takes the batch, whose requests have `body_bytes` bytes together.
    fn hold(&self, batch: B, body_bytes: usize) -> Self::Guard;
}

impl<B, G: Send + 'static, F: Fn(B, usize) -> G> Hold<B> for F {
    type Guard = G;

    fn hold(&self, batch: B, body_bytes: usize) -> G {
        self(batch, body_bytes)
    }
}

/// Drops each batch as soon as it is assembled; what [`AssembleLayer`] does unless told otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Release(());

impl<B> Hold<B> for Release {
    type Guard = ();

    fn hold(&self, _batch: B, _body_bytes: usize) {}
}

impl<H: Clone> Clone for AssembleLayer<H> {
    fn clone(&self) -> Self {
        Self {
            groups: Arc::clone(&self.groups),
            signal: self.signal,
            limits: self.limits,
            hold: self.hold.clone(),
        }
    }
}

impl<H> fmt::Debug for AssembleLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssembleLayer").field("signal", &self.signal).finish_non_exhaustive()
    }
}

impl<S, H: Clone> Layer<S> for AssembleLayer<H> {
    type Service = Assemble<S, H>;

    fn layer(&self, inner: S) -> Assemble<S, H> {
        Assemble { inner, layer: self.clone() }
    }
}

/// The service of [`AssembleLayer`].
#[derive(Debug)]
pub struct Assemble<S, H = Release> {
    inner: S,
    layer: AssembleLayer<H>,
}

impl<S: Clone, H: Clone> Clone for Assemble<S, H> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, B, H> Service<B> for Assemble<S, H>
where
    S: ExportService + Clone,
    B: Records + Send + 'static,
    H: Hold<B>,
{
    type Response = Outcome;
    type Error = BoxError;
    type Future = ExportFuture<Outcome>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, batch: B) -> ExportFuture<Outcome> {
        let AssembleLayer { groups, signal, limits, hold } = &self.layer;
        let assembled = assemble(groups, *signal, &batch, *limits);
        let mut outcome = Outcome::lost(DropReason::TooLarge, assembled.too_large);

        // Every item that came in comes out; what the assembler did not account for it could not encode.
        let sent: u64 = assembled.requests.iter().map(ExportRequest::items).sum();
        let unaccounted = batch.items().saturating_sub(sent + assembled.too_large);
        outcome.dropped.add(DropReason::EncodeFailed, unaccounted);

        let body_bytes = assembled.requests.iter().map(|request| request.body().len()).sum();
        let guard = hold.hold(batch, body_bytes);

        // The service that `poll_ready` made ready takes the call; the clone stays behind for the next caller.
        let unready = self.inner.clone();
        let ready = mem::replace(&mut self.inner, unready);
        ExportFuture::new(async move {
            outcome.merge(&send_all(ready, assembled.requests).await);
            drop(guard);
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
        outcome.merge(&outcome_of(&classify(&result), items));
    }
    outcome
}

/// What `items` items sent in one request came to.
fn outcome_of(disposition: &Disposition, items: u64) -> Outcome {
    match *disposition {
        Disposition::Delivered { rejected } => {
            let rejected = rejected.min(items);
            Outcome { delivered: items - rejected, rejected, ..Outcome::default() }
        }
        Disposition::Permanent { reason } => Outcome::lost(reason, items),
        // Nothing above sends it again, so the one attempt was all the attempts there were.
        Disposition::Retryable { .. } => Outcome::lost(DropReason::RetriesExhausted, items),
    }
}
