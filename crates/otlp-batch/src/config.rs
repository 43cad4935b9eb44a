//! The options of a queue and its worker, checked when the queue is built.
//!
//! Used by [`Drain`](crate::Drain), [`Batcher`](crate::Batcher) and [`Worker`](crate::Worker). Reads no environment:
//! that is the facade's part.

use std::num::NonZeroUsize;
use std::time::Duration;

/// When a batch leaves the queue.
///
/// Whatever the strategy, a flush or a close sends what is queued at once, and no batch exceeds
/// [`BatchConfig::max_batch_items`] or [`BatchConfig::max_batch_bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Strategy {
    /// Only when a batch is full, in items or bytes, or when the queue can take no more.
    Size,
    /// Only when the oldest item has waited [`BatchConfig::max_delay`].
    Time,
    /// Whichever of the two comes first (BATCH-02, BATCH-03).
    #[default]
    Hybrid,
}

/// What happens to a record for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OverflowPolicy {
    /// The new record is dropped and counted as `queue_full`; the caller never waits (BATCH-01).
    #[default]
    DropNewest,
    /// The oldest queued records make room and are counted as `queue_full`: as few records as the bound in items
    /// asks for, or the whole oldest chunk when bytes are short.
    DropOldest,
    /// The caller waits for room, at most `timeout`; then the record is dropped as `queue_full`.
    ///
    /// [`Queue::push`](crate::Queue::push) blocks its thread, unless the [`Worker`](crate::Worker) needs that thread
    /// to make room: inside a worker's poll (a layer or service that makes telemetry), and anywhere on the thread of
    /// a worker whose runtime has no other, a push never waits and drops its record as `queue_full` at once. Whoever
    /// drives a [`Drain`](crate::Drain) of their own, or polls a worker in one task with producers on a runtime of
    /// several threads, has to push elsewhere.
    Block {
        /// The longest wait of one push.
        timeout: Duration,
    },
}

/// The options of one queue and its worker.
///
/// ```
/// use otlp_batch::{BatchConfig, Strategy};
/// use std::time::Duration;
/// let config = BatchConfig {
///     max_batch_items: 512,
///     max_delay: Duration::from_secs(1),
///     strategy: Strategy::Hybrid,
///     ..BatchConfig::default()
/// };
/// assert!(config.validate().is_ok());
/// let bad = BatchConfig { max_batch_items: 0, ..config };
/// assert_eq!(bad.validate().unwrap_err().field(), "max_batch_items");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchConfig {
    /// When a batch leaves the queue. Default: [`Strategy::Hybrid`].
    pub strategy: Strategy,
    /// The most items of one batch. Default: 4,096. At most [`max_queue_items`](Self::max_queue_items).
    ///
    /// A record of more items than that forms a batch alone.
    pub max_batch_items: usize,
    /// The most record bytes of one batch. Default: 1 MiB. A larger record forms a batch alone.
    pub max_batch_bytes: usize,
    /// How long an item may wait in the queue while the service takes batches. Default: 5 s; zero: no wait (BATCH-28).
    pub max_delay: Duration,
    /// The most items queued, those in flight not counted. Default: 1,048,576. Never exceeded.
    pub max_queue_items: usize,
    /// The longest record; a longer one is dropped as `too_large`. Default: 4 MiB.
    pub max_record_bytes: usize,
    /// What happens when the queue is full. Default: [`OverflowPolicy::DropNewest`].
    pub overflow: OverflowPolicy,
    /// The most calls of the service at once. Default: 4; 1 sends one batch after the other (BATCH-05).
    pub max_in_flight: usize,
    /// The number of shards, rounded up to a power of two. Default `None`: the machine's parallelism, at most 8, and
    /// at most an eighth of the pool's chunks, since several queues may share them.
    pub shards: Option<NonZeroUsize>,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            max_batch_items: 4096,
            max_batch_bytes: 1024 * 1024,
            max_delay: Duration::from_secs(5),
            max_queue_items: 1024 * 1024,
            max_record_bytes: 4 * 1024 * 1024,
            overflow: OverflowPolicy::default(),
            max_in_flight: 4,
            shards: None,
        }
    }
}

impl BatchConfig {
    /// Checks the options against each other.
    ///
    /// # Errors
    ///
    /// Names the field that cannot work: a zero bound, a batch larger than the queue, more than 64 shards.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for (field, value) in [
            ("max_batch_items", self.max_batch_items),
            ("max_batch_bytes", self.max_batch_bytes),
            ("max_queue_items", self.max_queue_items),
            ("max_record_bytes", self.max_record_bytes),
            ("max_in_flight", self.max_in_flight),
        ] {
            if value == 0 {
                return Err(ConfigError::new(field, "must not be zero"));
            }
        }
        // conf: BATCH-02
        if self.max_batch_items > self.max_queue_items {
            return Err(ConfigError::new("max_batch_items", "must not exceed max_queue_items"));
        }
        if self.shards.is_some_and(|shards| shards.get() > 64) {
            return Err(ConfigError::new("shards", "must not exceed 64"));
        }
        Ok(())
    }
}

/// An option that cannot work.
///
/// ```
/// use otlp_batch::PoolConfig;
/// let error = PoolConfig { growth_factor: 0.5, ..PoolConfig::default() }.validate().unwrap_err();
/// assert_eq!(error.to_string(), "growth_factor must be a number greater than 1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct ConfigError {
    field: &'static str,
    problem: &'static str,
}

impl ConfigError {
    pub(crate) const fn new(field: &'static str, problem: &'static str) -> Self {
        Self { field, problem }
    }

    /// The name of the option.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with it, to be read after its name.
    #[must_use]
    pub const fn problem(&self) -> &'static str {
        self.problem
    }
}
