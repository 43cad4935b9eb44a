//! One of the queue's shards: what its producers' lock protects.
//!
//! Used by the queue under the shard's lock. Decides nothing: when it has no room, it says so.

use std::collections::VecDeque;

use otlp_model::{DropReason, Dropped, GroupId};

use crate::chunk::Chunk;
use crate::queue::staging::Staging;
use crate::stats::Stats;

/// Records in order of arrival, and their part of the books.
#[derive(Debug)]
pub(super) struct Shard {
    /// Where the next record goes.
    open: Option<Chunk>,
    /// Full chunks, oldest first.
    sealed: VecDeque<Chunk>,
    /// Items that may still be queued without asking.
    pub(super) credits: u64,
    items: u64,
    bytes: u64,
    records: u64,
    /// The worker wants to be woken when the shard holds so much; zero: by the next record.
    wake_items: u64,
    wake_bytes: u64,
    accepted: u64,
    dropped: Dropped,
    /// The epoch of the credits in which none were found anywhere.
    pub(super) full_epoch: Option<u64>,
    pub(super) closed: bool,
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            open: None,
            sealed: VecDeque::new(),
            credits: 0,
            items: 0,
            bytes: 0,
            records: 0,
            wake_items: u64::MAX,
            wake_bytes: u64::MAX,
            accepted: 0,
            dropped: Dropped::default(),
            full_epoch: None,
            closed: false,
        }
    }
}

impl Shard {
    /// Queues and counts a record; `false` when credits, room, or an open chunk are missing: closing takes the chunk.
    #[inline]
    pub(super) fn append(&mut self, group: GroupId, items: u32, bytes: &[u8]) -> bool {
        let count = u64::from(items);
        if count > self.credits {
            return false;
        }
        let Some(chunk) = &mut self.open else { return false };
        if !chunk.append(group, items, bytes) {
            return false;
        }
        self.credits -= count;
        self.accepted += count;
        self.items += count;
        self.bytes += bytes.len() as u64;
        self.records += 1;
        true
    }

    /// Whether the worker asked to be woken by now; says so once.
    #[inline]
    pub(super) fn wake_reached(&mut self) -> bool {
        let reached = self.items >= self.wake_items || self.bytes >= self.wake_bytes;
        if reached {
            (self.wake_items, self.wake_bytes) = (u64::MAX, u64::MAX);
        }
        reached
    }

    /// Has [`wake_reached`](Self::wake_reached) say so when so much more is queued.
    pub(super) fn set_wake(&mut self, items: u64, bytes: u64) {
        let after = |now: u64, more: u64| if more == 0 { 0 } else { now.saturating_add(more) };
        (self.wake_items, self.wake_bytes) = (after(self.items, items), after(self.bytes, bytes));
    }

    /// Counts a record that was not queued.
    pub(super) fn refuse(&mut self, items: u32, reason: DropReason) {
        self.accepted += u64::from(items);
        self.dropped.add(reason, u64::from(items));
    }

    /// Whether a record of `len` bytes fits the open chunk.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.open.as_ref().is_some_and(|chunk| chunk.has_room(len))
    }

    /// Opens another chunk; the bytes of the one before, now sealed.
    pub(super) fn replace(&mut self, chunk: Chunk) -> usize {
        let Some(full) = self.open.replace(chunk) else { return 0 };
        let bytes = full.used();
        if !full.is_empty() {
            self.sealed.push_back(full);
        }
        bytes
    }

    /// Moves all records behind what is staged. Chunks that are not needed for them go to `spare`.
    pub(super) fn move_to(&mut self, staging: &mut Staging, spare: &mut Vec<Chunk>) {
        for chunk in self.sealed.drain(..) {
            staging.push(chunk, spare);
        }
        if let Some(chunk) = self.open.take_if(|chunk| !chunk.is_empty()) {
            staging.push(chunk, spare);
        }
        (self.items, self.bytes, self.records) = (0, 0, 0);
    }

    /// Refuses records from now on.
    pub(super) fn close(&mut self) {
        self.closed = true;
        if let Some(chunk) = self.open.take_if(|chunk| !chunk.is_empty()) {
            self.sealed.push_back(chunk);
        }
        self.open = None;
    }

    /// Adds its part of the books.
    pub(super) fn count(&self, stats: &mut Stats) {
        stats.accepted += self.accepted;
        stats.dropped.merge(&self.dropped);
        stats.queued += self.items;
        stats.queued_bytes += self.bytes;
    }

    /// Records, items and bytes queued in it.
    pub(super) fn queued(&self) -> (u64, u64, u64) {
        (self.records, self.items, self.bytes)
    }

    /// Bytes queued in the open chunk.
    pub(super) fn open_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |chunk| chunk.used() as u64)
    }
}
