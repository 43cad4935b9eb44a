//! The worker.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use otlp_model::Outcome;
use tower_service::Service;

use crate::batch::Batch;
use crate::config::{BatchConfig, ConfigError};
use crate::pool::ChunkPool;
use crate::queue::Queue;
use crate::stats::Stats;

/// The future that moves batches from the queue to the service. Spawn it on any tokio runtime with time enabled.
#[derive(Debug)]
pub struct Worker<S> {
    service: S,
}

impl<S> Worker<S>
where
    S: Service<Batch, Response = Outcome>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// A queue, and the worker that empties it into `service`.
    ///
    /// # Errors
    ///
    /// As [`BatchConfig::validate`].
    pub fn new(
        config: &BatchConfig,
        pool: &ChunkPool,
        service: S,
    ) -> Result<(Self, BatchHandle), ConfigError> {
        let _ = (config, pool);
        Ok((Self { service }, BatchHandle { queue: todo!() }))
    }
}

impl<S> Future for Worker<S>
where
    S: Service<Batch, Response = Outcome> + Unpin,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Stats;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Stats> {
        let _ = &self.service;
        todo!()
    }
}

/// The owner's handle on a queue and its worker: flush, close, statistics. Clones are handles on the same.
#[derive(Debug, Clone)]
pub struct BatchHandle {
    queue: Queue,
}

impl BatchHandle {
    /// The producers' end.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// A consistent snapshot of the books.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.queue.stats()
    }

    /// Sends everything accepted before the call; answered when all of it has an outcome, or after `timeout` with
    /// [`FlushReport::complete`] false. Drops nothing.
    pub fn flush(&self, timeout: Option<Duration>) -> Reply {
        let _ = timeout;
        todo!()
    }

    /// Refuses pushes from now on, sends what is queued, and ends the worker; after `timeout` the rest, queued and
    /// in flight, is dropped as `deadline`.
    pub fn close(&self, timeout: Option<Duration>) -> Reply {
        let _ = timeout;
        todo!()
    }
}

/// The answer to a flush or close: a future for any executor, and a bounded wait for plain threads.
#[derive(Debug)]
pub struct Reply(());

impl Reply {
    /// Blocks this thread for the answer, at most `timeout`; then reports what is known, with `complete` false.
    /// Works in every context: it uses no runtime.
    #[must_use]
    pub fn wait(self, timeout: Duration) -> FlushReport {
        let _ = timeout;
        todo!()
    }
}

impl Future for Reply {
    type Output = FlushReport;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<FlushReport> {
        todo!()
    }
}

/// What a flush or close came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlushReport {
    /// Whether everything accepted before the call has an outcome.
    pub complete: bool,
    /// The books at that moment.
    pub stats: Stats,
    /// The text of the last error that lost items, if any so far.
    pub last_error: Option<String>,
}
