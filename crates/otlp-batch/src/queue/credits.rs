//! The bound in items, without a counter that every push writes.
//!
//! A credit is the right to have one item in the queue; there are exactly as many as the bound. Shards lease them in
//! blocks, the drain gives them back, so that the sum of queued items can never exceed the bound. What a shard has
//! leased and not used is found again by `Shared::reclaim` before anything is refused.

use crate::queue::shard::Shard;
use crate::sync::atomic::{AtomicU64, Ordering};

/// The credits nobody has, and the counters that let a worker be woken for a batch spread over several shards.
#[derive(Debug)]
pub(super) struct Credits {
    available: AtomicU64,
    /// Counts releases, so that a shard that found nothing need not look again before the next.
    epoch: AtomicU64,
    /// What a shard leases beyond its need.
    block: u64,
    /// All credits ever leased, and all bytes ever sealed in full chunks. Both run behind the truth by what is in
    /// the shards; each shard knows that part itself.
    leased: AtomicU64,
    sealed: AtomicU64,
    wake_leased: AtomicU64,
    wake_sealed: AtomicU64,
}

impl Credits {
    pub(super) fn new(items: u64, block: u64) -> Self {
        Self {
            available: AtomicU64::new(items),
            epoch: AtomicU64::new(0),
            block,
            leased: AtomicU64::new(0),
            sealed: AtomicU64::new(0),
            wake_leased: AtomicU64::new(u64::MAX),
            wake_sealed: AtomicU64::new(u64::MAX),
        }
    }

    /// Leases what the shard lacks for `items`, and a block more if there is that many; `false` when it still lacks.
    pub(super) fn lease(&self, shard: &mut Shard, items: u64) -> bool {
        let want = items.saturating_sub(shard.credits) + self.block;
        let before = self
            .available
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |available| {
                (available > 0).then(|| available - available.min(want))
            })
            .unwrap_or(0);
        let leased = before.min(want);
        if leased > 0 {
            shard.credits += leased;
            self.leased.fetch_add(leased, Ordering::SeqCst);
        }
        shard.credits >= items
    }

    /// Gives credits back.
    pub(super) fn release(&self, items: u64) {
        if items > 0 {
            self.available.fetch_add(items, Ordering::SeqCst);
            self.epoch.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Whether the shard has looked everywhere since the last release.
    pub(super) fn known_empty(&self, shard: &Shard) -> bool {
        shard.full_epoch == Some(self.epoch()) && self.available.load(Ordering::SeqCst) == 0
    }

    /// Notes that a shard has filled a chunk with so many bytes.
    pub(super) fn sealed(&self, bytes: u64) {
        self.sealed.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Has [`wake_reached`](Self::wake_reached) say so when that many more items are leased and used, or bytes
    /// sealed. To be called with all shards locked.
    pub(super) fn set_wake(&self, items: u64, bytes: u64) {
        self.wake_leased.store(self.leased.load(Ordering::SeqCst).saturating_add(items), Ordering::SeqCst);
        self.wake_sealed.store(self.sealed.load(Ordering::SeqCst).saturating_add(bytes), Ordering::SeqCst);
    }

    /// Whether the worker asked to be woken by now; says so once. Asked by a shard with so many unused credits.
    ///
    /// What the other shards have leased and not used counts as used. Where there is one producer that is never more
    /// than when the wish was made, so that it never wakes the worker early.
    pub(super) fn wake_reached(&self, unused: u64) -> bool {
        let used = self.leased.load(Ordering::SeqCst).saturating_sub(unused);
        let reached = used >= self.wake_leased.load(Ordering::SeqCst)
            || self.sealed.load(Ordering::SeqCst) >= self.wake_sealed.load(Ordering::SeqCst);
        if reached {
            self.wake_leased.store(u64::MAX, Ordering::SeqCst);
            self.wake_sealed.store(u64::MAX, Ordering::SeqCst);
        }
        reached
    }
}
