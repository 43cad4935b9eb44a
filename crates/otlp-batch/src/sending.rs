//! A batch that goes past the queue: for who already has a whole one, and wants to know what became of just that.
//!
//! Made by [`BatchHandle::send`](crate::BatchHandle::send), answered by the worker. In the books like any other batch. Uses
//! no runtime.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use otlp_model::{DropReason, Outcome};
use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::queue::Ticket;

/// What became of one batch: resolves when its outcome is in the books, on any executor.
///
/// Dropping it takes nothing back: the batch is sent all the same.
#[derive(Debug)]
#[must_use = "the outcome says whether anything was lost"]
pub struct Sending {
    items: u64,
    answer: Result<oneshot::Receiver<Outcome>, DropReason>,
}

impl Sending {
    pub(crate) fn refused(items: u64, reason: DropReason) -> Self {
        Self { items, answer: Err(reason) }
    }
}

impl Future for Sending {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let items = self.items;
        match &mut self.answer {
            Err(reason) => Poll::Ready(Outcome::lost(*reason, items)),
            // Nobody answers where the worker was lost with its runtime.
            Ok(answer) => Pin::new(answer)
                .poll(cx)
                .map(|answer| answer.unwrap_or_else(|_| Outcome::lost(DropReason::ShutDown, items))),
        }
    }
}

/// The worker's side of a [`Sending`]: a batch that waits for the service.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) batch: Batch,
    pub(crate) by: Option<Instant>,
    pub(crate) receipt: Receipt,
}

/// The batch's place in the books, and who waits for its outcome.
#[derive(Debug)]
pub(crate) struct Receipt {
    ticket: Ticket,
    answer: Option<oneshot::Sender<Outcome>>,
}

impl Receipt {
    /// Of a batch taken from the queue: nobody waits for it alone.
    pub(crate) fn of(ticket: Ticket) -> Self {
        Self { ticket, answer: None }
    }

    /// With somebody who waits.
    pub(crate) fn with_answer(ticket: Ticket) -> (Self, Sending) {
        let (answer, receiver) = oneshot::channel();
        let sending = Sending { items: ticket.items(), answer: Ok(receiver) };
        (Self { ticket, answer: Some(answer) }, sending)
    }

    pub(crate) fn lose(self, reason: DropReason) {
        let outcome = Outcome::lost(reason, self.ticket.items());
        self.settle(&outcome);
    }

    pub(crate) fn settle(self, outcome: &Outcome) {
        self.close(|ticket| ticket.settle(outcome));
    }

    pub(crate) fn fail(self, reason: DropReason, error: String) {
        self.close(|ticket| ticket.fail(reason, error));
    }

    /// First the books, then the answer: whoever hears it may look at them.
    fn close(self, enter: impl FnOnce(Ticket) -> Outcome) {
        let outcome = enter(self.ticket);
        if let Some(answer) = self.answer {
            // Who asked may have gone.
            let _ = answer.send(outcome);
        }
    }
}
