//! The books of one queue: what was accepted and what became of it.
//!
//! Filled by the queue, read by reports, metrics and tests. Counts items only; knows nothing about their content.

use otlp_model::Dropped;

/// A consistent snapshot of the books, in items.
///
/// The conservation law holds in every snapshot: `accepted = delivered + rejected + Σ dropped + pending`.
/// A refused push counts as accepted and as dropped, so that nothing offered is missing from the books.
///
/// ```
/// use otlp_batch::Stats;
/// let stats = Stats { accepted: 3, delivered: 1, queued: 1, in_flight: 1, ..Stats::default() };
/// assert_eq!(stats.pending(), 2);
/// assert!(stats.is_balanced());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Items offered to the queue, refused ones included.
    pub accepted: u64,
    /// Items the server took.
    pub delivered: u64,
    /// Items the server refused in a partial success.
    pub rejected: u64,
    /// Items lost, by reason.
    pub dropped: Dropped,
    /// Items in the queue now.
    pub queued: u64,
    /// Items handed to the service whose outcome is not known yet.
    pub in_flight: u64,
    /// Record bytes in the queue now.
    pub queued_bytes: u64,
    /// Batches handed to the service whose outcome is not known yet.
    pub in_flight_batches: u64,
    /// Batches handed to the service so far.
    pub batches: u64,
}

impl Stats {
    /// Items without an outcome: queued and in flight.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.queued + self.in_flight
    }

    /// Items that were lost for good: dropped for whatever reason, or rejected by the server.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped.total() + self.rejected
    }

    /// The share of the accepted items that were [lost](Self::lost): 0 when nothing was accepted, 1 when all was lost.
    /// Of a difference of two snapshots ([`since`](Self::since)), the share in the time between them.
    ///
    /// ```
    /// use otlp_batch::Stats;
    /// let stats = Stats { accepted: 4, delivered: 3, rejected: 1, ..Stats::default() };
    /// assert_eq!(stats.loss_rate(), 0.25);
    /// assert_eq!(Stats::default().loss_rate(), 0.0);
    /// ```
    #[must_use]
    pub fn loss_rate(&self) -> f64 {
        let lost = self.lost();
        if lost == 0 { 0.0 } else { lost as f64 / self.accepted.max(lost) as f64 }
    }

    /// Whether the conservation law holds. A snapshot for which it does not is a bug of this crate.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.accepted == self.delivered + self.rejected + self.dropped.total() + self.pending()
    }

    /// What came on top since `earlier`, a previous snapshot of the same queue: the counters as differences, the
    /// gauges (`queued`, `in_flight`, `queued_bytes`, `in_flight_batches`) as they are now.
    ///
    /// The law does not hold in a difference: what was pending then may have an outcome now.
    ///
    /// ```
    /// use otlp_batch::Stats;
    /// let earlier = Stats { accepted: 3, delivered: 1, queued: 2, ..Stats::default() };
    /// let now = Stats { accepted: 4, delivered: 4, ..Stats::default() };
    /// assert_eq!(now.since(&earlier).delivered, 3);
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            accepted: self.accepted.saturating_sub(earlier.accepted),
            delivered: self.delivered.saturating_sub(earlier.delivered),
            rejected: self.rejected.saturating_sub(earlier.rejected),
            dropped: self.dropped.since(&earlier.dropped),
            batches: self.batches.saturating_sub(earlier.batches),
            ..*self
        }
    }
}
