//! The cold path of a push: more credits, another chunk, and what the policy says when there is neither.
//!
//! Used by [`Queue`](crate::Queue) where the usual case did not do. Holds a shard's lock only while it changes that
//! shard: eviction takes the staging lock, and waiting takes time, so both let go of it first.

use otlp_model::{DropReason, GroupId};

use crate::chunk::Chunk;
use crate::config::OverflowPolicy;
use crate::memory::HEADER;
use crate::queue::Shared;
use crate::queue::shard::Shard;
use crate::queue::shard_lock::ShardGuard;
use crate::sync::atomic::Ordering;
use crate::sync::lock;

/// What a push does when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfFull {
    /// What the policy says.
    Policy,
    /// Leave the record uncounted: the caller tries again or counts it itself.
    Report,
}

/// Why a push did not succeed.
pub(super) enum Refusal {
    Counted(DropReason),
    Full,
}

/// What was missing.
#[derive(Clone, Copy)]
enum Missing {
    /// So many items.
    Credits(u64),
    /// A chunk.
    Memory,
}

impl Shared {
    /// Everything about a push that is not the usual case.
    #[cold]
    pub(super) fn push_slowly<'a>(
        &'a self,
        mut shard: ShardGuard<'a, Shard>,
        number: usize,
        if_full: IfFull,
        group: GroupId,
        items: u32,
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        if self.home.is_elsewhere() {
            return Err(Refusal::Counted(DropReason::ShutDown));
        }
        let (mut waiting, mut last_try) = (None, false);
        // Another thread of the shard may take what was evicted for this one; it made progress then, so give up
        // after a while.
        let (mut evictions, mut empty_handed) = (0, false);
        loop {
            if shard.closed {
                shard.refuse(items, DropReason::ShutDown);
                return Err(Refusal::Counted(DropReason::ShutDown));
            }
            if bytes.len() > self.max_record_bytes.min(self.pool.largest_record())
                || u64::from(items) > self.max_queue_items
            {
                shard.refuse(items, DropReason::TooLarge);
                return Err(Refusal::Counted(DropReason::TooLarge));
            }
            let missing = match self.make_room(&mut shard, number, items, bytes.len()) {
                Ok(is_low) => {
                    if shard.append(group, items, bytes) {
                        let ring = is_low | shard.wake_reached() | self.credits.0.wake_reached(shard.credits);
                        drop(shard);
                        if ring {
                            self.bell.0.ring();
                        }
                        return Ok(());
                    }
                    Missing::Memory
                }
                Err(missing) => missing,
            };
            if if_full == IfFull::Report {
                drop(shard);
                self.press();
                return Err(Refusal::Full);
            }
            match self.overflow {
                OverflowPolicy::DropOldest if evictions < 16 => {
                    evictions += 1;
                    drop(shard);
                    self.press();
                    let evicted = match missing {
                        Missing::Credits(items) => self.evict_items(items),
                        Missing::Memory => self.evict_chunk(bytes.len() + HEADER),
                    };
                    shard = self.shard(number)?;
                    match evicted {
                        Some(credits) => shard.credits += credits,
                        // What was there was taken meanwhile, and left its room: look once more.
                        None if !empty_handed => empty_handed = true,
                        None => {
                            shard.refuse(items, DropReason::QueueFull);
                            return Err(Refusal::Counted(DropReason::QueueFull));
                        }
                    }
                }
                // Who waits here for the worker must not keep it from working.
                OverflowPolicy::Block { timeout } if !last_try && !self.own_thread.is_current() => {
                    drop(shard);
                    self.press();
                    match &mut waiting {
                        // Entered now: try once more before waiting, see `Space`.
                        None => waiting = Some(self.pool.space().enter()),
                        // Not all room is announced at once: in vain is only what finds none at the end.
                        Some(waiting) => last_try = !waiting.wait(timeout),
                    }
                    shard = self.shard(number)?;
                }
                OverflowPolicy::DropOldest | OverflowPolicy::DropNewest | OverflowPolicy::Block { .. } => {
                    shard.refuse(items, DropReason::QueueFull);
                    drop(shard);
                    self.press();
                    return Err(Refusal::Counted(DropReason::QueueFull));
                }
            }
        }
    }

    /// Gets the shard the credits and the chunk for a record. Whether the worker is to be woken for other chunks.
    fn make_room(&self, shard: &mut Shard, number: usize, items: u32, len: usize) -> Result<bool, Missing> {
        let items = u64::from(items);
        if shard.credits < items && !self.credits.0.lease(shard, items) && !self.reclaim(shard, number, items)
        {
            return Err(Missing::Credits(items - shard.credits));
        }
        if shard.has_room(len) {
            return Ok(false);
        }
        let (chunk, is_low) = self.pool.chunk(len).ok_or(Missing::Memory)?;
        let sealed = shard.replace(chunk);
        self.credits.0.sealed(sealed as u64);
        Ok(is_low)
    }

    /// Collects the unused credits of the other shards, so that the bound in items is exact also when those who
    /// leased them have gone quiet. Skips shards that are busy.
    fn reclaim(&self, shard: &mut Shard, number: usize, items: u64) -> bool {
        if self.credits.0.known_empty(shard) {
            return false;
        }
        let epoch = self.credits.0.epoch();
        let mut all = true;
        for (other, shard_lock) in self.shards.iter().enumerate() {
            if other == number || shard.credits >= items {
                continue;
            }
            match shard_lock.0.try_lock() {
                Some(mut other) => shard.credits += std::mem::take(&mut other.credits),
                None => all = false,
            }
        }
        if shard.credits >= items || self.credits.0.lease(shard, items) {
            return true;
        }
        if all {
            shard.full_epoch = Some(epoch);
        }
        false
    }

    /// Drops the oldest records until `items` credits are free, and hands those over; `None` when nothing is queued.
    fn evict_items(&self, items: u64) -> Option<u64> {
        let (mut gone, mut spare) = (Vec::new(), Vec::new());
        let credits = {
            let mut staging = lock(&self.staging.0);
            let mut credits = 0;
            while credits < items {
                if staging.is_empty() {
                    self.stage(&mut staging, &mut spare);
                }
                let Some(evicted) = staging.evict_record(&mut gone) else { break };
                credits += evicted;
            }
            credits
        };
        // Chunks go back to the pool, and wake those who wait for them, with no lock held.
        let any = credits > 0 || !gone.is_empty();
        drop((gone, spare));
        any.then_some(credits)
    }

    /// Drops the records of the oldest chunks, until at least one chunk and `bytes` went back to the pool, and hands
    /// their credits over; `None` when nothing is queued.
    fn evict_chunk(&self, bytes: usize) -> Option<u64> {
        let (mut credits, mut freed) = (0, 0);
        let mut any = false;
        loop {
            let mut spare = Vec::new();
            let part = {
                let mut staging = lock(&self.staging.0);
                if staging.is_empty() {
                    self.stage(&mut staging, &mut spare);
                }
                // Where the records of several shards now share a chunk, none of them need go.
                if spare.is_empty() { staging.evict_part() } else { None }
            };
            if let Some(part) = part {
                credits += part.items;
                // The rest of a chunk whose front is in flight frees nothing: go on to the next.
                freed += part.into_chunk().map_or(0, |chunk| chunk.size());
            } else if spare.is_empty() {
                return any.then_some(credits);
            }
            any = true;
            freed += spare.iter().map(Chunk::size).sum::<usize>();
            drop(spare);
            if freed >= bytes {
                return Some(credits);
            }
        }
    }

    /// Says that there was no room, so that the worker sends what it has whatever its strategy: the queue will not
    /// get fuller. Wakes it once until it next takes something.
    fn press(&self) {
        if !self.pressure.load(Ordering::SeqCst) && !self.pressure.swap(true, Ordering::SeqCst) {
            self.bell.0.ring();
        }
    }

    fn shard(&self, number: usize) -> Result<ShardGuard<'_, Shard>, Refusal> {
        self.shards.get(number).and_then(|shard| shard.0.lock()).ok_or(Refusal::Full)
    }
}
