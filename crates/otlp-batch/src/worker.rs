//! The future that moves batches from a queue to a service.
//!
//! It is the shell around [`Batcher`]: it has the clock, the timer, the futures in flight and the waiting callers, and
//! decides nothing. Never lets a panic of the service through, and never ends with a caller unanswered.

mod in_flight;

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use otlp_model::{DropReason, Outcome};
use tower_service::Service;

use crate::batch::Batch;
use crate::batcher::{BatchId, Batcher, FlushId, Step};
use crate::config::{BatchConfig, ConfigError};
use crate::handle::{BatchHandle, Order, Orders};
use crate::pool::{ChunkPool, TEND_EVERY};
use crate::queue::{Drain, Working};
use crate::reply::{Answer, FlushReport};
use crate::sending::{Parcel, Receipt};
use crate::stats::Stats;
use in_flight::{Failure, InFlight};

/// The batches handed over in one poll before other tasks get their turn.
const TAKES_PER_POLL: usize = 64;

/// Takes batches from a queue and calls a service with them, until closed; resolves to the final [`Stats`].
///
/// Spawn it on any tokio runtime with time enabled, a `current_thread` one too; it is `Send` if the service and its
/// futures are. It waits until the service is ready **before** it takes a batch, so that records wait in the bounded
/// queue while the service is at its limit, and runs up to [`BatchConfig::max_in_flight`] calls at once.
///
/// Every batch ends in the books: with the [`Outcome`] the service answered; under the reason of the
/// [`Undelivered`](otlp_model::Undelivered) in its error, or else as `layer_failed`; as `layer_failed` when a call
/// panicked. None of this ends the worker (BATCH-23). A service whose `poll_ready` fails costs the batch that was due.
///
/// # Cancel safety
///
/// Dropping the worker, with its runtime or without, cancels the calls in flight, drops what is queued and in flight
/// as `shut_down`, refuses later pushes likewise, and answers every waiting flush and close.
///
/// ```
/// use otlp_batch::{Batch, BatchConfig, ChunkPool, PoolConfig, Worker};
/// use otlp_model::{DropReason, GroupId, Outcome, Undelivered};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = tower::service_fn(|_batch: Batch| async {
///     Err::<Outcome, _>(Undelivered::new(DropReason::NotRetryable, "the server said no"))
/// });
/// let pool = ChunkPool::new(PoolConfig::default())?;
/// let (worker, handle) = Worker::new(&BatchConfig::default(), &pool, service)?;
/// let worker = tokio::spawn(worker);
/// handle.queue().push(GroupId(0), 1, b"\x12\x00").expect("there is room");
/// let report = handle.close(None).await;
/// assert_eq!(report.stats.dropped.get(DropReason::NotRetryable), 1);
/// assert!(report.last_error.unwrap().contains("the server said no"));
/// # Ok(())
/// # }
/// ```
pub struct Worker<S>
where
    S: Service<Batch>,
{
    service: S,
    max_in_flight: usize,
    drain: Drain,
    batcher: Batcher,
    orders: Arc<Orders>,
    in_flight: FuturesUnordered<InFlight<S::Future>>,
    /// Batches that came past the queue and wait until the service is ready.
    parcels: VecDeque<(BatchId, Parcel)>,
    flushes: Vec<Flush>,
    closes: Vec<Answer>,
    close_by: Option<Instant>,
    tend_at: Option<Instant>,
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
    ended: bool,
}

/// A flush somebody waits for.
struct Flush {
    id: FlushId,
    deadline: Option<Instant>,
    answer: Answer,
}

/// Why a worker's poll stopped.
enum Pause {
    /// Until this time, or until something wakes it.
    Until(Option<Instant>),
    /// Others' turn.
    Yield,
    Finished,
}

/// The service is never pinned, and its futures are boxed.
impl<S: Service<Batch>> Unpin for Worker<S> {}

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
        config.validate()?;
        Ok(Self::checked(config, pool, service))
    }

    /// As [`new`](Self::new), with options known to work.
    pub(crate) fn checked(config: &BatchConfig, pool: &ChunkPool, service: S) -> (Self, BatchHandle) {
        let drain = Drain::checked(config, pool);
        let queue = drain.queue().clone();
        let orders = Arc::new(Orders::default());
        let worker = Self {
            service,
            max_in_flight: config.max_in_flight,
            drain,
            batcher: Batcher::new(config),
            orders: Arc::clone(&orders),
            in_flight: FuturesUnordered::new(),
            parcels: VecDeque::new(),
            flushes: Vec::new(),
            closes: Vec::new(),
            close_by: None,
            tend_at: None,
            timer: None,
            ended: false,
        };
        (worker, BatchHandle::new(queue, orders))
    }

    /// Does everything that can be done now.
    fn work(&mut self, cx: &mut Context<'_>, now: Instant) -> Pause {
        let mut takes = 0;
        loop {
            while let Poll::Ready(Some((id, receipt, result))) = self.in_flight.poll_next_unpin(cx) {
                match result {
                    Ok(outcome) => receipt.settle(&outcome),
                    Err(Failure { reason, text }) => receipt.fail(reason, text),
                }
                self.batcher.completed(id);
                self.answer_flushes();
            }
            self.read_orders(now);
            self.give_up_late_parcels(now);
            self.answer_flushes();
            self.answer_late_flushes(now);
            if self.close_by.is_some_and(|deadline| deadline <= now) {
                self.abandon(DropReason::Deadline);
            }
            if !self.parcels.is_empty() {
                match self.send_parcel(cx) {
                    Poll::Ready(()) => continue,
                    Poll::Pending => return Pause::Until(None),
                }
            }
            match self.batcher.step(now, &self.drain.depth()) {
                Step::Finished => return Pause::Finished,
                Step::Wait { until, wake } => {
                    // What was evicted may have been the last of a flush.
                    self.answer_flushes();
                    if self.drain.park(&wake) {
                        return Pause::Until(until);
                    }
                }
                step @ (Step::Stage | Step::Take { .. }) => {
                    if takes == TAKES_PER_POLL {
                        return Pause::Yield;
                    }
                    let ready = match self.poll_service(cx) {
                        Poll::Pending => return Pause::Until(None),
                        Poll::Ready(ready) => ready,
                    };
                    if let Step::Take { max_items, max_bytes } = step {
                        takes += 1;
                        self.hand_over(max_items, max_bytes, ready);
                    } else {
                        self.drain.stage();
                    }
                }
            }
        }
    }

    fn poll_service(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if self.in_flight.len() >= self.max_in_flight {
            return Poll::Pending;
        }
        catch_unwind(AssertUnwindSafe(|| self.service.poll_ready(cx).map_err(Failure::new)))
            .unwrap_or_else(|panic| Poll::Ready(Err(Failure::panicked(&*panic))))
    }

    /// Takes a batch, and calls the service with it if that is ready.
    fn hand_over(&mut self, max_items: u64, max_bytes: u64, ready: Result<(), Failure>) {
        let Some((batch, ticket)) = self.drain.take(max_items, max_bytes) else { return };
        let id = self.batcher.taken(ticket.end());
        self.call(id, Parcel { batch, by: None, receipt: Receipt::of(ticket) }, ready);
    }

    /// Calls the service with the first batch that came past the queue, when it is ready.
    fn send_parcel(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let ready = ready!(self.poll_service(cx));
        if let Some((id, parcel)) = self.parcels.pop_front() {
            self.call(id, parcel, ready);
        }
        Poll::Ready(())
    }

    fn call(&mut self, id: BatchId, parcel: Parcel, ready: Result<(), Failure>) {
        let Parcel { batch, by, receipt } = parcel;
        let failure = match ready {
            Ok(()) => match catch_unwind(AssertUnwindSafe(|| self.service.call(batch))) {
                Ok(future) => {
                    self.in_flight.push(InFlight::new(id, receipt, future, by));
                    return;
                }
                Err(panic) => Failure::panicked(&*panic),
            },
            Err(failure) => failure,
        };
        receipt.fail(failure.reason, failure.text);
        self.batcher.completed(id);
    }

    /// Those in flight keep their time themselves.
    fn give_up_late_parcels(&mut self, now: Instant) {
        let late = |parcel: &Parcel| parcel.by.is_some_and(|by| by <= now);
        if !self.parcels.iter().any(|(_, parcel)| late(parcel)) {
            return;
        }
        let (late, waiting): (VecDeque<_>, _) =
            std::mem::take(&mut self.parcels).into_iter().partition(|(_, parcel)| late(parcel));
        self.parcels = waiting;
        for (id, parcel) in late {
            let Failure { reason, text } = Failure::late();
            parcel.receipt.fail(reason, text);
            self.batcher.completed(id);
        }
    }

    fn read_orders(&mut self, now: Instant) {
        for order in self.orders.read() {
            match order {
                Order::Flush { timeout, answer } => {
                    let id = self.batcher.flush(self.drain.stage());
                    let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
                    self.flushes.push(Flush { id, deadline, answer });
                }
                Order::Close { timeout, answer } => {
                    self.batcher.close();
                    let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
                    self.close_by = match (self.close_by, deadline) {
                        (Some(one), Some(other)) => Some(one.min(other)),
                        (one, other) => one.or(other),
                    };
                    self.closes.push(answer);
                }
                Order::Send(mut parcel, timeout) => {
                    parcel.by = timeout.and_then(|timeout| now.checked_add(timeout));
                    self.parcels.push_back((self.batcher.taken_aside(), *parcel));
                }
            }
        }
    }

    fn answer_flushes(&mut self) {
        while let Some(id) = self.batcher.next_flushed() {
            if let Some(at) = self.flushes.iter().position(|flush| flush.id == id) {
                let flush = self.flushes.swap_remove(at);
                flush.answer.send(FlushReport::new(self.drain.queue(), true));
            }
        }
    }

    fn answer_late_flushes(&mut self, now: Instant) {
        let late = |flush: &mut Flush| flush.deadline.is_some_and(|deadline| deadline <= now);
        for flush in self.flushes.extract_if(.., late) {
            flush.answer.send(FlushReport::new(self.drain.queue(), false));
        }
    }

    /// When there is something to do, whatever else happens.
    fn wake_at(&mut self, now: Instant, until: Option<Instant>) -> Option<Instant> {
        let pool = self.drain.queue().pool();
        let stock_at = pool.stock(now);
        pool.tend(now);
        self.tend_at = pool.needs_tending().then(|| match self.tend_at {
            Some(at) if at > now => at,
            _ => now + TEND_EVERY,
        });
        let flushes = self.flushes.iter().filter_map(|flush| flush.deadline);
        let parcels = self.parcels.iter().filter_map(|(_, parcel)| parcel.by);
        flushes.chain(parcels).chain(until).chain(self.close_by).chain(self.tend_at).chain(stock_at).min()
    }
}

impl<S: Service<Batch>> Worker<S> {
    /// Cancels the calls in flight, and drops what is queued and in flight for `reason`.
    fn abandon(&mut self, reason: DropReason) {
        self.drain.discard(reason);
        let parcels = std::mem::take(&mut self.parcels);
        for (id, parcel) in parcels {
            parcel.receipt.lose(reason);
            self.batcher.completed(id);
        }
        for call in std::mem::take(&mut self.in_flight) {
            let id = call.cancel(reason);
            self.batcher.completed(id);
        }
    }

    /// Answers everybody: nothing is pending any more.
    fn end(&mut self) -> Stats {
        self.ended = true;
        // Before the answers: whoever closed may look at the pool.
        self.drain.leave_pool();
        let mut answers = Vec::new();
        for order in self.orders.end() {
            match order {
                Order::Flush { answer, .. } | Order::Close { answer, .. } => answers.push(answer),
                Order::Send(parcel, _) => parcel.receipt.lose(DropReason::ShutDown),
            }
        }
        let report = FlushReport::new(self.drain.queue(), true);
        for answer in answers {
            answer.send(report.clone());
        }
        for flush in self.flushes.drain(..) {
            flush.answer.send(report.clone());
        }
        for answer in self.closes.drain(..) {
            answer.send(report.clone());
        }
        report.stats
    }
}

impl<S> Future for Worker<S>
where
    S: Service<Batch, Response = Outcome>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Output = Stats;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Stats> {
        let this = self.get_mut();
        let _working = Working::begin();
        this.drain.queue().note_thread(on_the_only_thread());
        loop {
            // First listen, then look: see `Bell`.
            this.drain.listen(cx.waker());
            let now = tokio::time::Instant::now().into_std();
            let until = match this.work(cx, now) {
                Pause::Finished => return Poll::Ready(this.end()),
                Pause::Yield => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Pause::Until(until) => this.wake_at(now, until),
            };
            let Some(until) = until else {
                this.timer = None;
                return Poll::Pending;
            };
            let until = tokio::time::Instant::from_std(until);
            let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
            if timer.deadline() != until {
                timer.as_mut().reset(until);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.timer = None;
        }
    }
}

/// Whether the runtime around this call polls its tasks on this thread alone.
fn on_the_only_thread() -> bool {
    tokio::runtime::Handle::try_current().is_ok_and(|runtime| runtime.metrics().num_workers() == 1)
}

impl<S: Service<Batch>> Drop for Worker<S> {
    fn drop(&mut self) {
        if !self.ended {
            // What is cancelled may push to other queues.
            let _working = Working::begin();
            self.drain.queue().close();
            self.abandon(DropReason::ShutDown);
            self.end();
        }
    }
}

impl<S: Service<Batch>> fmt::Debug for Worker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("in_flight", &self.in_flight.len())
            .field("queue", self.drain.queue())
            .finish_non_exhaustive()
    }
}
