//! The owner's handle on a queue and its worker, and the orders it gives.
//!
//! Used by the facade and by [`BatchService`](crate::BatchService). Uses no runtime.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otlp_model::{DropReason, Records};

use crate::batch::Batch;
use crate::config::BatchConfig;
use crate::pool::{ChunkPool, PoolConfig};
use crate::queue::{Drain, Queue};
use crate::reply::{Answer, FlushReport, Reply, reply};
use crate::sending::{Parcel, Receipt, Sending};
use crate::stats::Stats;

/// Flush, close and statistics of a queue and its [`Worker`](crate::Worker). Clones are handles on the same.
///
/// Dropping handles closes nothing: [`close`](Self::close) or the worker's end does.
///
/// ```
/// use otlp_batch::{Batch, BatchConfig, ChunkPool, PoolConfig, Worker};
/// use otlp_model::{GroupId, Outcome, Records};
/// use std::{convert::Infallible, time::Duration};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = tower::service_fn(|batch: Batch| async move {
///     Ok::<_, Infallible>(Outcome { delivered: batch.items(), ..Outcome::default() })
/// });
/// let pool = ChunkPool::new(PoolConfig::default())?;
/// let (worker, handle) = Worker::new(&BatchConfig::default(), &pool, service)?;
/// let worker = tokio::spawn(worker);
///
/// handle.queue().push(GroupId(0), 1, b"\x12\x00").expect("there is room");
/// let report = handle.flush(Some(Duration::from_secs(5))).await;
/// assert!(report.complete);
/// assert_eq!(report.stats.delivered, 1);
///
/// let report = handle.close(None).await;
/// assert_eq!(report.stats, worker.await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BatchHandle {
    queue: Queue,
    orders: Arc<Orders>,
}

/// What a handle asks of the worker.
#[derive(Debug)]
pub(crate) enum Order {
    Flush { timeout: Option<Duration>, answer: Answer },
    Close { timeout: Option<Duration>, answer: Answer },
    Send(Box<Parcel>, Option<Duration>),
}

/// Orders the worker has not read yet.
#[derive(Debug, Default)]
pub(crate) struct Orders(Mutex<Inbox>);

#[derive(Debug, Default)]
struct Inbox {
    orders: Vec<Order>,
    /// The worker has ended and reads no more.
    ended: bool,
}

impl Orders {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The orders since the last call.
    pub(crate) fn read(&self) -> Vec<Order> {
        std::mem::take(&mut self.lock().orders)
    }

    /// The last orders; later ones are answered without the worker.
    pub(crate) fn end(&self) -> Vec<Order> {
        let mut inbox = self.lock();
        inbox.ended = true;
        std::mem::take(&mut inbox.orders)
    }
}

impl BatchHandle {
    /// A handle whose worker has ended: nothing is taken, and every order is answered at once. For what has to have a handle where
    /// there is nothing to hand anything to.
    ///
    /// ```
    /// use otlp_batch::BatchHandle;
    /// use otlp_model::{DropReason, GroupId};
    /// let handle = BatchHandle::closed();
    /// assert_eq!(handle.queue().push(GroupId(0), 1, b"\x12\x00"), Err(DropReason::ShutDown));
    /// ```
    #[must_use]
    pub fn closed() -> Self {
        let pool = ChunkPool::checked(PoolConfig { initial_size: 0, ..PoolConfig::default() });
        // Closes its queue as it is dropped.
        let queue = Drain::checked(&BatchConfig::default(), &pool).queue().clone();
        let orders = Orders::default();
        orders.end();
        Self { queue, orders: Arc::new(orders) }
    }

    pub(crate) fn new(queue: Queue, orders: Arc<Orders>) -> Self {
        Self { queue, orders }
    }

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

    /// Sends everything accepted before the call, by any thread (BATCH-10, BATCH-20).
    ///
    /// Answered when all of it has an outcome: at once when nothing is pending, and with what is known when `timeout`
    /// is over, `complete` being false. A flush drops nothing: what is pending then stays pending.
    pub fn flush(&self, timeout: Option<Duration>) -> Reply {
        let (answer, reply) = reply(&self.queue);
        self.give(Order::Flush { timeout, answer });
        reply
    }

    /// Ends the queue: refuses pushes from this call on (`shut_down`), sends what is queued, and ends the worker.
    ///
    /// Answered when everything has an outcome. When `timeout` is over, the calls in flight are cancelled, and what
    /// was queued or in flight is dropped as `deadline`; the answer is complete then too, and tells the loss.
    ///
    /// May be called more than once: the earliest deadline holds, and every call is answered.
    pub fn close(&self, timeout: Option<Duration>) -> Reply {
        let (answer, reply) = reply(&self.queue);
        self.queue.close();
        self.give(Order::Close { timeout, answer });
        reply
    }

    /// Sends a batch past the queue: alone, unchanged, and before what is queued. For who has whole batches and has to
    /// answer for each.
    ///
    /// Its items are accepted and in flight at once, and its memory is accounted for by the pool; it is refused as
    /// `queue_full` if that has no room, and as `shut_down` after a close. When `timeout` is over, it is given up as
    /// `deadline`, whether the service had it or was not ready for it. Flushes and closes wait for it.
    ///
    /// ```
    /// # use otlp_batch::{Batch, BatchConfig, ChunkPool, PoolConfig, Worker};
    /// use otlp_model::{EncodedRecords, GroupId, Outcome, Records};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = tower::service_fn(|batch: Batch| async move {
    ///     Ok::<_, std::convert::Infallible>(Outcome { delivered: batch.items(), ..Outcome::default() })
    /// });
    /// # let pool = ChunkPool::new(PoolConfig::default())?;
    /// let (worker, handle) = Worker::new(&BatchConfig::default(), &pool, service)?;
    /// tokio::spawn(worker);
    /// let mut records = EncodedRecords::new();
    /// records.push(GroupId(0), 1, b"\x12\x00");
    /// assert_eq!(handle.send(records.into(), None).await.delivered, 1);
    /// assert_eq!(handle.stats().delivered, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn send(&self, batch: Batch, timeout: Option<Duration>) -> Sending {
        let items = batch.items();
        if items == 0 {
            return Sending::refused(0, DropReason::EncodeFailed);
        }
        match self.queue.admit(items, batch.bytes()) {
            Ok(ticket) => {
                let (receipt, sending) = Receipt::with_answer(ticket);
                self.give(Order::Send(Box::new(Parcel { batch, receipt, by: None }), timeout));
                sending
            }
            Err(reason) => Sending::refused(items, reason),
        }
    }

    fn give(&self, order: Order) {
        if self.queue.is_forked() {
            if let Order::Flush { answer, .. } | Order::Close { answer, .. } = order {
                answer.send(FlushReport::new(&self.queue, false));
            }
            return;
        }
        let refused = {
            let mut inbox = self.orders.lock();
            if inbox.ended {
                Some(order)
            } else {
                inbox.orders.push(order);
                None
            }
        };
        match refused {
            None => self.queue.ring(),
            // Everything has an outcome once the worker has ended.
            Some(Order::Flush { answer, .. } | Order::Close { answer, .. }) => {
                answer.send(FlushReport::new(&self.queue, true));
            }
            Some(Order::Send(parcel, _)) => parcel.receipt.lose(DropReason::ShutDown),
        }
    }
}
