//! Builder options about waiting telemetry: batches, the queue, its memory, and what happens when that is full.

use super::ClientBuilder;
use crate::config::{BatchConfig, MemoryPoolConfig};
use otlp_batch::OverflowPolicy;

impl ClientBuilder {
    /// Batch size, delay, queue bound and strategy.
    pub fn with_batch_config(self, config: BatchConfig) -> Self {
        Self { batch: Some(config), ..self }
    }

    /// The most bytes of a request before compression; between 1 KiB and 64 MiB. Default 2 MiB, half of what receivers
    /// take. A single item that is larger is dropped (`too_large`).
    pub fn with_max_request_bytes(self, bytes: usize) -> Self {
        Self { max_request_bytes: bytes, ..self }
    }

    /// How much memory waiting telemetry may take.
    pub fn with_memory_pool_config(self, config: MemoryPoolConfig) -> Self {
        Self { memory: config, ..self }
    }

    /// What happens when the queue is full. Default: the newest item is dropped and counted.
    pub fn with_overflow_policy(self, policy: OverflowPolicy) -> Self {
        Self { overflow: policy, ..self }
    }

    /// `false`: `Span::end`, and the emission of a log record, wait until it is delivered, at most for the flush timeout. Default
    /// `true`; a configuration file says it of one signal, by the processor `simple`.
    pub fn with_async_export(self, asynchronous: bool) -> Self {
        Self { async_export: Some(asynchronous), ..self }
    }
}
