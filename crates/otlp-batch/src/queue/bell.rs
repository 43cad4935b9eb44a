//! How producers wake the worker.
//!
//! Rung by the queue, listened to by the drain. Keeps no state of its own beside the waker.

use std::task::Waker;

use crate::sync::{Mutex, lock};

/// Wakes the worker's task.
///
/// A ring is never missed, though it leaves no trace when nobody listens: the drain first listens, then looks at the
/// queue, then parks, and what it looks at changes under the shards' locks, or under SeqCst, before the ring. So a ring before
/// `listen` is for a change that the look will see, and a ring after it wakes.
#[derive(Debug)]
pub(super) struct Bell {
    waker: Mutex<Option<Waker>>,
}

impl Default for Bell {
    fn default() -> Self {
        Self { waker: Mutex::new(None) }
    }
}

impl Bell {
    /// Wakes whoever listens, with no lock held.
    pub(super) fn ring(&self) {
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Has `waker` woken at the next ring.
    pub(super) fn listen(&self, waker: &Waker) {
        let mut slot = lock(&self.waker);
        if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }
}
