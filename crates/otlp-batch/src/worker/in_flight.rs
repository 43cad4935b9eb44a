//! One call of the service: its future, and what is known when it ends.
//!
//! Used by the worker. Lets no panic through, whether the future panics in its poll or in its drop.

use std::any::Any;
use std::error::Error;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use otlp_model::{DropReason, Outcome, Undelivered, causes};

use crate::batcher::BatchId;
use crate::sending::Receipt;

/// A call that runs; resolves to its batch and what became of it.
pub(super) struct InFlight<F> {
    id: BatchId,
    receipt: Option<Receipt>,
    future: Option<Pin<Box<F>>>,
    /// When it is given up; `None` for a batch of the queue.
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
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

    pub(super) fn late() -> Self {
        let text = String::from("the time for sending the batch was over");
        Self { reason: DropReason::Deadline, text }
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
    for cause in causes(error).skip(1) {
        let more = cause.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
    }
    text
}

impl<F> InFlight<F> {
    pub(super) fn new(id: BatchId, receipt: Receipt, future: F, by: Option<Instant>) -> Self {
        let deadline = by.map(|by| Box::pin(tokio::time::sleep_until(by.into())));
        Self { id, receipt: Some(receipt), future: Some(Box::pin(future)), deadline }
    }

    /// Drops the future, and settles its batch as lost.
    pub(super) fn cancel(mut self, reason: DropReason) -> BatchId {
        self.drop_future();
        if let Some(receipt) = self.receipt.take() {
            receipt.lose(reason);
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
    type Output = (BatchId, Receipt, Result<Outcome, Failure>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx).map_err(Failure::new)));
        let result = match polled {
            Ok(Poll::Pending) => match self.deadline.as_mut().map(|deadline| deadline.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => Err(Failure::late()),
                _ => return Poll::Pending,
            },
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(Failure::panicked(&*panic)),
        };
        self.drop_future();
        match self.receipt.take() {
            Some(receipt) => Poll::Ready((self.id, receipt, result)),
            None => Poll::Pending,
        }
    }
}
