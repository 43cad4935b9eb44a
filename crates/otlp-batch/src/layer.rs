//! The queue as a tower layer: a service of records over a service of batches.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use otlp_model::{DropReason, Outcome, Record};
use tower_layer::Layer;
use tower_service::Service;

use crate::batch::Batch;
use crate::config::{BatchConfig, ConfigError};
use crate::pool::ChunkPool;
use crate::queue::Queue;
use crate::worker::{BatchHandle, Worker};

/// Puts a queue and a worker in front of a service of batches.
#[derive(Debug, Clone)]
pub struct BatchLayer {
    config: BatchConfig,
    pool: ChunkPool,
    runtime: tokio::runtime::Handle,
}

impl BatchLayer {
    /// A layer that spawns its workers on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// An option that cannot work, or no tokio runtime around the call.
    pub fn new(config: BatchConfig, pool: ChunkPool) -> Result<Self, ConfigError> {
        config.validate()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            ConfigError::new("runtime", "is missing: build a BatchLayer inside a tokio runtime")
        })?;
        Ok(Self { config, pool, runtime })
    }
}

impl<S> Layer<S> for BatchLayer
where
    S: Service<Batch, Response = Outcome> + Send + Unpin + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Service = BatchService;

    fn layer(&self, inner: S) -> BatchService {
        let _ = (&self.config, &self.pool, &self.runtime, inner);
        todo!()
    }
}

/// A service of records and the worker behind it, for owners who spawn the worker themselves.
///
/// # Errors
///
/// As [`BatchConfig::validate`].
pub fn pair<S>(
    config: &BatchConfig,
    pool: &ChunkPool,
    inner: S,
) -> Result<(BatchService, Worker<S>), ConfigError>
where
    S: Service<Batch, Response = Outcome>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (worker, handle) = Worker::new(config, pool, inner)?;
    Ok((BatchService { handle }, worker))
}

/// A service of records: a response means the record is queued, not that it was delivered.
#[derive(Debug, Clone)]
pub struct BatchService {
    handle: BatchHandle,
}

impl BatchService {
    /// The queue behind it, for hot paths: a push costs no future.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        self.handle.queue()
    }

    /// Flush, close, statistics.
    #[must_use]
    pub fn handle(&self) -> &BatchHandle {
        &self.handle
    }
}

impl Service<Record> for BatchService {
    type Response = ();
    type Error = QueueError;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), QueueError>> {
        todo!()
    }

    fn call(&mut self, record: Record) -> ResponseFuture {
        let _ = record;
        todo!()
    }
}

/// Resolves when the record is in the queue, or dropped.
#[derive(Debug)]
pub struct ResponseFuture(());

impl Future for ResponseFuture {
    type Output = Result<(), QueueError>;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Result<(), QueueError>> {
        todo!()
    }
}

/// A record was dropped on its way into the queue; the loss is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record was dropped before it was queued: {0}")]
pub struct QueueError(DropReason);

impl QueueError {
    /// The reason under which the loss counts.
    #[must_use]
    pub const fn reason(self) -> DropReason {
        self.0
    }
}
