//! A byte-bounded, sharded batching queue with exact accounting, over any tower service.
#![allow(clippy::todo, clippy::diverging_sub_expression, unused, reason = "a skeleton: signatures first")]

mod batch;
mod config;
mod layer;
mod pool;
mod queue;
mod stats;
mod worker;

pub use batch::Batch;
pub use config::{BatchConfig, ConfigError, OverflowPolicy, Strategy};
pub use layer::{BatchLayer, BatchService, QueueError, ResponseFuture, pair};
pub use pool::{ChunkPool, Permit, PoolConfig};
pub use queue::{Drain, Queue, Ticket};
pub use stats::Stats;
pub use worker::{BatchHandle, FlushReport, Reply, Worker};
