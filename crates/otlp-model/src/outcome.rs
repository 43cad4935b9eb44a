//! What became of telemetry: the one vocabulary of loss, used by counters, reports, errors and log lines.
//!
//! Filled in by `otlp-batch` (what never left the queue) and `otlp-transport` (what the export came to). Never counts
//! by itself.

use std::error::Error;
use std::fmt;

/// Why an item was dropped. The words of [`DropReason::as_str`] are the same in statistics, reports and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DropReason {
    /// The queue was at its bound in items or bytes.
    QueueFull,
    /// The item alone, or its request, is larger than may be sent.
    TooLarge,
    /// The server gave an answer that must not be retried.
    NotRetryable,
    /// Retries ended: attempts or elapsed time used up.
    RetriesExhausted,
    /// A deadline passed while the item waited or was in flight.
    Deadline,
    /// Offered after shutdown, or left over when the client's thread ended before it could be sent.
    ShutDown,
    /// The item could not be encoded.
    EncodeFailed,
    /// A layer of the stack failed, panicked, or never answered; or a hook of the user's failed.
    LayerFailed,
}

impl DropReason {
    /// Every reason, in the order of [`Dropped`]'s counters.
    pub const ALL: [Self; 8] = [
        Self::QueueFull,
        Self::TooLarge,
        Self::NotRetryable,
        Self::RetriesExhausted,
        Self::Deadline,
        Self::ShutDown,
        Self::EncodeFailed,
        Self::LayerFailed,
    ];

    /// The reason's name in statistics, reports and logs, for example `queue_full`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::TooLarge => "too_large",
            Self::NotRetryable => "not_retryable",
            Self::RetriesExhausted => "retries_exhausted",
            Self::Deadline => "deadline",
            Self::ShutDown => "shut_down",
            Self::EncodeFailed => "encode_failed",
            Self::LayerFailed => "layer_failed",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Dropped items, counted by reason.
///
/// ```
/// use otlp_model::{DropReason, Dropped};
/// let mut dropped = Dropped::default();
/// dropped.add(DropReason::QueueFull, 3);
/// assert_eq!(dropped.total(), 3);
/// assert_eq!(dropped.to_string(), "3 queue_full");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped([u64; DropReason::ALL.len()]);

impl Dropped {
    /// Counts `items` more for `reason`.
    pub fn add(&mut self, reason: DropReason, items: u64) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += items;
        }
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (reason, items) in other.iter() {
            self.add(reason, items);
        }
    }

    /// The count of one reason.
    #[must_use]
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// The sum over all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The non-zero counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().map(|reason| (reason, self.get(reason))).filter(|(_, items)| *items > 0)
    }

    /// What came on top since `earlier`, a previous state of the same counters.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut difference = Self::default();
        for (reason, items) in self.iter() {
            difference.add(reason, items.saturating_sub(earlier.get(reason)));
        }
        difference
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (reason, items) in self.iter() {
            write!(f, "{separator}{items} {reason}")?;
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

/// What became of the items of one batch; the parts add up to the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Items the server took.
    pub delivered: u64,
    /// Items the server refused in a partial success.
    pub rejected: u64,
    /// Items lost, by reason.
    pub dropped: Dropped,
}

impl Outcome {
    /// The outcome of a batch lost whole.
    #[must_use]
    pub fn lost(reason: DropReason, items: u64) -> Self {
        let mut outcome = Self::default();
        outcome.dropped.add(reason, items);
        outcome
    }

    /// All items of the outcome.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.delivered + self.rejected + self.dropped.total()
    }

    /// Adds `other` to this outcome.
    pub fn merge(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.rejected += other.rejected;
        self.dropped.merge(&other.dropped);
    }
}

/// An error that says why items were dropped; layers wrap a cause in it so that it is counted under the right reason.
///
/// ```
/// use otlp_model::{DropReason, Undelivered};
/// let error = Undelivered::new(DropReason::TooLarge, "the request is 70 MiB, the limit 64 MiB");
/// let boxed: Box<dyn std::error::Error + Send + Sync> = error.into();
/// assert_eq!(Undelivered::reason_of(&*boxed), Some(DropReason::TooLarge));
/// ```
#[derive(Debug)]
pub struct Undelivered {
    reason: DropReason,
    source: Box<dyn Error + Send + Sync>,
}

impl Undelivered {
    /// Wraps `source`, the cause, with the reason under which the loss counts.
    pub fn new(reason: DropReason, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { reason, source: source.into() }
    }

    /// The reason under which the loss counts.
    #[must_use]
    pub fn reason(&self) -> DropReason {
        self.reason
    }

    /// The reason found in `error` or the nearest of its sources that has one.
    #[must_use]
    pub fn reason_of(error: &(dyn Error + 'static)) -> Option<DropReason> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(undelivered) = error.downcast_ref::<Self>() {
                return Some(undelivered.reason);
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dropped ({}): {}", self.reason, self.source)
    }
}

impl Error for Undelivered {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter_and_name() {
        let mut dropped = Dropped::default();
        for (items, reason) in (1..).zip(DropReason::ALL) {
            dropped.add(reason, items);
        }
        for (items, reason) in (1..).zip(DropReason::ALL) {
            assert_eq!(dropped.get(reason), items, "{reason}");
        }
        let names: std::collections::HashSet<_> = DropReason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(names.len(), DropReason::ALL.len());
    }
}
