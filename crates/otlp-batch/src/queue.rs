//! The producers' end of a queue.
//!
//! A push is one short lock on the caller's own shard, one copy of the record into the shard's chunk, and a few words
//! of bookkeeping. It allocates nothing and reads no clock; it touches memory that other threads write only when its
//! chunk is full, when its item credits are used up (a block of up to 64 at a time), or when the worker has to be
//! woken. Everything else is in the cold path, `overflow`.
//!
//! Locks are taken in the order staging → shards, by number → ledger; the pool's and the bell's are leaves.

mod bell;
mod credits;
mod drain;
mod home;
mod ledger;
mod overflow;
mod own_thread;
mod shard;
mod shard_lock;
mod staging;
mod thread_number;

use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;

use otlp_model::{DropReason, GroupId};

pub use drain::{Depth, Drain, Ticket, Wake};
#[cfg(not(loom))]
pub(crate) use own_thread::Working;
pub(crate) use staging::Cut;
#[cfg(loom)]
pub use thread_number::set_thread_number;

#[cfg(not(loom))]
use crate::batch::Call;
use crate::chunk::Chunk;
use crate::config::{BatchConfig, OverflowPolicy};
use crate::pool::{ChunkPool, PoolConfig};
use crate::stats::Stats;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{CachePadded, Mutex, lock};
use bell::Bell;
use credits::Credits;
use home::Home;
use ledger::Ledger;
use overflow::{IfFull, Refusal};
use own_thread::OwnThread;
use shard::Shard;
use shard_lock::ShardLock;
use staging::Staging;
use thread_number::thread_number;

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
    shards: Box<[CachePadded<ShardLock<Shard>>]>,
    // Written for each batch; padded, so that what every push reads above stays in its cache.
    staging: CachePadded<Mutex<Staging>>,
    ledger: CachePadded<Mutex<Ledger>>,
    bell: CachePadded<Bell>,
    /// A push found no room since the drain last took something.
    pressure: AtomicBool,
    closed: AtomicBool,
    home: Home,
    own_thread: OwnThread,
}

impl Queue {
    /// The most bytes that one record may have: [`BatchConfig::max_record_bytes`].
    ///
    /// ```
    /// # let handle = otlp_batch::BatchHandle::closed();
    /// assert_eq!(handle.queue().max_record_bytes(), otlp_batch::BatchConfig::default().max_record_bytes);
    /// ```
    #[must_use]
    pub fn max_record_bytes(&self) -> usize {
        self.shared.max_record_bytes
    }

    /// Copies one encoded record into the queue. `items` is what it counts for: 1 for a span or log record, the
    /// number of data points for a metric.
    ///
    /// Waits only under [`OverflowPolicy::Block`], and never on a thread that the worker needs. Records of one thread stay in order (BATCH-22). The record counts
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
        let Some(mut shard) = shard.0.lock() else { return Err(DropReason::ShutDown) };
        if bytes.len() <= shared.max_record_bytes && shard.append(group, items, bytes) {
            if shard.wake_reached() {
                drop(shard);
                shared.ring();
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
        let Some(shard) = shard.0.lock() else { return Err(DropReason::ShutDown) };
        match shared.push_slowly(shard, number, IfFull::Report, group, items, bytes) {
            Ok(()) => Ok(true),
            Err(Refusal::Counted(reason)) => Err(reason),
            Err(Refusal::Full) => Ok(false),
        }
    }

    /// Counts a record that its maker could not offer, for example because it could not be encoded: as accepted, and as
    /// dropped for `reason`. So it is in the books like any other loss.
    ///
    /// ```
    /// use otlp_batch::{BatchConfig, ChunkPool, Drain, PoolConfig};
    /// use otlp_model::DropReason;
    /// # fn main() -> Result<(), otlp_batch::ConfigError> {
    /// let (queue, _drain) = Drain::new(&BatchConfig::default(), &ChunkPool::new(PoolConfig::default())?)?;
    /// queue.refuse(3, DropReason::EncodeFailed);
    /// assert_eq!((queue.stats().accepted, queue.stats().dropped.total()), (3, 3));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(not(loom))]
    pub fn refuse(&self, items: u32, reason: DropReason) {
        if let Some(mut shard) = self.shared.shards.first().and_then(|shard| shard.0.lock()) {
            shard.refuse(items, reason);
        }
    }

    /// Takes a whole batch of so many items and bytes into the books, which goes past the queue; its memory is accounted
    /// for until the ticket is settled.
    #[cfg(not(loom))]
    pub(crate) fn admit(&self, items: u64, bytes: usize) -> Result<Ticket, DropReason> {
        let shared = &self.shared;
        if self.is_forked() {
            return Err(DropReason::ShutDown);
        }
        let call = Arc::new(Call::default());
        let refusal = match shared.pool.reserve(bytes) {
            _ if self.is_closed() => DropReason::ShutDown,
            None => DropReason::QueueFull,
            Some(permit) => {
                call.keep(permit);
                let mut ledger = lock(&shared.ledger.0);
                ledger.accept(items);
                ledger.hand_over(items);
                return Ok(Ticket::past_the_queue(items, call, shared));
            }
        };
        lock(&shared.ledger.0).refuse(items, refusal);
        Err(refusal)
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
        if self.is_forked() { None } else { lock(&self.shared.ledger.0).last_error.clone() }
    }

    /// Whether pushes are refused as `shut_down`: the queue was closed, or its consumer is gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.closed.load(Ordering::SeqCst)
    }

    /// Whether this is the copy of a queue in a fork of the process that made it. There is no worker here, and what it
    /// holds is the other process's: pushes may be refused as `shut_down` and are never sent, and the books are empty.
    /// A system call.
    #[must_use]
    pub fn is_forked(&self) -> bool {
        self.shared.home.is_elsewhere()
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
        self.shared.ring();
    }

    /// Notes whether the worker, polled on the calling thread now, can be polled on no other.
    #[cfg(not(loom))]
    pub(crate) fn note_thread(&self, alone: bool) {
        self.shared.own_thread.note(alone);
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

impl Shared {
    fn new(config: &BatchConfig, pool: &ChunkPool) -> Self {
        let shards = match config.shards {
            Some(shards) => shards.get().next_power_of_two(),
            None => shard_count(available_parallelism().map_or(1, usize::from), pool.config()),
        };
        let max_queue_items = config.max_queue_items as u64;
        let lease =
            (max_queue_items / (8 * shards as u64)).min(config.max_batch_items as u64 / (2 * shards as u64));
        Self {
            pool: pool.clone(),
            overflow: config.overflow,
            max_record_bytes: config.max_record_bytes,
            max_queue_items,
            credits: CachePadded(Credits::new(max_queue_items, lease.clamp(1, 64))),
            shards: (0..shards).map(|_| CachePadded(ShardLock::new(Shard::default()))).collect(),
            staging: CachePadded(Mutex::new(Staging::default())),
            ledger: CachePadded(Mutex::new(Ledger::default())),
            bell: CachePadded(Bell::default()),
            pressure: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            home: Home::here(),
            own_thread: OwnThread::default(),
        }
    }

    /// Moves everything from the shards behind what is staged. Chunks that are not needed for it go to `spare`, to be
    /// dropped with no lock held.
    fn stage(&self, staging: &mut Staging, spare: &mut Vec<Chunk>) {
        for mut shard in self.shards.iter().filter_map(|shard| shard.0.lock()) {
            shard.move_to(staging, spare);
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if self.home.is_elsewhere() {
            return;
        }
        for mut shard in self.shards.iter().filter_map(|shard| shard.0.lock()) {
            shard.close();
        }
        self.pool.space().notify();
        self.bell.0.ring();
    }

    /// Wakes the worker, where there is one.
    #[cold]
    fn ring(&self) {
        if !self.home.is_elsewhere() {
            self.bell.0.ring();
        }
    }

    /// Every lock in order, so that no item moves while the sum is taken.
    fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        if self.home.is_elsewhere() {
            return stats;
        }
        let staging = lock(&self.staging.0);
        let shards: Vec<_> = self.shards.iter().filter_map(|shard| shard.0.lock()).collect();
        let ledger = lock(&self.ledger.0);
        ledger.count(&mut stats);
        staging.count(&mut stats);
        for shard in &shards {
            shard.count(&mut stats);
        }
        stats
    }
}

/// The shards of a queue: a power of two. Three queues and more may share a pool, and each open chunk of one is out of the
/// others' reach, however little is in it: all of them together may be half of the pool when there are four.
fn shard_count(threads: usize, pool: &PoolConfig) -> usize {
    let affordable = (pool.max_size / pool.chunk_size / 8).max(1);
    // The greatest power of two that is not above it.
    threads.min(8).next_power_of_two().min(1 << affordable.ilog2())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn small_pools_have_few_shards() {
        let of = |threads, chunks: usize| {
            let pool = PoolConfig { max_size: chunks * 4096, chunk_size: 4096, ..PoolConfig::default() };
            shard_count(threads, &pool)
        };
        assert_eq!([1, 3, 8, 100].map(|threads| of(threads, 1024)), [1, 4, 8, 8]);
        assert_eq!([1, 15, 16, 31, 32, 63, 64].map(|chunks| of(8, chunks)), [1, 1, 2, 2, 4, 4, 8]);
    }
}
