//! The records of all shards in one line: where batches are cut from the front, and the oldest are evicted.
//!
//! Used under its lock by the drain, and by a producer that makes room. Counts positions in records since the queue
//! began, so that a flush can say up to where it reaches.

use std::collections::VecDeque;

use otlp_model::{DropReason, Dropped};

use crate::chunk::{Chunk, Part};
use crate::stats::Stats;

/// Staged records, oldest first.
#[derive(Debug, Default)]
pub(super) struct Staging {
    parts: VecDeque<Part>,
    items: u64,
    bytes: u64,
    records: u64,
    /// The position of the oldest: how many records have left by the front.
    front: u64,
    dropped: Dropped,
}

/// What was cut off for a batch.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    pub(crate) parts: Vec<Part>,
    pub(crate) items: u64,
    pub(crate) bytes: usize,
}

impl Staging {
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Adds the records of a chunk, which is not empty. Few records are copied into the chunk before where that has room,
    /// and their own goes to `spare`, to be dropped with no lock held: else each flush while the receiver is down would
    /// take a chunk from every shard, and use the pool up for next to nothing.
    pub(super) fn push(&mut self, chunk: Chunk, spare: &mut Vec<Chunk>) {
        if let Some(last) = self.parts.back_mut() {
            let (items, bytes, records) = (last.items, last.bytes, last.records);
            if last.absorb(&chunk) {
                self.items += last.items - items;
                self.bytes += (last.bytes - bytes) as u64;
                self.records += (last.records - records) as u64;
                spare.push(chunk);
                return;
            }
        }
        let part = Part::from(chunk);
        self.items += part.items;
        self.bytes += part.bytes as u64;
        self.records += part.records as u64;
        self.parts.push_back(part);
    }

    /// Takes records from the front, as many as the limits allow, but at least one.
    pub(super) fn cut(&mut self, max_items: u64, max_bytes: u64) -> Cut {
        let mut cut = Cut::default();
        while let Some(part) = self.pop() {
            let (items_left, bytes_left) = (max_items - cut.items, max_bytes - cut.bytes as u64);
            if part.items <= items_left && part.bytes as u64 <= bytes_left {
                cut.add(part);
                continue;
            }
            let (mut records, mut items, mut bytes) = part.fitting(items_left, bytes_left);
            // conf: BATCH-21. A record that exceeds the limits alone is a batch alone.
            let alone = records == 0 && cut.parts.is_empty();
            if alone {
                (items, bytes) = part.first_record();
                records = 1;
            }
            if records == 0 {
                self.unpop(part);
            } else if records == part.records {
                cut.add(part);
            } else {
                let (front, rest) = part.split_front(records, items, bytes);
                cut.add(front);
                self.unpop(rest);
            }
            break;
        }
        cut
    }

    fn pop(&mut self) -> Option<Part> {
        let part = self.parts.pop_front()?;
        self.items -= part.items;
        self.bytes -= part.bytes as u64;
        self.records -= part.records as u64;
        self.front += part.records as u64;
        Some(part)
    }

    fn unpop(&mut self, part: Part) {
        self.items += part.items;
        self.bytes += part.bytes as u64;
        self.records += part.records as u64;
        self.front -= part.records as u64;
        self.parts.push_front(part);
    }

    /// Drops the oldest record for want of room; its items. What is left of its chunk, if nothing, goes to `gone`.
    pub(super) fn evict_record(&mut self, gone: &mut Vec<Part>) -> Option<u64> {
        let mut part = self.pop()?;
        let (items, _) = part.first_record();
        part.skip_first();
        self.dropped.add(DropReason::QueueFull, items);
        if part.records == 0 {
            gone.push(part);
        } else {
            self.unpop(part);
        }
        Some(items)
    }

    /// Drops the oldest part for want of room.
    pub(super) fn evict_part(&mut self) -> Option<Part> {
        let part = self.pop()?;
        self.dropped.add(DropReason::QueueFull, part.items);
        Some(part)
    }

    /// Drops everything for `reason`; the items, and the parts, to be dropped with no lock held.
    pub(super) fn discard(&mut self, reason: DropReason) -> (u64, VecDeque<Part>) {
        let items = std::mem::take(&mut self.items);
        self.dropped.add(reason, items);
        self.front += std::mem::take(&mut self.records);
        self.bytes = 0;
        (items, std::mem::take(&mut self.parts))
    }

    /// Adds its part of the books.
    pub(super) fn count(&self, stats: &mut Stats) {
        stats.dropped.merge(&self.dropped);
        stats.queued += self.items;
        stats.queued_bytes += self.bytes;
    }

    /// The position of the oldest record.
    pub(super) fn front(&self) -> u64 {
        self.front
    }

    /// Records, items and bytes staged.
    pub(super) fn queued(&self) -> (u64, u64, u64) {
        (self.records, self.items, self.bytes)
    }
}

impl Cut {
    fn add(&mut self, part: Part) {
        self.items += part.items;
        self.bytes += part.bytes;
        self.parts.push(part);
    }
}
