//! The books of what has left the queue.
//!
//! Used by the drain's tickets and by snapshots, under its lock. Believes no outcome that does not add up.

use otlp_model::{DropReason, Dropped, Outcome};

use crate::stats::Stats;

/// What became of the records that left the queue.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// What never was in the queue; of all else the shards know.
    accepted: u64,
    delivered: u64,
    rejected: u64,
    dropped: Dropped,
    in_flight: u64,
    in_flight_batches: u64,
    batches: u64,
    pub(super) last_error: Option<String>,
}

impl Ledger {
    /// Notes a batch handed over.
    pub(super) fn hand_over(&mut self, items: u64) {
        self.in_flight += items;
        self.in_flight_batches += 1;
        self.batches += 1;
    }

    /// Notes items that come past the queue.
    #[cfg(not(loom))]
    pub(super) fn accept(&mut self, items: u64) {
        self.accepted += items;
    }

    /// Notes items refused on their way past the queue.
    #[cfg(not(loom))]
    pub(super) fn refuse(&mut self, items: u64, reason: DropReason) {
        self.accepted += items;
        self.dropped.add(reason, items);
    }

    /// Notes the outcome of a batch, repaired so that it accounts for exactly `items`; what it was repaired to.
    pub(super) fn settle(&mut self, items: u64, outcome: &Outcome, error: Option<String>) -> Outcome {
        let (outcome, repaired) = repair(items, outcome);
        self.in_flight -= items;
        self.in_flight_batches -= 1;
        self.delivered += outcome.delivered;
        self.rejected += outcome.rejected;
        self.dropped.merge(&outcome.dropped);
        if let Some(error) = error.or(repaired) {
            self.last_error = Some(error);
        }
        outcome
    }

    /// Adds its part of the books.
    pub(super) fn count(&self, stats: &mut Stats) {
        stats.accepted += self.accepted;
        stats.delivered += self.delivered;
        stats.rejected += self.rejected;
        stats.dropped.merge(&self.dropped);
        stats.in_flight += self.in_flight;
        stats.in_flight_batches += self.in_flight_batches;
        stats.batches += self.batches;
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
