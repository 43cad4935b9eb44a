//! As many attempts at once as the receiver takes well.
//!
//! Used once per stack, below retry. The pure [`Controller`] learns how many from latency and push-back; this file
//! counts and waits. Never fails a request and never sends one twice.

mod controller;
mod permits;

pub use controller::{Controller, Feedback};

use crate::error::find;
use crate::{BoxError, Disposition, ErrorType, ExportFuture, ExportService, GrpcCode, GrpcError, classify};
use otlp_model::{DropReason, ExportRequest, ExportResponse};
use permits::{Permit, Permits};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::sync::futures::OwnedNotified;
use tokio::time::Instant;
use tower::{Layer, Service};

/// Limits the attempts under way to what the receiver takes without getting slower, see [`Controller`].
///
/// It starts at the ceiling: with the few requests an exporter has under way, growing from one would cost more than the
/// receiver's first answers do. A receiver that pushes back has it at a half after seven rounds.
///
/// Attempts only: requests asleep in a back-off hold no permit. Bound those, and their memory, by a limit above retry.
///
/// - **Position**: below retry, so that it sees every attempt and its time, without back-off; above observe(attempt),
///   the attempt timeout, and whatever else takes part of that time.
/// - **Clone**: clones share the limit.
/// - **Readiness**: when there is a permit, which is kept for the call, and the inner service is ready. Dropping the
///   service gives it back. Who waits has no place in a line: a permit goes to the first that asks again.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{AdaptiveConcurrencyLayer, BoxError};
/// let stack = tower::ServiceBuilder::new()
///     .layer(AdaptiveConcurrencyLayer::new(8))
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// assert_eq!(stack.limit(), 8);
/// ```
#[derive(Debug, Clone)]
pub struct AdaptiveConcurrencyLayer {
    controller: Controller,
}

impl AdaptiveConcurrencyLayer {
    /// At most `ceiling` attempts, and as many at first; 0 is taken for 1.
    #[must_use]
    pub fn new(ceiling: usize) -> Self {
        Self::with_initial(ceiling, ceiling)
    }

    /// Starts at `initial` attempts instead.
    #[must_use]
    pub fn with_initial(ceiling: usize, initial: usize) -> Self {
        Self { controller: Controller::new(initial, ceiling) }
    }
}

impl<S> Layer<S> for AdaptiveConcurrencyLayer {
    type Service = AdaptiveConcurrency<S>;

    fn layer(&self, inner: S) -> AdaptiveConcurrency<S> {
        let permits = Arc::new(Permits::new(self.controller.clone()));
        AdaptiveConcurrency { inner, permits, permit: None, waiting: None }
    }
}

/// The service of [`AdaptiveConcurrencyLayer`].
pub struct AdaptiveConcurrency<S> {
    inner: S,
    permits: Arc<Permits>,
    /// For the next call.
    permit: Option<Permit>,
    /// What `poll_ready` waits for, while it does.
    waiting: Option<Pin<Box<OwnedNotified>>>,
}

impl<S> AdaptiveConcurrency<S> {
    /// How many attempts may be under way now.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.permits.limit()
    }
}

impl<S: Clone> Clone for AdaptiveConcurrency<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), permits: Arc::clone(&self.permits), permit: None, waiting: None }
    }
}

impl<S: fmt::Debug> fmt::Debug for AdaptiveConcurrency<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveConcurrency")
            .field("inner", &self.inner)
            .field("limit", &self.limit())
            .finish_non_exhaustive()
    }
}

impl<S: ExportService> Service<ExportRequest> for AdaptiveConcurrency<S> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        while self.permit.is_none() {
            if let Some(waiting) = &mut self.waiting {
                ready!(waiting.as_mut().poll(cx));
                self.waiting = None;
            }
            self.permit = self.permits.try_acquire();
            if self.permit.is_none() {
                // First listen, then look once more: it may have come back in between.
                self.waiting = Some(Box::pin(self.permits.returned()));
                self.permit = self.permits.try_acquire();
            }
        }
        self.waiting = None;
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let mut permit = self.permit.take();
        if let Some(permit) = &mut permit {
            permit.begin();
        }
        let started = Instant::now();
        let attempt = self.inner.call(request);
        ExportFuture::new(async move {
            let result = attempt.await;
            if let Some(permit) = permit {
                let now = Instant::now();
                permit.ended(feedback(&result, now.duration_since(started)), now);
            }
            result
        })
    }
}

/// What the end of an attempt that took `latency` says about the load of the receiver.
fn feedback(result: &Result<ExportResponse, BoxError>, latency: std::time::Duration) -> Feedback {
    let exhausted = |error: &BoxError| {
        find::<GrpcError>(&**error)
            .is_some_and(|error| error.code() == GrpcCode::ResourceExhausted && !error.is_too_large())
    };
    match (classify(result), result) {
        (_, Err(error)) if exhausted(error) => Feedback::PushedBack,
        (Disposition::Retryable { error_type, .. }, _) => match error_type {
            ErrorType::RateLimited | ErrorType::Unavailable | ErrorType::Timeout => Feedback::PushedBack,
            ErrorType::Network | ErrorType::Aborted => Feedback::Silent,
        },
        (Disposition::Delivered { .. } | Disposition::Permanent { reason: DropReason::NotRetryable }, _) => {
            Feedback::Answered(latency)
        }
        (Disposition::Permanent { .. }, _) => Feedback::Silent,
    }
}
