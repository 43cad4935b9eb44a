//! The producers' side.

use otlp_model::{DropReason, GroupId};

use crate::batch::Batch;
use crate::stats::Stats;

/// The producers' end of a queue: cheap to clone, shared by any number of threads.
#[derive(Debug, Clone)]
pub struct Queue(());

impl Queue {
    /// Copies one encoded record of `items` items into the queue.
    ///
    /// # Errors
    ///
    /// Why the record was dropped; the loss is already counted.
    pub fn push(&self, group: GroupId, items: u32, bytes: &[u8]) -> Result<(), DropReason> {
        let _ = (group, items, bytes);
        todo!()
    }

    /// A consistent snapshot of the books.
    #[must_use]
    pub fn stats(&self) -> Stats {
        todo!()
    }

    /// The text of the last error that lost items, if any.
    #[must_use]
    pub fn last_error(&self) -> Option<String> {
        todo!()
    }

    /// Whether pushes are refused as `shut_down`.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        todo!()
    }
}

/// The consumer's end.
#[derive(Debug)]
pub struct Drain(());

/// One batch in flight.
#[derive(Debug)]
pub struct Ticket(());

impl Drain {
    /// Takes the oldest records.
    pub fn take(&mut self, max_items: u64, max_bytes: u64) -> Option<(Batch, Ticket)> {
        let _ = (max_items, max_bytes);
        todo!()
    }
}
