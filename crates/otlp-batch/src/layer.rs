//! The queue as a tower layer: a service of records over a service of batches.
//!
//! For stacks built by hand with `tower::ServiceBuilder`. Hot paths push to [`BatchService::queue`] instead, without
//! a future for each record.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use otlp_model::{DropReason, Outcome, Record};
use tower_layer::Layer;
use tower_service::Service;

use crate::batch::Batch;
use crate::config::{BatchConfig, ConfigError, OverflowPolicy};
use crate::handle::BatchHandle;
use crate::pool::ChunkPool;
use crate::queue::Queue;
use crate::worker::Worker;

/// Puts a queue and its worker in front of a service of batches.
///
/// **Position**: the outermost layer, or directly below sampling; everything below it sees batches.
///
/// **Clone**: the layer's clones are alike; each use makes a queue of its own, on the shared pool. The
/// [`BatchService`]s it makes are handles on one queue.
///
/// **Readiness**: a `BatchService` is ready until it is closed; the worker alone asks the inner service for readiness.
///
/// ```
/// use otlp_batch::{Batch, BatchConfig, BatchLayer, ChunkPool, PoolConfig};
/// use otlp_model::{GroupId, Outcome, Record, Records};
/// use std::convert::Infallible;
/// use tower::{Service, ServiceBuilder, ServiceExt};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = ChunkPool::new(PoolConfig::default())?;
/// let mut service = ServiceBuilder::new()
///     .layer(BatchLayer::new(BatchConfig::default(), pool)?)
///     .service_fn(|batch: Batch| async move {
///         Ok::<_, Infallible>(Outcome { delivered: batch.items(), ..Outcome::default() })
///     });
/// let record = Record { group: GroupId(0), items: 1, bytes: bytes::Bytes::from_static(b"\x12\x00") };
/// service.ready().await?.call(record).await?;
/// let report = service.handle().close(None).await;
/// assert_eq!(report.stats.delivered, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BatchLayer {
    config: BatchConfig,
    pool: ChunkPool,
    runtime: tokio::runtime::Handle,
}

impl BatchLayer {
    /// A layer that spawns its workers on the tokio runtime of this call.
    ///
    /// # Errors
    ///
    /// An option that cannot work, as [`BatchConfig::validate`]; or `runtime`, when there is none around this call.
    pub fn new(config: BatchConfig, pool: ChunkPool) -> Result<Self, ConfigError> {
        config.validate()?;
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| {
            ConfigError::new("runtime", "is missing: make a BatchLayer inside a tokio runtime")
        })?;
        Ok(Self { config, pool, runtime })
    }
}

impl<S> Layer<S> for BatchLayer
where
    S: Service<Batch, Response = Outcome> + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Service = BatchService;

    fn layer(&self, inner: S) -> BatchService {
        let (worker, handle) = Worker::checked(&self.config, &self.pool, inner);
        self.runtime.spawn(worker);
        BatchService { handle, runtime: Some(self.runtime.clone()) }
    }
}

/// A service of records, and the worker behind it for the caller to spawn.
///
/// Under [`OverflowPolicy::Block`] a response can wait only where there is a tokio runtime with time enabled around its first
/// poll: it has the clock. Elsewhere a record that finds no room is dropped as `queue_full` at once. A [`BatchLayer`] has
/// its responses use its own.
///
/// # Errors
///
/// As [`BatchConfig::validate`].
///
/// ```
/// use otlp_batch::{Batch, BatchConfig, ChunkPool, PoolConfig, pair};
/// use otlp_model::Outcome;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), otlp_batch::ConfigError> {
/// let inner = tower::service_fn(|_: Batch| async { Ok::<_, std::convert::Infallible>(Outcome::default()) });
/// let (service, worker) = pair(&BatchConfig::default(), &ChunkPool::new(PoolConfig::default())?, inner)?;
/// let worker = tokio::spawn(worker);
/// assert!(service.handle().close(None).await.complete);
/// # Ok(())
/// # }
/// ```
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
    Ok((BatchService { handle, runtime: None }, worker))
}

/// A service of records. Its response means that the record is queued; what becomes of it is in the
/// [`Stats`](crate::Stats).
///
/// The record is queued by `call` itself, not by the future, so that a future that is never polled loses nothing.
/// Under [`OverflowPolicy::Block`], `call` does not block: if there is no room, the future waits for it, at most the
/// policy's timeout; dropped before that, it counts the record as `queue_full`.
///
/// **Clone**: cheap; all clones push to the same queue.
///
/// **Readiness**: always, until the queue is closed; then an error of [`DropReason::ShutDown`].
#[derive(Debug, Clone)]
pub struct BatchService {
    handle: BatchHandle,
    /// Whose clock responses use; `None` for the one around them.
    runtime: Option<tokio::runtime::Handle>,
}

impl BatchService {
    /// The queue behind it, for hot paths: a push needs no future.
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
        let closed = self.queue().is_closed();
        Poll::Ready(if closed { Err(QueueError(DropReason::ShutDown)) } else { Ok(()) })
    }

    fn call(&mut self, record: Record) -> ResponseFuture {
        let queue = self.queue();
        let state = match queue.overflow() {
            OverflowPolicy::Block { timeout } => {
                Entry::try_once(queue.clone(), record, timeout, self.runtime.clone())
            }
            _ => State::Done(queue.push(record.group, record.items, &record.bytes).map_err(QueueError)),
        };
        ResponseFuture { state }
    }
}

/// Resolves when the record is in the queue, or dropped.
#[derive(Debug)]
pub struct ResponseFuture {
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting(Box<Entry>),
    Done(Result<(), QueueError>),
}

impl Future for ResponseFuture {
    type Output = Result<(), QueueError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.state {
            State::Waiting(entry) => ready!(entry.poll(cx)),
            State::Done(result) => *result,
        };
        self.state = State::Done(result);
        Poll::Ready(result)
    }
}

/// A record that waits for room.
struct Entry {
    queue: Queue,
    record: Record,
    timeout: Duration,
    runtime: Option<tokio::runtime::Handle>,
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
    /// Among those who wait, once it does.
    place: Option<u64>,
    counted: bool,
}

impl Entry {
    /// Offers the record once, and waits if there is no room.
    fn try_once(
        queue: Queue,
        record: Record,
        timeout: Duration,
        runtime: Option<tokio::runtime::Handle>,
    ) -> State {
        queue.pool().space().add_waiter();
        let mut entry = Self { queue, record, timeout, runtime, timer: None, place: None, counted: false };
        match entry.offer() {
            Some(result) => State::Done(result),
            None => State::Waiting(Box::new(entry)),
        }
    }

    /// The result, if there is one now.
    fn offer(&mut self) -> Option<Result<(), QueueError>> {
        let Record { group, items, bytes } = &self.record;
        let result = match self.queue.offer(*group, *items, bytes) {
            Ok(false) => return None,
            Ok(true) => Ok(()),
            Err(reason) => Err(QueueError(reason)),
        };
        self.counted = true;
        Some(result)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), QueueError>> {
        loop {
            // Read before the try: what makes room after it shows.
            let generation = self.queue.pool().space().generation();
            if let Some(result) = self.offer() {
                return Poll::Ready(result);
            }
            let timer = match &mut self.timer {
                Some(timer) => timer,
                None => {
                    let around = || tokio::runtime::Handle::try_current().ok();
                    let Some(runtime) = self.runtime.take().or_else(around) else {
                        return Poll::Ready(Err(self.give_up()));
                    };
                    // Making a timer panics where none is around.
                    let _inside = runtime.enter();
                    self.timer.insert(Box::pin(tokio::time::sleep(self.timeout)))
                }
            };
            if timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(self.give_up()));
            }
            if self.queue.pool().space().register(generation, &mut self.place, cx.waker()) {
                return Poll::Pending;
            }
        }
    }

    fn give_up(&mut self) -> QueueError {
        if !std::mem::replace(&mut self.counted, true) {
            self.queue.refuse(self.record.items, DropReason::QueueFull);
        }
        QueueError(DropReason::QueueFull)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.give_up();
        let space = self.queue.pool().space();
        if let Some(place) = self.place {
            space.forget(place);
        }
        space.remove_waiter();
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// A record was dropped on its way into the queue; the loss is already counted.
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
