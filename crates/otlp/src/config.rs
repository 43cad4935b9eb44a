//! The plain configuration structs and enums of the builder, with the defaults and what each value may be.
//!
//! Options that these structs do not hold are methods of [`ClientBuilder`](crate::ClientBuilder).

use crate::error::Error;
use otlp_batch::PoolConfig;
use otlp_transport::ErrorType;
use std::time::Duration;

/// When a batch is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BatchStrategy {
    /// Only when it is full (or on flush and shutdown).
    Size,
    /// Only when [`BatchConfig::batch_timeout`] has passed (or on flush and shutdown); batches keep their limits.
    Time,
    /// Whichever comes first.
    #[default]
    Hybrid,
}

/// How telemetry is batched and how much may wait.
///
/// ```
/// use otlp::{BatchConfig, BatchStrategy};
/// let config = BatchConfig { max_batch_size: 500, ..BatchConfig::default() };
/// assert_eq!(config.strategy, BatchStrategy::Hybrid);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchConfig {
    /// The most items (spans, data points, log records) of a request; at least 1. Default 8192: with typical spans the
    /// byte bound of a request comes first.
    pub max_batch_size: usize,
    /// How long the first item of a batch may wait; above zero. Default 1 s.
    pub batch_timeout: Duration,
    /// The most items that may wait, for each signal; at least `max_batch_size`. What more is offered is treated by the
    /// overflow policy. Default 1,000,000: the byte bound of [`MemoryPoolConfig`] comes first.
    pub max_queue_size: usize,
    /// What sends a batch. Default hybrid.
    pub strategy: BatchStrategy,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            max_batch_size: 8192,
            batch_timeout: Duration::from_secs(1),
            max_queue_size: 1_000_000,
            strategy: BatchStrategy::Hybrid,
        }
    }
}

impl BatchConfig {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.max_batch_size == 0 {
            return Err(Error::option("with_batch_config: max_batch_size", "must be at least 1, got 0"));
        }
        if self.max_queue_size < self.max_batch_size {
            return Err(Error::option(
                "with_batch_config: max_queue_size",
                format!(
                    "must be at least max_batch_size ({}), got {}",
                    self.max_batch_size, self.max_queue_size
                ),
            ));
        }
        if self.batch_timeout.is_zero() {
            return Err(Error::option("with_batch_config: batch_timeout", "must be longer than zero"));
        }
        Ok(())
    }
}

/// How failed exports are retried.
///
/// ```
/// use otlp::{ErrorType, RetryConfig};
/// use std::time::Duration;
/// let config = RetryConfig {
///     max_attempts: 3,
///     initial_interval: Duration::from_millis(100),
///     retryable_errors: vec![ErrorType::Timeout],
///     ..RetryConfig::default()
/// };
/// # let _ = config;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RetryConfig {
    /// The most attempts of an export, the first included. 0, the default: as many as fit into the export timeout
    /// (5 minutes, see [`with_export_timeout`](crate::ClientBuilder::with_export_timeout)).
    pub max_attempts: u32,
    /// The pause before the second attempt; above zero. Default 500 ms.
    pub initial_interval: Duration,
    /// The longest pause; at least `initial_interval`. Default 30 s.
    pub max_interval: Duration,
    /// By how much each pause is longer than the one before; at least 1. Default 1.5.
    pub multiplier: f64,
    /// By which share a pause varies at random, up and down; between 0 and 1. Default 0.5.
    pub randomization_factor: f64,
    /// Which failures are retried. Default: all that OTLP allows to retry; others can't be named.
    pub retryable_errors: Vec<ErrorType>,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_attempts: 0,
            initial_interval: Duration::from_millis(500),
            max_interval: Duration::from_secs(30),
            multiplier: 1.5,
            randomization_factor: 0.5,
            retryable_errors: ErrorType::ALL.to_vec(),
        }
    }
}

/// The memory that waiting telemetry may take, in bytes, for the whole client.
///
/// What is accounted is the encoded telemetry, queued and in flight. With
/// [`SerializationFormat::Json`] the requests in flight are larger than that, about four times.
///
/// ```
/// use otlp::MemoryPoolConfig;
/// let config = MemoryPoolConfig { max_size: 16 * 1024 * 1024, ..MemoryPoolConfig::default() };
/// assert_eq!(config.chunk_size, 64 * 1024);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryPoolConfig {
    /// Allocated when the client is built; at most `max_size` and 4 GiB. Default 1 MiB.
    pub initial_size: usize,
    /// The hard bound: what waits and what is in flight together never take more. Default 64 MiB.
    pub max_size: usize,
    /// The size of one chunk; between 1 KiB and 64 MiB, at most `max_size`. Default 64 KiB.
    pub chunk_size: usize,
    /// How much the pool grows when it is used up; more than 1. Default 2.
    pub growth_factor: f64,
    /// The idle share above which chunks go back to the allocator; between 0 and 1. Default 0.8.
    pub gc_threshold: f64,
}

impl Default for MemoryPoolConfig {
    fn default() -> Self {
        let PoolConfig { initial_size, max_size, chunk_size, growth_factor, gc_threshold } =
            PoolConfig::default();
        Self { initial_size, max_size, chunk_size, growth_factor, gc_threshold }
    }
}

impl MemoryPoolConfig {
    pub(crate) fn pool(&self) -> PoolConfig {
        PoolConfig {
            initial_size: self.initial_size,
            max_size: self.max_size,
            chunk_size: self.chunk_size,
            growth_factor: self.growth_factor,
            gc_threshold: self.gc_threshold,
        }
    }
}

/// The protocol to the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP/gRPC; receivers listen on port 4317. Needs the feature `grpc`.
    #[cfg(feature = "grpc")]
    Grpc,
    /// OTLP/HTTP; receivers listen on port 4318. Needs the feature `http`.
    #[cfg(feature = "http")]
    Http,
}

/// How requests are serialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SerializationFormat {
    /// Binary protobuf: the default, and several times faster.
    #[default]
    Protobuf,
    /// OTLP/JSON, over HTTP only. Needs the feature `json`.
    #[cfg(feature = "json")]
    Json,
}
