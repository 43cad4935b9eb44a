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
    /// `option` is how the one that holds this is called in an error.
    pub(crate) fn check(&self, option: &str) -> Result<(), Error> {
        let refused = |field: &str, problem: &str| Err(Error::option(&format!("{option}{field}"), problem));
        if self.max_batch_size == 0 {
            return refused("max_batch_size", "must be at least 1, got 0");
        }
        if self.max_queue_size < self.max_batch_size {
            let (least, got) = (self.max_batch_size, self.max_queue_size);
            return refused(
                "max_queue_size",
                &format!("must be at least max_batch_size ({least}), got {got}"),
            );
        }
        if self.batch_timeout.is_zero() {
            return refused("batch_timeout", "must be longer than zero");
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

/// How much load retries may add, for the whole client; see [`RetryConfig`] for when there are any.
///
/// When it is used up, retries wait until there is room again. Nothing is dropped for it, and a retry that is delivered
/// does not count.
///
/// ```
/// use otlp::RetryBudgetConfig;
/// let config = RetryBudgetConfig { ratio: 0.1, ..RetryBudgetConfig::default() };
/// # let _ = config;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RetryBudgetConfig {
    /// Retries per first attempt; at least 0. Default 0.2.
    pub ratio: f64,
    /// Retries per second on top of that, so that little traffic can be retried too; above 0. Up to ten seconds' worth
    /// is saved up. Default 2.
    pub min_per_second: f64,
}

impl Default for RetryBudgetConfig {
    fn default() -> Self {
        Self { ratio: 0.2, min_per_second: 2.0 }
    }
}

/// When the client stops sending to a receiver that is down, and how it finds out that it is back.
///
/// After a number of failures in a row (no connection, no answer in time, unavailable) nothing is sent for a while; then
/// one request finds out. Meanwhile telemetry waits in the queue. As soon as a request gets through, all go on.
///
/// ```
/// use otlp::CircuitBreakerConfig;
/// use std::time::Duration;
/// let config = CircuitBreakerConfig { max_interval: Duration::from_secs(10), ..CircuitBreakerConfig::default() };
/// # let _ = config;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitBreakerConfig {
    /// How many failures in a row it takes. 0: never. Default 5.
    pub failure_threshold: u32,
    /// How long nothing is sent at first; each time that is in vain it is half as long again. Above zero. Default 1 s.
    pub initial_interval: Duration,
    /// The longest time between two requests that find out; at least `initial_interval`. Default 30 s. While the receiver
    /// takes no connection it is 5 s at most.
    pub max_interval: Duration,
}

impl Default for CircuitBreakerConfig {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            initial_interval: Duration::from_secs(1),
            max_interval: Duration::from_secs(30),
        }
    }
}

/// Whether the number of attempts under way follows what the receiver takes well.
///
/// ```
/// use otlp::{Client, Concurrency};
/// let builder = Client::builder().with_max_in_flight(32).with_concurrency(Concurrency::Fixed);
/// # let _ = builder;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Concurrency {
    /// Fewer attempts at once while the receiver pushes back (429, 503, `RESOURCE_EXHAUSTED`, no answer in time) or gets
    /// slower, down to one; more again while it keeps its pace. It starts at the most,
    /// [`with_max_in_flight`](crate::ClientBuilder::with_max_in_flight).
    #[default]
    Adaptive,
    /// Always as many as `with_max_in_flight` says.
    Fixed,
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

/// The temporality that exporters of metrics prefer: see
/// [`with_temporality_preference`](crate::ClientBuilder::with_temporality_preference).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TemporalityPreference {
    /// Every point counts from the start.
    #[default]
    Cumulative,
    /// A point counts from the one before, but for what goes up and down.
    Delta,
    /// What takes the least memory: delta for what is measured as it happens, cumulative for what is observed.
    LowMemory,
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
