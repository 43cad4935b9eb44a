//! As many permits as the controller allows, given out in order.
//!
//! Used by the adaptive concurrency service. Decides nothing: the controller says how many there are.

use super::controller::{Controller, Feedback};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Permits {
    semaphore: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    controller: Controller,
    under_way: usize,
    /// How many permits there are, out or not.
    permits: usize,
}

impl Permits {
    pub(super) fn new(controller: Controller) -> Self {
        let permits = controller.limit();
        let state = State { controller, under_way: 0, permits };
        Self { semaphore: Arc::new(Semaphore::new(permits)), state: Mutex::new(state) }
    }

    pub(super) fn limit(&self) -> usize {
        self.with(|state| state.controller.limit())
    }

    /// A permit, when those who came before have theirs; `None` never happens, since nobody closes the semaphore.
    pub(super) async fn acquire(self: Arc<Self>) -> Option<Permit> {
        let permit = Arc::clone(&self.semaphore).acquire_owned().await.ok()?;
        Some(Permit { permits: self, permit: Some(permit), is_under_way: false })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The room for one attempt; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    permits: Arc<Permits>,
    permit: Option<OwnedSemaphorePermit>,
    is_under_way: bool,
}

impl Permit {
    /// The attempt begins.
    pub(super) fn begin(&mut self) {
        self.is_under_way = true;
        self.permits.with(|state| {
            state.under_way += 1;
            state.controller.began(state.under_way);
        });
    }

    /// Tells how the attempt ended.
    pub(super) fn ended(self, feedback: Feedback, now: Instant) {
        self.permits.with(|state| state.controller.ended(feedback, now));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let semaphore = &self.permits.semaphore;
        self.permits.with(|state| {
            state.under_way -= usize::from(self.is_under_way);
            let limit = state.controller.limit();
            if state.permits > limit {
                // One fewer, and nobody waits for it in vain: others are still out or free.
                state.permits -= 1;
                permit.forget();
            } else {
                drop(permit);
                semaphore.add_permits(limit - state.permits);
                state.permits = limit;
            }
        });
    }
}
