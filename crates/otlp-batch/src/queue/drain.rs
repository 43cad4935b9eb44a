//! The consumer's end of a queue: how batches are taken, answered for, and waited for.
//!
//! Used by the worker, and by whoever writes their own. Decides nothing: when to take a batch is the
//! [`Batcher`](crate::Batcher)'s question.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use otlp_model::{DropReason, Outcome};

use crate::batch::{Batch, Call};
use crate::config::{BatchConfig, ConfigError};
use crate::pool::{ChunkPool, Membership};
use crate::queue::{Queue, Shared};
use crate::sync::atomic::Ordering;
use crate::sync::lock;

/// The consumer's end of a queue; there is one.
///
/// Dropping it closes the queue: later pushes are refused, and what is queued is dropped, both as `shut_down`. The
/// last drain of a [`ChunkPool`] has it give its idle memory back.
///
/// ```
/// use otlp_batch::{BatchConfig, ChunkPool, Drain, PoolConfig};
/// use otlp_model::{GroupId, Outcome};
/// # fn main() -> Result<(), otlp_batch::ConfigError> {
/// let pool = ChunkPool::new(PoolConfig::default())?;
/// let (queue, mut drain) = Drain::new(&BatchConfig::default(), &pool)?;
/// for _ in 0..3 {
///     queue.push(GroupId(0), 1, b"\x12\x00").expect("there is room");
/// }
/// drain.stage();
/// while let Some((batch, ticket)) = drain.take(2, 1024) {
///     // ... send it ...
///     drop(batch);
///     let delivered = ticket.items();
///     ticket.settle(&Outcome { delivered, ..Outcome::default() });
/// }
/// assert_eq!(queue.stats().delivered, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Drain {
    queue: Queue,
    /// None once the queue has ended.
    membership: Option<Membership>,
}

/// What is in a queue, as its drain sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// The position of the oldest record: how many records have left the queue by the front.
    pub front: u64,
    /// Records in line, in order of position.
    pub staged_records: u64,
    /// Items in line.
    pub staged_items: u64,
    /// Bytes in line.
    pub staged_bytes: u64,
    /// Records still in the shards; they have no position yet.
    pub fresh_records: u64,
    /// Items still in the shards.
    pub fresh_items: u64,
    /// Bytes still in the shards.
    pub fresh_bytes: u64,
    /// A push found no room since the last batch was taken.
    pub pressure: bool,
}

impl Depth {
    /// The position behind the last staged record.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.front + self.staged_records
    }

    /// Records in the queue.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.staged_records + self.fresh_records
    }

    /// Items in the queue.
    #[must_use]
    pub const fn items(&self) -> u64 {
        self.staged_items + self.fresh_items
    }

    /// Bytes in the queue.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.staged_bytes + self.fresh_bytes
    }
}

/// For what a drain wants to be woken, beside a flush or close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// By the first record, when the queue is empty.
    pub first: bool,
    /// When the queue holds so many items; `u64::MAX` for never.
    ///
    /// Exact for one producer. Several producers on several shards may wake it up to two blocks of 64 items for each
    /// shard late, where a block is at most half a batch divided by the number of shards.
    pub items: u64,
    /// When the queue holds so many bytes; `u64::MAX` for never. Exact for one producer; with several, up to two
    /// chunks for each shard late.
    pub bytes: u64,
    /// When a push finds no room though the queue is not empty.
    pub pressure: bool,
}

impl Drain {
    /// A queue and its drain.
    ///
    /// # Errors
    ///
    /// As [`BatchConfig::validate`].
    pub fn new(config: &BatchConfig, pool: &ChunkPool) -> Result<(Queue, Self), ConfigError> {
        config.validate()?;
        let drain = Self::checked(config, pool);
        Ok((drain.queue.clone(), drain))
    }

    /// As [`new`](Self::new), with options known to work.
    pub(crate) fn checked(config: &BatchConfig, pool: &ChunkPool) -> Self {
        let membership = Some(Membership::new(pool));
        Self { queue: Queue { shared: Arc::new(Shared::new(config, pool)) }, membership }
    }

    /// The producers' end.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// What is in the queue.
    #[must_use]
    pub fn depth(&self) -> Depth {
        let shared = &*self.queue.shared;
        let staging = lock(&shared.staging.0);
        let (staged_records, staged_items, staged_bytes) = staging.queued();
        let mut depth = Depth {
            front: staging.front(),
            staged_records,
            staged_items,
            staged_bytes,
            pressure: shared.pressure.load(Ordering::SeqCst),
            ..Depth::default()
        };
        for shard in shared.shards.iter().filter_map(|shard| shard.0.lock()) {
            let (records, items, bytes) = shard.queued();
            depth.fresh_records += records;
            depth.fresh_items += items;
            depth.fresh_bytes += bytes;
        }
        depth
    }

    /// Puts all records into the line from which batches are taken; the position behind the last. Every record whose
    /// push returned before the call has a position below it.
    pub fn stage(&mut self) -> u64 {
        let shared = &*self.queue.shared;
        let mut spare = Vec::new();
        let end = {
            let mut staging = lock(&shared.staging.0);
            shared.stage(&mut staging, &mut spare);
            staging.front() + staging.queued().0
        };
        drop(spare);
        end
    }

    /// Takes the oldest staged records, at most so many items and bytes; a record over these limits comes alone.
    /// `None` when nothing is staged.
    ///
    /// The items count as in flight until the ticket is settled.
    pub fn take(&mut self, max_items: u64, max_bytes: u64) -> Option<(Batch, Ticket)> {
        let shared = &self.queue.shared;
        if shared.pressure.load(Ordering::SeqCst) {
            shared.pressure.store(false, Ordering::SeqCst);
        }
        let (cut, end) = {
            let mut staging = lock(&shared.staging.0);
            let cut = staging.cut(max_items, max_bytes);
            if cut.parts.is_empty() {
                return None;
            }
            lock(&shared.ledger.0).hand_over(cut.items);
            // Under the lock, so that a producer who finds nothing to evict finds the credits.
            shared.credits.0.release(cut.items);
            (cut, staging.front())
        };
        shared.pool.space().notify();
        let (call, items) = (Arc::new(Call::default()), cut.items);
        let batch = Batch::new(cut, &shared.pool, &call);
        Some((batch, Ticket { items, end, call, shared: Some(Arc::clone(shared)) }))
    }

    /// Drops everything queued for `reason`; the number of items.
    pub fn discard(&mut self, reason: DropReason) -> u64 {
        let shared = &self.queue.shared;
        let mut spare = Vec::new();
        let (items, parts) = {
            let mut staging = lock(&shared.staging.0);
            shared.stage(&mut staging, &mut spare);
            let (items, parts) = staging.discard(reason);
            shared.credits.0.release(items);
            (items, parts)
        };
        drop((parts, spare));
        shared.pool.space().notify();
        items
    }

    /// Ends the use of the pool: the queue is closed, and nothing is in it.
    pub(crate) fn leave_pool(&mut self) {
        self.membership = None;
    }

    /// Has `waker` woken from now on, for what the drain [`park`](Self::park)s for. To be called before looking at
    /// the queue, so that no change after the look goes unnoticed.
    pub fn listen(&self, waker: &Waker) {
        self.queue.shared.bell.0.listen(waker);
    }

    /// Asks producers to wake the drain; `false`, and nothing asked, when what it wants to be woken for is already
    /// there.
    ///
    /// No wake-up is missed: the shards are all locked while the drain looks and leaves its wish, so that every push
    /// comes either before the look or after the wish.
    pub fn park(&mut self, wake: &Wake) -> bool {
        let shared = &*self.queue.shared;
        let staging = lock(&shared.staging.0);
        let (mut records, mut items, mut bytes) = staging.queued();
        let mut shards: Vec<_> = shared.shards.iter().filter_map(|shard| shard.0.lock()).collect();
        let mut open = 0;
        for shard in &shards {
            let (more_records, more_items, more_bytes) = shard.queued();
            (records, items, bytes) = (records + more_records, items + more_items, bytes + more_bytes);
            open += shard.open_bytes();
        }
        if records == 0 {
            shared.pressure.store(false, Ordering::SeqCst);
        } else if wake.first || (wake.pressure && shared.pressure.load(Ordering::SeqCst)) {
            return false;
        }
        if items >= wake.items || bytes >= wake.bytes {
            return false;
        }
        let first = wake.first && records == 0;
        let missing = |wanted: u64, there: u64| if wanted == u64::MAX { u64::MAX } else { wanted - there };
        let (items, bytes) = (missing(wake.items, items), missing(wake.bytes, bytes));
        for shard in &mut shards {
            if first {
                shard.set_wake(0, 0);
            } else {
                shard.set_wake(items, bytes);
            }
        }
        shared.credits.0.set_wake(items, bytes.saturating_add(open));
        true
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.queue.close();
        self.discard(DropReason::ShutDown);
        self.leave_pool();
    }
}

/// One batch in flight, in the books: to be settled with what became of it.
///
/// Dropped unsettled, its items count as lost to `shut_down`: whoever had to answer is gone.
pub struct Ticket {
    items: u64,
    end: u64,
    call: Arc<Call>,
    shared: Option<Arc<Shared>>,
}

impl Ticket {
    #[cfg(not(loom))]
    pub(super) fn past_the_queue(items: u64, call: Arc<Call>, shared: &Arc<Shared>) -> Self {
        Self { items, end: 0, call, shared: Some(Arc::clone(shared)) }
    }

    /// The items of the batch.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// The position behind the last record of the batch; 0 for one that was never in the queue.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Writes the outcome into the books, and returns what was written. An outcome for too few items is completed with
    /// `layer_failed`; in one for too many, losses are believed first.
    pub fn settle(mut self, outcome: &Outcome) -> Outcome {
        self.close(outcome, None)
    }

    /// Writes the loss of the whole batch into the books, with the text of the error, and returns it.
    pub fn fail(mut self, reason: DropReason, error: String) -> Outcome {
        self.close(&Outcome::lost(reason, self.items), Some(error))
    }

    fn close(&mut self, outcome: &Outcome, error: Option<String>) -> Outcome {
        let Some(shared) = self.shared.take() else { return *outcome };
        self.call.end(&shared.pool);
        lock(&shared.ledger.0).settle(self.items, outcome, error)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.close(&Outcome::lost(DropReason::ShutDown, self.items), None);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("items", &self.items).field("end", &self.end).finish_non_exhaustive()
    }
}
