//! The answer to a flush or close, for asynchronous callers on any executor and for plain threads.
//!
//! Made by the handle, answered by the worker. Uses no runtime, so that waiting for it can neither panic inside one
//! nor need one.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::queue::Queue;
use crate::stats::Stats;

/// What a flush or close came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlushReport {
    /// Whether everything accepted before the call has an outcome. It may be a loss: `stats` says so.
    pub complete: bool,
    /// The books, taken exactly when the flush completed, or when the time was over.
    pub stats: Stats,
    /// The text of the last error that lost items, if any since the queue began.
    pub last_error: Option<String>,
}

impl FlushReport {
    pub(crate) fn new(queue: &Queue, complete: bool) -> Self {
        Self { complete, stats: queue.stats(), last_error: queue.last_error() }
    }
}

/// The answer to a flush or close: a future for any executor, and [`wait`](Self::wait) for plain threads.
///
/// Dropping it does not take the flush or close back. It is always answered: also when the worker is dropped, with
/// its runtime or without.
#[derive(Debug)]
#[must_use = "the answer says whether anything was lost"]
pub struct Reply {
    slot: Arc<Slot>,
    queue: Queue,
}

#[derive(Debug, Default)]
struct Slot {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    report: Option<FlushReport>,
    waker: Option<Waker>,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The worker's side of a [`Reply`]; dropped unused, it answers that the flush is not complete.
#[derive(Debug)]
pub(crate) struct Answer {
    slot: Option<Arc<Slot>>,
    queue: Queue,
}

/// A reply and its answer.
pub(crate) fn reply(queue: &Queue) -> (Answer, Reply) {
    let slot = Arc::new(Slot::default());
    (Answer { slot: Some(Arc::clone(&slot)), queue: queue.clone() }, Reply { slot, queue: queue.clone() })
}

impl Answer {
    pub(crate) fn send(mut self, report: FlushReport) {
        self.put(|_| report);
    }

    fn put(&mut self, report: impl FnOnce(&Queue) -> FlushReport) {
        let Some(slot) = self.slot.take() else { return };
        let report = report(&self.queue);
        let waker = {
            let mut state = slot.lock();
            state.report = Some(report);
            state.waker.take()
        };
        slot.answered.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.put(|queue| FlushReport::new(queue, false));
    }
}

impl Reply {
    /// Blocks this thread for the answer, at most `timeout`; then reports the books as they are, with
    /// [`complete`](FlushReport::complete) false.
    ///
    /// Works in every context, inside a runtime or outside: but on the only thread of the runtime that runs the
    /// worker, it keeps the worker from working until the time is over.
    #[must_use]
    pub fn wait(self, timeout: Duration) -> FlushReport {
        let state = self.slot.lock();
        let (mut state, _) = self
            .slot
            .answered
            .wait_timeout_while(state, timeout, |state| state.report.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        let report = state.report.take();
        drop(state);
        report.unwrap_or_else(|| FlushReport::new(&self.queue, false))
    }
}

impl Future for Reply {
    type Output = FlushReport;

    /// Cancel safe: dropping the future loses the answer and nothing else.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FlushReport> {
        let mut state = self.slot.lock();
        if let Some(report) = state.report.take() {
            return Poll::Ready(report);
        }
        if !state.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            state.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}
