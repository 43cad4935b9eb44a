//! As many permits as the controller allows.
//!
//! Used by the adaptive concurrency service. Decides nothing: the controller says how many there are. Gives none to who
//! only waits: a service that nobody polls any more would keep it, and an attempt that has to be repeated, which has
//! somebody who does, would wait for ever.

use super::controller::{Controller, Feedback};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Permits {
    state: Mutex<State>,
    /// All who wait look again when a permit came back; there are few.
    returned: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    controller: Controller,
    under_way: usize,
    /// Permits that somebody has, under way or not yet.
    out: usize,
}

impl Permits {
    pub(super) fn new(controller: Controller) -> Self {
        let state = State { controller, under_way: 0, out: 0 };
        Self { state: Mutex::new(state), returned: Arc::default() }
    }

    pub(super) fn limit(&self) -> usize {
        self.with(|state| state.controller.limit())
    }

    /// A permit, if there is one now.
    pub(super) fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let is_free = self.with(|state| {
            let is_free = state.out < state.controller.limit();
            state.out += usize::from(is_free);
            is_free
        });
        is_free.then(|| Permit { permits: Arc::clone(self), is_under_way: false })
    }

    /// Resolves when a permit has come back since this call: then try again.
    pub(super) fn returned(&self) -> OwnedNotified {
        Arc::clone(&self.returned).notified_owned()
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The room for one attempt; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    permits: Arc<Permits>,
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
        self.permits.with(|state| {
            state.out -= 1;
            state.under_way -= usize::from(self.is_under_way);
        });
        self.permits.returned.notify_waiters();
    }
}
