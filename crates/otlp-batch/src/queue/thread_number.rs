//! Which shard is whose: a small number for each thread.
//!
//! Used by a push. Says nothing about telemetry, so that it may be the process's; no two queues meet in it.

use std::cell::Cell;

#[cfg(not(loom))]
mod counted {
    use super::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// The next thread's number.
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    #[cold]
    fn assign(number: &Cell<usize>) -> usize {
        number.set(NEXT.fetch_add(1, Ordering::Relaxed) & (usize::MAX >> 1));
        number.get()
    }

    /// The calling thread's number: threads of about the same age have different ones.
    #[inline]
    pub(in crate::queue) fn thread_number() -> usize {
        let read =
            |number: &Cell<usize>| if number.get() == usize::MAX { assign(number) } else { number.get() };
        NUMBER.try_with(read).unwrap_or(0)
    }
}

#[cfg(loom)]
mod chosen {
    use super::Cell;

    loom::thread_local! {
        static NUMBER: Cell<usize> = Cell::new(0);
    }

    pub(in crate::queue) fn thread_number() -> usize {
        NUMBER.with(Cell::get)
    }

    /// Chooses the calling thread's shard in a loom model.
    #[doc(hidden)]
    pub fn set_thread_number(number: usize) {
        NUMBER.with(|cell| cell.set(number));
    }
}

#[cfg(loom)]
pub use chosen::set_thread_number;
#[cfg(loom)]
pub(super) use chosen::thread_number;
#[cfg(not(loom))]
pub(super) use counted::thread_number;
