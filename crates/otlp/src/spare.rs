//! What finished records leave to those that are begun: buffers, kept by each thread.
//!
//! One for spans and one for log records, in a `thread_local` each. Never shared between threads, and never the reason for a
//! panic: a record that is made while another is taken, or while the thread is torn down, has a buffer of its own.

use std::cell::{Cell, RefCell};

/// Spare buffers kept by each thread beside the latest.
const SPARES: usize = 32;
/// How much of an unusually large one is kept.
pub(crate) const SPARE_BYTES: usize = 16 * 1024;

/// Boxes to be used again.
pub(crate) struct Spare<T> {
    /// Given back last and taken first: where one record is open at a time, and among the children of one span, nothing else
    /// is looked at.
    latest: Cell<Option<Box<T>>>,
    /// The boxes themselves are what is recycled: the kilobyte in one is never moved.
    others: RefCell<Vec<Box<T>>>,
}

impl<T> Spare<T> {
    pub(crate) const fn new() -> Self {
        Self { latest: Cell::new(None), others: RefCell::new(Vec::new()) }
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<Box<T>> {
        self.latest.take().or_else(|| self.take_other())
    }

    #[inline(never)]
    fn take_other(&self) -> Option<Box<T>> {
        self.others.try_borrow_mut().ok()?.pop()
    }

    #[inline]
    pub(crate) fn give(&self, live: Box<T>) {
        if let Some(former) = self.latest.replace(Some(live)) {
            self.give_other(former);
        }
    }

    /// All of them, the latest last, so that there is none on this thread until they are given back.
    pub(crate) fn lay_aside(&self) -> Vec<Box<T>> {
        let mut all =
            self.others.try_borrow_mut().map(|mut others| std::mem::take(&mut *others)).unwrap_or_default();
        all.extend(self.latest.take());
        all
    }

    #[inline(never)]
    fn give_other(&self, live: Box<T>) {
        if let Ok(mut others) = self.others.try_borrow_mut()
            && others.len() < SPARES
        {
            others.push(live);
        }
    }
}
