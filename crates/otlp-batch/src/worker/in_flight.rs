//! One call of the service: its future, and what is known when it ends.
//!
//! Used by the worker. Lets no panic through, whether the future panics in its poll or in its drop.

use std::any::Any;
use std::error::Error;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use otlp_model::{DropReason, Outcome, Undelivered};

use crate::batcher::BatchId;
use crate::queue::Ticket;

/// A call that runs; resolves to its batch and what became of it.
pub(super) struct InFlight<F> {
    id: BatchId,
    ticket: Option<Ticket>,
    future: Option<Pin<Box<F>>>,
}

/// A batch lost whole.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: DropReason,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        let reason = Undelivered::reason_of(&*error).unwrap_or(DropReason::LayerFailed);
        Self { reason, text: chain(&*error) }
    }

    pub(super) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let message = panic.downcast_ref::<&str>().copied();
        let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        let text = format!("a layer panicked: {}", message.unwrap_or("no message"));
        Self { reason: DropReason::LayerFailed, text }
    }
}

/// An error with its causes, each told once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

impl<F> InFlight<F> {
    pub(super) fn new(id: BatchId, ticket: Ticket, future: F) -> Self {
        Self { id, ticket: Some(ticket), future: Some(Box::pin(future)) }
    }

    /// Drops the future, and settles its batch as lost.
    pub(super) fn cancel(mut self, reason: DropReason) -> BatchId {
        self.drop_future();
        if let Some(ticket) = self.ticket.take() {
            let outcome = Outcome::lost(reason, ticket.items());
            ticket.settle(&outcome);
        }
        self.id
    }

    fn drop_future(&mut self) {
        let future = self.future.take();
        // A panic in a drop tells nothing about the batch.
        drop(catch_unwind(AssertUnwindSafe(|| drop(future))));
    }
}

impl<F, E> Future for InFlight<F>
where
    F: Future<Output = Result<Outcome, E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = (BatchId, Ticket, Result<Outcome, Failure>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx).map_err(Failure::new)));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(Failure::panicked(&*panic)),
        };
        self.drop_future();
        match self.ticket.take() {
            Some(ticket) => Poll::Ready((self.id, ticket, result)),
            None => Poll::Pending,
        }
    }
}
