//! The producers' end of a queue.
//!
//! A push is one short lock on the caller's own shard, one copy of the record into the shard's chunk, and a few words
//! of bookkeeping. It allocates nothing and reads no clock; it touches memory that other threads write only when its
//! chunk is full, when its item credits are used up (a block of up to 64 at a time), or when the worker has to be
//! woken. Everything that is not that is in the cold path of this file.
//!
//! Locks are taken in the order staging → shards, by number → ledger; the pool's and the bell's are leaves.

mod bell;
mod credits;
mod drain;
mod shard;
mod staging;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;

use otlp_model::{DropReason, Dropped, GroupId, Outcome};

pub use drain::{Depth, Drain, Ticket, Wake};
pub(crate) use staging::Cut;

use crate::chunk::HEADER;
use crate::config::{BatchConfig, OverflowPolicy};
use crate::pool::ChunkPool;
use crate::stats::Stats;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{CachePadded, Mutex, MutexGuard, lock, try_lock};
use bell::Bell;
use credits::Credits;
use shard::Shard;
use staging::Staging;

/// The producers' end of a queue: shared by any number of threads. A clone is another handle on the same queue.
///
/// Made together with its consumer, by [`Drain::new`], [`Worker::new`](crate::Worker::new) or a
/// [`BatchLayer`](crate::BatchLayer).
///
/// ```
/// use otlp_batch::{BatchConfig, ChunkPool, Drain, PoolConfig};
/// use otlp_model::{GroupId, Records};
/// # fn main() -> Result<(), otlp_batch::ConfigError> {
/// let pool = ChunkPool::new(PoolConfig::default())?;
/// let (queue, mut drain) = Drain::new(&BatchConfig::default(), &pool)?;
/// queue.push(GroupId(0), 1, b"\x12\x00").expect("there is room");
/// assert_eq!(queue.stats().queued, 1);
/// drain.stage();
/// let (batch, _ticket) = drain.take(512, 1 << 20).expect("there is a record");
/// assert_eq!(batch.items(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

/// What the producers and the drain share.
pub(crate) struct Shared {
    pool: ChunkPool,
    overflow: OverflowPolicy,
    max_record_bytes: usize,
    max_queue_items: u64,
    credits: CachePadded<Credits>,
    shards: Box<[CachePadded<Mutex<Shard>>]>,
    staging: Mutex<Staging>,
    ledger: Mutex<Ledger>,
    bell: Bell,
    /// A push found no room since the drain last took something.
    pressure: AtomicBool,
    closed: AtomicBool,
}

/// What became of the records that left the queue.
#[derive(Debug, Default)]
struct Ledger {
    delivered: u64,
    rejected: u64,
    dropped: Dropped,
    in_flight: u64,
    in_flight_batches: u64,
    batches: u64,
    last_error: Option<String>,
}

/// What a push does when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IfFull {
    /// What the policy says.
    Policy,
    /// Leave the record uncounted: the caller tries again or counts it itself.
    Report,
}

impl Queue {
    /// Copies one encoded record into the queue. `items` is what it counts for: 1 for a span or log record, the
    /// number of data points for a metric.
    ///
    /// Waits only under [`OverflowPolicy::Block`]. Records of one thread stay in order (BATCH-22). The record counts
    /// as accepted in the [`Stats`] whether or not it was refused.
    ///
    /// # Errors
    ///
    /// Why the record was dropped, already counted under that reason:
    /// [`QueueFull`](DropReason::QueueFull) when there was no room,
    /// [`TooLarge`](DropReason::TooLarge) when it exceeds [`BatchConfig::max_record_bytes`], or could not fit an empty
    /// queue, [`ShutDown`](DropReason::ShutDown) after the queue was closed.
    #[inline]
    pub fn push(&self, group: GroupId, items: u32, bytes: &[u8]) -> Result<(), DropReason> {
        let shared = &*self.shared;
        let number = thread_number() & (shared.shards.len() - 1);
        let Some(shard) = shared.shards.get(number) else { return Err(DropReason::LayerFailed) };
        let mut shard = lock(&shard.0);
        if bytes.len() <= shared.max_record_bytes && shard.append(group, items, bytes) {
            if shard.wake_reached() {
                drop(shard);
                shared.bell.ring();
            }
            return Ok(());
        }
        match shared.push_slowly(shard, number, IfFull::Policy, group, items, bytes) {
            Ok(()) => Ok(()),
            Err(Refusal::Counted(reason)) => Err(reason),
            Err(Refusal::Full) => Err(DropReason::QueueFull),
        }
    }

    /// Pushes without waiting; `Ok(false)`, and nothing counted, when there is no room now.
    #[cfg(not(loom))]
    pub(crate) fn offer(&self, group: GroupId, items: u32, bytes: &[u8]) -> Result<bool, DropReason> {
        let shared = &*self.shared;
        let number = thread_number() & (shared.shards.len() - 1);
        let Some(shard) = shared.shards.get(number) else { return Err(DropReason::LayerFailed) };
        match shared.push_slowly(lock(&shard.0), number, IfFull::Report, group, items, bytes) {
            Ok(()) => Ok(true),
            Err(Refusal::Counted(reason)) => Err(reason),
            Err(Refusal::Full) => Ok(false),
        }
    }

    /// Counts a record that never got in.
    #[cfg(not(loom))]
    pub(crate) fn refuse(&self, items: u32, reason: DropReason) {
        if let Some(shard) = self.shared.shards.first() {
            lock(&shard.0).refuse(items, reason);
        }
    }

    /// A consistent snapshot of the books: no item is between two places in it.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Items in the queue now, those in flight not counted.
    #[must_use]
    pub fn queued_items(&self) -> u64 {
        self.shared.stats().queued
    }

    /// The text of the last error that lost items, if any so far.
    #[must_use]
    pub fn last_error(&self) -> Option<String> {
        lock(&self.shared.ledger).last_error.clone()
    }

    /// Whether pushes are refused as `shut_down`: the queue was closed, or its consumer is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::SeqCst)
    }

    /// Refuses pushes from now on; what is queued stays for the drain. A push that returned `Ok` came before.
    pub fn close(&self) {
        self.shared.close();
    }

    /// The pool it takes its memory from.
    #[must_use]
    pub fn pool(&self) -> &ChunkPool {
        &self.shared.pool
    }

    /// Wakes the worker.
    #[cfg(not(loom))]
    pub(crate) fn ring(&self) {
        self.shared.bell.ring();
    }

    #[cfg(not(loom))]
    pub(crate) fn overflow(&self) -> OverflowPolicy {
        self.shared.overflow
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("closed", &self.is_closed()).field("stats", &self.stats()).finish()
    }
}

/// Why a push did not succeed.
enum Refusal {
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
    fn new(config: &BatchConfig, pool: &ChunkPool) -> Self {
        let shards = shard_count(config, pool);
        let max_queue_items = config.max_queue_items as u64;
        let lease =
            (max_queue_items / (8 * shards as u64)).min(config.max_batch_items as u64 / (2 * shards as u64));
        Self {
            pool: pool.clone(),
            overflow: config.overflow,
            max_record_bytes: config.max_record_bytes,
            max_queue_items,
            credits: CachePadded(Credits::new(max_queue_items, lease.clamp(1, 64))),
            shards: (0..shards).map(|_| CachePadded(Mutex::new(Shard::default()))).collect(),
            staging: Mutex::new(Staging::default()),
            ledger: Mutex::new(Ledger::default()),
            bell: Bell::default(),
            pressure: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Everything about a push that is not the usual case.
    #[cold]
    fn push_slowly<'a>(
        &'a self,
        mut shard: MutexGuard<'a, Shard>,
        number: usize,
        if_full: IfFull,
        group: GroupId,
        items: u32,
        bytes: &[u8],
    ) -> Result<(), Refusal> {
        let mut waiting = None;
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
                Ok(()) => {
                    if shard.append(group, items, bytes) {
                        let ring = shard.wake_reached() | self.credits.0.wake_reached(shard.credits);
                        drop(shard);
                        if ring {
                            self.bell.ring();
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
                OverflowPolicy::Block { timeout } => {
                    drop(shard);
                    self.press();
                    let room = match &mut waiting {
                        // Entered now: try once more before waiting, see `Space`.
                        None => {
                            waiting = Some(self.pool.space().enter());
                            true
                        }
                        Some(waiting) => waiting.wait(timeout),
                    };
                    shard = self.shard(number)?;
                    if !room {
                        shard.refuse(items, DropReason::QueueFull);
                        return Err(Refusal::Counted(DropReason::QueueFull));
                    }
                }
                OverflowPolicy::DropOldest | OverflowPolicy::DropNewest => {
                    shard.refuse(items, DropReason::QueueFull);
                    drop(shard);
                    self.press();
                    return Err(Refusal::Counted(DropReason::QueueFull));
                }
            }
        }
    }

    /// Gets the shard the credits and the chunk for a record.
    fn make_room(&self, shard: &mut Shard, number: usize, items: u32, len: usize) -> Result<(), Missing> {
        let items = u64::from(items);
        if shard.credits < items && !self.credits.0.lease(shard, items) && !self.reclaim(shard, number, items)
        {
            return Err(Missing::Credits(items - shard.credits));
        }
        if !shard.has_room(len) {
            let chunk = self.pool.chunk(len).ok_or(Missing::Memory)?;
            let sealed = shard.replace(chunk);
            self.credits.0.sealed(sealed as u64);
        }
        Ok(())
    }

    /// Collects the unused credits of the other shards, so that the bound in items is exact also when those who
    /// leased them have gone quiet. Skips shards that are busy.
    fn reclaim(&self, shard: &mut Shard, number: usize, items: u64) -> bool {
        if self.credits.0.known_empty(shard) {
            return false;
        }
        let epoch = self.credits.0.epoch();
        let mut all = true;
        for (other, mutex) in self.shards.iter().enumerate() {
            if other == number || shard.credits >= items {
                continue;
            }
            match try_lock(&mutex.0) {
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
        let mut gone = Vec::new();
        let credits = {
            let mut staging = lock(&self.staging);
            let mut credits = 0;
            while credits < items {
                if staging.is_empty() {
                    self.stage(&mut staging);
                }
                let Some(evicted) = staging.evict_record(&mut gone) else { break };
                credits += evicted;
            }
            credits
        };
        // Chunks go back to the pool, and wake those who wait for them, with no lock held.
        let any = credits > 0 || !gone.is_empty();
        drop(gone);
        any.then_some(credits)
    }

    /// Drops the records of the oldest chunks, until at least one chunk and `bytes` went back to the pool, and hands
    /// their credits over; `None` when nothing is queued.
    fn evict_chunk(&self, bytes: usize) -> Option<u64> {
        let (mut credits, mut freed) = (0, 0);
        let mut any = false;
        loop {
            let part = {
                let mut staging = lock(&self.staging);
                if staging.is_empty() {
                    self.stage(&mut staging);
                }
                staging.evict_part()
            };
            let Some(part) = part else { return any.then_some(credits) };
            any = true;
            credits += part.items;
            // The rest of a chunk whose front is in flight frees nothing: go on to the next.
            freed += part.into_chunk().map_or(0, |chunk| chunk.size());
            if freed >= bytes {
                return Some(credits);
            }
        }
    }

    /// Moves everything from the shards behind what is staged.
    fn stage(&self, staging: &mut Staging) {
        for shard in &self.shards {
            lock(&shard.0).move_to(staging);
        }
    }

    /// Says that there was no room, so that the worker sends what it has whatever its strategy: the queue will not
    /// get fuller. Wakes it once until it next takes something.
    fn press(&self) {
        if !self.pressure.load(Ordering::SeqCst) && !self.pressure.swap(true, Ordering::SeqCst) {
            self.bell.ring();
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for shard in &self.shards {
            lock(&shard.0).close();
        }
        self.pool.space().notify();
        self.bell.ring();
    }

    fn shard(&self, number: usize) -> Result<MutexGuard<'_, Shard>, Refusal> {
        self.shards.get(number).map(|shard| lock(&shard.0)).ok_or(Refusal::Full)
    }

    /// Every lock in order, so that no item moves while the sum is taken.
    fn stats(&self) -> Stats {
        let staging = lock(&self.staging);
        let shards: Vec<_> = self.shards.iter().map(|shard| lock(&shard.0)).collect();
        let ledger = lock(&self.ledger);
        let mut stats = Stats {
            delivered: ledger.delivered,
            rejected: ledger.rejected,
            dropped: ledger.dropped,
            in_flight: ledger.in_flight,
            in_flight_batches: ledger.in_flight_batches,
            batches: ledger.batches,
            ..Stats::default()
        };
        staging.count(&mut stats);
        for shard in &shards {
            shard.count(&mut stats);
        }
        stats
    }

    /// Writes an outcome into the books, repaired so that it accounts for exactly `items`.
    fn settle(&self, items: u64, outcome: &Outcome, error: Option<String>) {
        let (outcome, repaired) = repair(items, outcome);
        let mut ledger = lock(&self.ledger);
        ledger.in_flight -= items;
        ledger.in_flight_batches -= 1;
        ledger.delivered += outcome.delivered;
        ledger.rejected += outcome.rejected;
        ledger.dropped.merge(&outcome.dropped);
        if let Some(error) = error.or(repaired) {
            ledger.last_error = Some(error);
        }
    }
}

/// An outcome that accounts for exactly `items`: what a service forgot is lost, and where it claims too much its
/// losses are believed first.
fn repair(items: u64, outcome: &Outcome) -> (Outcome, Option<String>) {
    let mut left = items;
    let mut take = |claimed: u64| {
        let taken = claimed.min(left);
        left -= taken;
        taken
    };
    let mut repaired = Outcome::default();
    let mut claimed = 0_u64;
    for (reason, dropped) in outcome.dropped.iter() {
        claimed = claimed.saturating_add(dropped);
        repaired.dropped.add(reason, take(dropped));
    }
    repaired.rejected = take(outcome.rejected);
    repaired.delivered = take(outcome.delivered);
    claimed = claimed.saturating_add(outcome.rejected).saturating_add(outcome.delivered);
    if claimed == items {
        return (repaired, None);
    }
    repaired.dropped.add(DropReason::LayerFailed, left);
    (repaired, Some(format!("a layer answered for {claimed} items of a batch of {items}")))
}

/// The shards of a queue: a power of two, and few enough that each can have a chunk.
fn shard_count(config: &BatchConfig, pool: &ChunkPool) -> usize {
    if let Some(shards) = config.shards {
        return shards.get().next_power_of_two();
    }
    let threads = available_parallelism().map_or(1, usize::from).min(8).next_power_of_two();
    let chunks = pool.config().max_size / pool.config().chunk_size;
    let affordable = (chunks / 2).max(1);
    // The greatest power of two that is not above it.
    threads.min(1 << affordable.ilog2())
}

#[cfg(not(loom))]
mod thread_local_number {
    use super::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    thread_local! {
        pub(super) static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// The next thread's number. Says nothing about telemetry, so that it may be the process's.
    static NEXT: AtomicUsize = AtomicUsize::new(0);

    #[cold]
    pub(super) fn assign(number: &Cell<usize>) -> usize {
        number.set(NEXT.fetch_add(1, Ordering::Relaxed) & (usize::MAX >> 1));
        number.get()
    }
}

/// A small number for each thread, so that neighbours in age use different shards.
#[cfg(not(loom))]
#[inline]
fn thread_number() -> usize {
    thread_local_number::NUMBER
        .try_with(
            |number| {
                if number.get() == usize::MAX { thread_local_number::assign(number) } else { number.get() }
            },
        )
        .unwrap_or(0)
}

#[cfg(loom)]
loom::thread_local! {
    static NUMBER: Cell<usize> = Cell::new(0);
}

#[cfg(loom)]
fn thread_number() -> usize {
    NUMBER.with(Cell::get)
}

/// Chooses the calling thread's shard in a loom model.
#[cfg(loom)]
#[doc(hidden)]
pub fn set_thread_number(number: usize) {
    NUMBER.with(|cell| cell.set(number));
}
