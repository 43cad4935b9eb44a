//! The worker as its owner sees it, over a scripted service in virtual time.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use otlp_batch::{Batch, BatchConfig, BatchHandle, ChunkPool, PoolConfig, Strategy, Worker};
use otlp_model::{DropReason, GroupId, Outcome, Records, Undelivered};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, task};
use tower::service_fn;
use tower_test::mock;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

const GROUP: GroupId = GroupId(0);

fn pool() -> ChunkPool {
    let config = PoolConfig { initial_size: 0, max_size: 1 << 20, chunk_size: 4096, ..PoolConfig::default() };
    ChunkPool::new(config).unwrap()
}

fn config() -> BatchConfig {
    BatchConfig { max_batch_items: 10, max_queue_items: 100, max_in_flight: 2, ..BatchConfig::default() }
}

fn push(handle: &BatchHandle, items: u32) {
    for _ in 0..items {
        handle.queue().push(GROUP, 1, b"record").unwrap();
    }
}

fn delivered(items: u64) -> Outcome {
    Outcome { delivered: items, ..Outcome::default() }
}

/// A worker over a mock service, not spawned: each step is the test's.
fn mocked(config: &BatchConfig) -> (task::Spawn<Worker<Mock>>, BatchHandle, Handle) {
    let (service, calls) = mock::pair();
    let (worker, handle) = Worker::new(config, &pool(), service).unwrap();
    (task::spawn(worker), handle, calls)
}

type Mock = mock::Mock<Batch, Outcome>;
type Handle = mock::Handle<Batch, Outcome>;

/// The next call of the mock, which must be there.
fn next_call(calls: &mut Handle) -> (Batch, mock::SendResponse<Outcome>) {
    let Poll::Ready(Some(call)) = poll_call(calls) else { panic!("the service was not called") };
    call
}

fn poll_call(calls: &mut Handle) -> Poll<Option<(Batch, mock::SendResponse<Outcome>)>> {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    pin!(calls.next_request()).poll(&mut cx)
}

/// A full batch is exported at once, and the rest when its delay is over.
// conf: BATCH-02, BATCH-03, BATCH-04
#[tokio::test(start_paused = true)]
async fn exports_when_full_or_when_due() {
    let batches = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&batches);
    let start = Instant::now();
    let service = service_fn(move |batch: Batch| {
        log.lock().unwrap().push((start.elapsed().as_secs(), batch.items()));
        async move { Ok::<_, Infallible>(delivered(batch.items())) }
    });
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    let worker = tokio::spawn(worker);
    push(&handle, 25);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(*batches.lock().unwrap(), [(0, 10), (0, 10)]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(*batches.lock().unwrap(), [(0, 10), (0, 10), (5, 5)]);
    // An idle worker starts the clock with the first record.
    push(&handle, 1);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(batches.lock().unwrap().last(), Some(&(11, 1)));
    let report = handle.close(None).await;
    assert!(report.complete && report.stats.is_balanced());
    assert_eq!(report.stats, worker.await.unwrap());
    assert_eq!((report.stats.delivered, report.stats.batches), (26, 4));
}

/// A producer wakes the worker for the first record and for a full batch, and for none between.
// conf: BATCH-02
#[tokio::test(start_paused = true)]
async fn is_woken_for_the_first_record_and_for_a_full_batch() {
    let (mut worker, handle, mut calls) = mocked(&config());
    calls.allow(1);
    assert_pending!(worker.poll());
    assert!(!worker.is_woken());
    push(&handle, 1);
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    for _ in 1..9 {
        push(&handle, 1);
        assert!(!worker.is_woken());
    }
    push(&handle, 1);
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    let (batch, reply) = next_call(&mut calls);
    assert_eq!(batch.items(), 10);
    reply.send_response(delivered(10));
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    assert_eq!(handle.stats().delivered, 10);
}

/// While the service is not ready, records stay in the queue, where they are bounded; then the worker goes on.
#[tokio::test(start_paused = true)]
async fn takes_nothing_before_the_service_is_ready() {
    let (mut worker, handle, mut calls) = mocked(&config());
    calls.allow(0);
    push(&handle, 100);
    assert_pending!(worker.poll());
    assert!(poll_call(&mut calls).is_pending());
    let stats = handle.stats();
    assert_eq!((stats.queued, stats.in_flight), (100, 0));
    assert_eq!(handle.queue().push(GROUP, 1, b"record"), Err(DropReason::QueueFull));
    calls.allow(1);
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    let stats = handle.stats();
    assert_eq!((stats.queued, stats.in_flight, stats.in_flight_batches), (90, 10, 1));
}

/// One call at a time when so configured.
// conf: BATCH-05
#[tokio::test(start_paused = true)]
async fn never_exceeds_its_calls_in_flight() {
    for limit in [1, 2] {
        let (mut worker, handle, mut calls) = mocked(&BatchConfig { max_in_flight: limit, ..config() });
        calls.allow(100);
        push(&handle, 40);
        assert_pending!(worker.poll());
        let mut replies: Vec<_> = (0..limit).map(|_| next_call(&mut calls).1).collect();
        assert!(poll_call(&mut calls).is_pending());
        replies.remove(0).send_response(delivered(10));
        assert_pending!(worker.poll());
        next_call(&mut calls);
        assert!(poll_call(&mut calls).is_pending());
    }
}

/// A flush sends what is queued in batches within the limits, and is answered with the last outcome; what came after
/// it is not waited for.
// conf: BATCH-10, BATCH-20, BATCH-21
#[tokio::test(start_paused = true)]
async fn a_flush_is_answered_when_everything_before_it_has_an_outcome() {
    let (mut worker, handle, mut calls) = mocked(&BatchConfig { max_in_flight: 8, ..config() });
    calls.allow(100);
    push(&handle, 10);
    assert_pending!(worker.poll());
    let (_, before) = next_call(&mut calls);
    push(&handle, 9);
    let mut flush = task::spawn(handle.flush(None));
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    let (batch, rest) = next_call(&mut calls);
    assert_eq!(batch.items(), 9);
    push(&handle, 10);
    assert_pending!(worker.poll());
    let (_, _after) = next_call(&mut calls);

    rest.send_response(delivered(9));
    assert_pending!(worker.poll());
    assert_pending!(flush.poll());
    before.send_response(Outcome { delivered: 7, rejected: 3, ..Outcome::default() });
    assert_pending!(worker.poll());
    assert!(flush.is_woken());
    let report = assert_ready!(flush.poll());
    assert!(report.complete);
    let stats = report.stats;
    assert_eq!((stats.delivered, stats.rejected, stats.in_flight), (16, 3, 10));
    assert!(stats.is_balanced());
}

/// At its deadline a flush tells what is pending, and drops nothing.
// conf: BATCH-11, BATCH-13
#[tokio::test(start_paused = true)]
async fn a_flush_keeps_its_deadline_and_drops_nothing() {
    let (service, mut calls) = mock::pair::<Batch, Outcome>();
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    tokio::spawn(worker);
    push(&handle, 15);
    calls.allow(100);
    let start = Instant::now();
    let report = handle.flush(Some(Duration::from_secs(3))).await;
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    assert!(!report.complete);
    assert_eq!((report.stats.pending(), report.stats.dropped.total()), (15, 0));
    for items in [10, 5] {
        calls.next_request().await.unwrap().1.send_response(delivered(items));
    }
    let report = handle.flush(Some(Duration::from_secs(3))).await;
    assert!(report.complete);
    assert_eq!(report.stats.delivered, 15);
    assert_eq!(start.elapsed(), Duration::from_secs(3), "an idle queue is flushed at once");
}

/// Two flushes at once are both answered.
// conf: BATCH-19
#[tokio::test(start_paused = true)]
async fn flushes_overlap() {
    let service = service_fn(|batch: Batch| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>(delivered(batch.items()))
    });
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    tokio::spawn(worker);
    push(&handle, 3);
    let one = handle.flush(None);
    push(&handle, 4);
    let other = handle.flush(None);
    let (one, other) = tokio::join!(one, other);
    assert!(one.complete && other.complete);
    assert!(one.stats.delivered >= 3);
    assert_eq!(other.stats.delivered, 7);
}

/// A close refuses what comes after it, drains what came before, and ends the worker.
// conf: BATCH-12
#[tokio::test(start_paused = true)]
async fn a_close_drains() {
    let (mut worker, handle, mut calls) = mocked(&config());
    calls.allow(100);
    push(&handle, 25);
    let mut close = task::spawn(handle.close(None));
    assert_eq!(handle.queue().push(GROUP, 1, b"late"), Err(DropReason::ShutDown));
    let mut flush = task::spawn(handle.flush(None));
    for items in [10, 10, 5] {
        assert_pending!(worker.poll());
        let (batch, reply) = next_call(&mut calls);
        assert_eq!(batch.items(), items);
        assert_pending!(close.poll());
        reply.send_response(delivered(items));
    }
    let stats = assert_ready!(worker.poll());
    let report = assert_ready!(close.poll());
    assert!(report.complete && assert_ready!(flush.poll()).complete);
    assert_eq!(report.stats, stats);
    assert_eq!((stats.delivered, stats.dropped.get(DropReason::ShutDown)), (25, 1));
    // Later orders are answered without a worker.
    drop(worker);
    assert!(handle.flush(None).await.complete);
    assert!(handle.close(Some(Duration::ZERO)).await.complete);
}

/// At a close's deadline, what is queued and in flight is dropped as `deadline`, the calls are cancelled, and all
/// memory comes back.
// conf: BATCH-13, BATCH-17
#[tokio::test(start_paused = true)]
async fn a_close_keeps_its_deadline() {
    let cancelled = Arc::new(());
    let guard = Arc::clone(&cancelled);
    let service = service_fn(move |batch: Batch| {
        let guard = Arc::clone(&guard);
        async move {
            let _held = (batch, guard);
            pending::<Result<Outcome, Infallible>>().await
        }
    });
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    let worker = tokio::spawn(worker);
    push(&handle, 45);
    let start = Instant::now();
    let (patient, hasty) =
        tokio::join!(handle.close(Some(Duration::from_secs(60))), handle.close(Some(Duration::from_secs(7))));
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    assert_eq!(patient, hasty);
    assert_eq!(patient.stats.dropped.get(DropReason::Deadline), 45);
    assert!(patient.complete && patient.stats.is_balanced());
    assert_eq!(worker.await.unwrap(), patient.stats);
    assert_eq!(Arc::strong_count(&cancelled), 1, "futures and service are gone");
    assert_eq!(handle.queue().pool().held_bytes(), 0);
}

/// Errors and panics, wherever they happen, cost one batch and end nothing.
// conf: BATCH-16, BATCH-23, BATCH-24
#[tokio::test(start_paused = true)]
async fn failures_and_panics_are_counted_and_survived() {
    /// Fails in a different place with each batch.
    struct Faulty(u32);
    impl tower::Service<Batch> for Faulty {
        type Response = Outcome;
        type Error = BoxError;
        type Future = std::pin::Pin<Box<dyn Future<Output = Result<Outcome, BoxError>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            match self.0 {
                0 => {
                    self.0 += 1;
                    panic!("in poll_ready")
                }
                1 => {
                    self.0 += 1;
                    Poll::Ready(Err("not ready".into()))
                }
                _ => Poll::Ready(Ok(())),
            }
        }

        fn call(&mut self, batch: Batch) -> Self::Future {
            self.0 += 1;
            match self.0 {
                3 => panic!("in call"),
                4 => Box::pin(async { panic!("in poll") }),
                5 => Box::pin(async {
                    let cause: BoxError = "connection refused".into();
                    Err(Undelivered::new(DropReason::RetriesExhausted, cause).into())
                }),
                6 => Box::pin(async { Err("who knows".into()) }),
                7 => Box::pin(async { Ok(Outcome::default()) }),
                _ => Box::pin(async move { Ok(delivered(batch.items())) }),
            }
        }
    }
    let (worker, handle) = Worker::new(&config(), &pool(), Faulty(0)).unwrap();
    let worker = tokio::spawn(worker);
    let expected = [
        (DropReason::LayerFailed, "a layer panicked: in poll_ready"),
        (DropReason::LayerFailed, "not ready"),
        (DropReason::LayerFailed, "a layer panicked: in call"),
        (DropReason::LayerFailed, "a layer panicked: in poll"),
        (DropReason::RetriesExhausted, "dropped (retries_exhausted): connection refused"),
        (DropReason::LayerFailed, "who knows"),
        (DropReason::LayerFailed, "a layer answered for 0 items of a batch of 3"),
    ];
    for (reason, text) in expected {
        let before = handle.stats();
        push(&handle, 3);
        let report = handle.flush(None).await;
        assert!(report.complete && report.stats.is_balanced());
        assert_eq!(report.stats.since(&before).dropped.get(reason), 3, "{text}");
        assert_eq!(report.last_error.as_deref(), Some(text));
    }
    push(&handle, 3);
    assert_eq!(handle.close(None).await.stats.delivered, 3);
    worker.await.unwrap();
}

/// A worker dropped with its runtime answers everybody and leaves nothing pending.
// conf: BATCH-13, BATCH-24
#[test]
fn a_dropped_worker_answers_and_counts() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let service = service_fn(|_batch: Batch| pending::<Result<Outcome, Infallible>>());
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    runtime.spawn(worker);
    push(&handle, 25);
    let flush = handle.flush(None);
    let close = handle.close(None);
    runtime.block_on(async {
        while handle.stats().in_flight == 0 {
            tokio::task::yield_now().await;
        }
    });
    drop(runtime);
    for reply in [flush, close, handle.flush(None), handle.close(None)] {
        let report = reply.wait(Duration::from_secs(600));
        assert_eq!((report.stats.dropped.get(DropReason::ShutDown), report.stats.pending()), (25, 0));
        assert!(report.complete && report.stats.is_balanced());
    }
    assert_eq!(handle.queue().push(GROUP, 1, b"late"), Err(DropReason::ShutDown));
    assert_eq!(handle.queue().pool().held_bytes(), 0);
}

/// A blocking wait works inside a runtime, and is bounded though the worker never runs.
// conf: BATCH-13
#[tokio::test]
async fn a_blocking_wait_is_bounded() {
    let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    push(&handle, 5);
    let report = handle.flush(None).wait(Duration::from_millis(5));
    assert!(!report.complete);
    assert_eq!(report.stats.pending(), 5);
    drop(worker);
}

/// A plain thread waits for a flush without any runtime of its own.
#[test]
fn a_plain_thread_flushes() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    runtime.spawn(worker);
    push(&handle, 5);
    let report = handle.flush(None).wait(Duration::from_secs(600));
    assert!(report.complete);
    assert_eq!(report.stats.delivered, 5);
}

/// Producers on real threads, a worker on another, and flushes in between: no wake-up is missed, or a flush would
/// not be answered.
// conf: BATCH-10, BATCH-19, BATCH-20
#[test]
fn flushes_from_plain_threads_race_with_producers() {
    const ROUNDS: u64 = 300;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let service = service_fn(|batch: Batch| async move {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(delivered(batch.items()))
    });
    let config = BatchConfig { max_queue_items: 1 << 20, shards: 2.try_into().ok(), ..config() };
    let pool = ChunkPool::new(PoolConfig::default()).unwrap();
    let (worker, handle) = Worker::new(&config, &pool, service).unwrap();
    let worker = runtime.spawn(worker);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    push(&handle, 7);
                    let report = handle.flush(None).wait(Duration::from_secs(600));
                    assert!(report.complete && report.stats.is_balanced());
                    assert!(report.stats.delivered >= 7 * round);
                }
            });
        }
    });
    let report = handle.close(None).wait(Duration::from_secs(600));
    assert_eq!((report.stats.delivered, report.stats.accepted), (21 * ROUNDS, 21 * ROUNDS));
    assert_eq!(runtime.block_on(worker).unwrap(), report.stats);
}

/// With the size strategy, a queue whose memory is used up is as full as it gets: it is sent, and does not stall.
#[tokio::test(start_paused = true)]
async fn a_queue_short_of_memory_is_sent_whatever_the_strategy() {
    let pool = ChunkPool::new(PoolConfig {
        max_size: 4096,
        chunk_size: 4096,
        initial_size: 0,
        ..Default::default()
    });
    let config = BatchConfig {
        strategy: Strategy::Size,
        max_batch_items: 1000,
        max_queue_items: 1000,
        ..BatchConfig::default()
    };
    let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
    let (worker, handle) = Worker::new(&config, &pool.unwrap(), service).unwrap();
    tokio::spawn(worker);
    for _ in 0..100 {
        while handle.queue().push(GROUP, 1, &[0; 1000]).is_ok() {}
        tokio::task::yield_now().await;
    }
    assert!(handle.stats().delivered > 100, "{:?}", handle.stats());
}

/// Handles outlive the workers; the memory does not. It is gone when the last close is answered.
// conf: BATCH-12
#[tokio::test(start_paused = true)]
async fn closing_the_last_queue_gives_all_memory_back() {
    let pool = ChunkPool::new(PoolConfig::default()).unwrap();
    let started = || {
        let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
        let (worker, handle) = Worker::new(&config(), &pool, service).unwrap();
        // Kept, though it has ended.
        (task::spawn(worker), handle)
    };
    let (mut one, traces) = started();
    let (mut other, logs) = started();
    push(&traces, 25);
    push(&logs, 5);
    let close = traces.close(None);
    assert_ready!(one.poll());
    assert_eq!(close.await.stats.delivered, 25);
    assert!(pool.idle_bytes() > 0, "the other queue may need it");
    let close = logs.close(None);
    assert_ready!(other.poll());
    assert_eq!(close.await.stats.delivered, 5);
    assert_eq!((pool.idle_bytes(), pool.held_bytes()), (0, 0));
    drop((one, other));
    assert_eq!((pool.idle_bytes(), pool.held_bytes()), (0, 0));
}

/// Told by the producer that took one of the last idle chunks, though the batch is far from full.
#[tokio::test(start_paused = true)]
async fn memory_is_ready_before_producers_need_it() {
    let pool = pool();
    let service = service_fn(async |batch: Batch| {
        pending::<()>().await;
        Ok::<_, Infallible>(delivered(batch.items()))
    });
    let config = BatchConfig { max_batch_items: 1_000, max_queue_items: 1_000, ..config() };
    let (worker, handle) = Worker::new(&config, &pool, service).unwrap();
    let mut worker = task::spawn(worker);
    assert_pending!(worker.poll());
    assert_eq!(pool.idle_bytes(), 0, "nobody has needed any");
    push(&handle, 1);
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    assert_eq!(pool.idle_bytes(), 16 * 4096);
    let push = |records: usize| {
        (0..records).for_each(|_| handle.queue().push(GROUP, 1, &[0; 4000]).unwrap());
    };
    // The first goes beside what is there.
    push(13);
    assert_eq!((pool.idle_bytes(), worker.is_woken()), (4 * 4096, false));
    push(1);
    assert_eq!((pool.idle_bytes(), worker.is_woken()), (3 * 4096, true));
    // It is no faster than its interval, but does not forget.
    push(2);
    assert_pending!(worker.poll());
    assert_eq!(pool.idle_bytes(), 4096);
    tokio::time::advance(Duration::from_millis(50)).await;
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    assert_eq!(pool.idle_bytes(), 16 * 4096);
}

/// After a burst, the worker gives idle memory back down to the initial size, and then sleeps.
#[tokio::test(start_paused = true)]
async fn idle_memory_is_given_back() {
    let pool = ChunkPool::new(PoolConfig {
        initial_size: 8 * 4096,
        max_size: 64 * 4096,
        chunk_size: 4096,
        ..PoolConfig::default()
    })
    .unwrap();
    let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
    let (worker, handle) = Worker::new(&config(), &pool, service).unwrap();
    let mut worker = task::spawn(worker);
    for _ in 0..100 {
        handle.queue().push(GROUP, 1, &[0; 2000]).unwrap();
    }
    assert_eq!(pool.held_bytes(), 50 * 4096);
    for _ in 0..20 {
        assert_pending!(worker.poll());
        assert!(pool.held_bytes() <= 64 * 4096);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(handle.stats().delivered, 100);
    assert_eq!(pool.held_bytes(), 8 * 4096);
    assert_pending!(worker.poll());
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert!(!worker.is_woken(), "nothing to do");
}
