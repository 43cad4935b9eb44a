//! Which threads must never wait for room: those without which no worker would make any.
//!
//! Marked by the worker, read by a push that found no room and would wait: never by the usual push.

use std::cell::Cell;

use crate::queue::thread_number::thread_number;
use crate::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static WORKING: Cell<bool> = const { Cell::new(false) };
}

/// No thread's number.
const NOBODY: usize = usize::MAX;

/// The thread that alone runs the worker of a queue, where there is such a thread.
#[derive(Debug)]
pub(super) struct OwnThread(AtomicUsize);

impl Default for OwnThread {
    fn default() -> Self {
        Self(AtomicUsize::new(NOBODY))
    }
}

impl OwnThread {
    /// Whether the worker needs the calling thread: to end its poll, or to be polled at all.
    pub(super) fn is_current(&self) -> bool {
        WORKING.try_with(Cell::get).unwrap_or(false) || self.0.load(Ordering::Relaxed) == thread_number()
    }

    /// Notes whether the worker, polled on the calling thread now, can be polled on no other.
    #[cfg(not(loom))]
    pub(super) fn note(&self, alone: bool) {
        let number = if alone { thread_number() } else { NOBODY };
        // Rarely changes, so that it is rarely written.
        if self.0.load(Ordering::Relaxed) != number {
            self.0.store(number, Ordering::Relaxed);
        }
    }
}

/// Marks the calling thread as one that runs a worker, until it is dropped.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Working {
    before: bool,
    /// It belongs to its thread.
    _not_send: std::marker::PhantomData<*const ()>,
}

#[cfg(not(loom))]
impl Working {
    pub(crate) fn begin() -> Self {
        let before = WORKING.try_with(|working| working.replace(true)).unwrap_or(false);
        Self { before, _not_send: std::marker::PhantomData }
    }
}

#[cfg(not(loom))]
impl Drop for Working {
    fn drop(&mut self) {
        // A thread that ends has no mark any more, and needs none.
        let _ = WORKING.try_with(|working| working.set(self.before));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_mark_ends_with_the_outermost_poll() {
        let nowhere = OwnThread::default();
        let outer = Working::begin();
        drop(Working::begin());
        assert!(nowhere.is_current());
        assert!(!std::thread::spawn(|| OwnThread::default().is_current()).join().unwrap());
        drop(outer);
        assert!(!nowhere.is_current());
    }

    #[test]
    fn a_note_is_of_one_thread_and_of_the_last_poll() {
        let own = OwnThread::default();
        own.note(true);
        assert!(own.is_current());
        std::thread::scope(|scope| scope.spawn(|| assert!(!own.is_current())).join().unwrap());
        own.note(false);
        assert!(!own.is_current());
    }
}
