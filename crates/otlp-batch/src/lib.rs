#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod batcher;
mod chunk;
mod config;
#[cfg(not(loom))]
mod handle;
#[cfg(not(loom))]
mod layer;
mod memory;
mod pool;
mod queue;
#[cfg(not(loom))]
mod reply;
#[cfg(not(loom))]
mod sending;
mod stats;
mod sync;
#[cfg(not(loom))]
mod worker;

pub use batch::Batch;
pub use batcher::{BatchId, Batcher, FlushId, Step};
pub use config::{BatchConfig, ConfigError, OverflowPolicy, Strategy};
#[cfg(not(loom))]
pub use handle::BatchHandle;
#[cfg(not(loom))]
pub use layer::{BatchLayer, BatchService, QueueError, ResponseFuture, pair};
pub use pool::{ChunkPool, Permit, PoolConfig};
#[cfg(loom)]
#[doc(hidden)]
pub use queue::set_thread_number;
pub use queue::{Depth, Drain, Queue, Ticket, Wake};
#[cfg(not(loom))]
pub use reply::{FlushReport, Reply};
#[cfg(not(loom))]
pub use sending::Sending;
pub use stats::Stats;
#[cfg(not(loom))]
pub use worker::Worker;
