//! Batches that go past the queue: each is answered for alone, and the books know them.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use otlp_batch::{Batch, BatchConfig, BatchHandle, ChunkPool, PoolConfig, Worker};
use otlp_model::{DropReason, EncodedRecords, GroupId, Outcome, Records, Undelivered};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_test::{assert_pending, task};
use tower::service_fn;

const MINUTE: Duration = Duration::from_secs(60);

/// A call of the service, which answers what it is told.
type Call = (Batch, oneshot::Sender<Outcome>);

fn batch(items: u32) -> Batch {
    let mut records = EncodedRecords::new();
    records.push(GroupId(0), items, b"\x12\x00");
    records.into()
}

fn pool(max_size: usize) -> ChunkPool {
    ChunkPool::new(PoolConfig { initial_size: 0, chunk_size: 1024, max_size, ..PoolConfig::default() })
        .unwrap()
}

/// A worker over a service whose calls come out here; at most one at a time.
fn scripted(pool: &ChunkPool) -> (BatchHandle, mpsc::UnboundedReceiver<Call>) {
    let (calls, receiver) = mpsc::unbounded_channel();
    let service = service_fn(move |batch: Batch| {
        let calls = calls.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            calls.send((batch, answer)).unwrap();
            answered.await.map_err(|_| Undelivered::new(DropReason::NotRetryable, "no"))
        }
    });
    let config = BatchConfig { max_in_flight: 1, max_delay: MINUTE, ..BatchConfig::default() };
    let (worker, handle) = Worker::new(&config, pool, service).unwrap();
    tokio::spawn(worker);
    (handle, receiver)
}

#[tokio::test(start_paused = true)]
async fn each_batch_has_an_outcome_of_its_own() {
    // conf: DEC-20
    let service = service_fn(|batch: Batch| async move {
        let items = batch.items();
        if items == 2 {
            return Err(Undelivered::new(DropReason::NotRetryable, "two is refused"));
        }
        Ok(Outcome { delivered: items - 1, rejected: 1, ..Outcome::default() })
    });
    let (worker, handle) = Worker::new(&BatchConfig::default(), &pool(1 << 20), service).unwrap();
    tokio::spawn(worker);
    let (one, two) = (handle.send(batch(5), None), handle.send(batch(2), None));
    assert_eq!(two.await, Outcome::lost(DropReason::NotRetryable, 2));
    assert_eq!(one.await, Outcome { delivered: 4, rejected: 1, ..Outcome::default() });
    let report = handle.close(None).await;
    assert_eq!((report.stats.accepted, report.stats.delivered, report.stats.rejected), (7, 4, 1));
    assert!(report.stats.is_balanced() && report.last_error.unwrap().contains("two is refused"));
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_what_was_sent_before_it_and_no_longer() {
    // conf: BATCH-10, BATCH-20
    let (handle, mut calls) = scripted(&pool(1 << 20));
    let first = handle.send(batch(1), None);
    let mut flush = task::spawn(handle.flush(Some(MINUTE)));
    let second = handle.send(batch(1), None);
    let (_, answer) = calls.recv().await.unwrap();
    assert_pending!(flush.poll());
    answer.send(Outcome { delivered: 1, ..Outcome::default() }).unwrap();
    let report = flush.await;
    assert!(report.complete);
    assert_eq!((report.stats.delivered, report.stats.in_flight), (1, 1));
    assert_eq!(first.await.delivered, 1);
    let (_, answer) = calls.recv().await.unwrap();
    let close = handle.close(Some(MINUTE));
    answer.send(Outcome { delivered: 1, ..Outcome::default() }).unwrap();
    assert_eq!((second.await.delivered, close.await.stats.delivered), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_in_flight_and_while_waiting() {
    // conf: TIME-04
    let pool = pool(1 << 20);
    let (handle, mut calls) = scripted(&pool);
    let running = handle.send(batch(1), Some(MINUTE));
    let waiting = handle.send(batch(2), Some(MINUTE / 2));
    let (_, mut answer) = calls.recv().await.unwrap();
    assert_eq!(waiting.await, Outcome::lost(DropReason::Deadline, 2));
    assert!(pool.held_bytes() > 0);
    assert_eq!(running.await, Outcome::lost(DropReason::Deadline, 1));
    answer.closed().await;
    assert_eq!(pool.held_bytes(), 0);
    let stats = handle.stats();
    assert!(stats.is_balanced() && stats.pending() == 0);
}

#[tokio::test(start_paused = true)]
async fn a_batch_without_room_or_after_the_end_is_refused_and_counted() {
    // conf: BATCH-12
    let pool = pool(2048);
    let (handle, mut calls) = scripted(&pool);
    let mut large = EncodedRecords::new();
    large.push(GroupId(0), 1, &[0; 2048]);
    let first = handle.send(large.clone().into(), None);
    assert_eq!(handle.send(large.into(), None).await, Outcome::lost(DropReason::QueueFull, 1));
    let (_, answer) = calls.recv().await.unwrap();
    let close = handle.close(Some(MINUTE));
    assert_eq!(handle.send(batch(3), None).await, Outcome::lost(DropReason::ShutDown, 3));
    answer.send(Outcome { delivered: 1, ..Outcome::default() }).unwrap();
    assert_eq!(first.await.delivered, 1);
    let stats = close.await.stats;
    assert!(stats.is_balanced());
    assert_eq!((stats.accepted, stats.delivered, stats.dropped.total()), (5, 1, 4));
    assert_eq!(handle.send(batch(1), None).await, Outcome::lost(DropReason::ShutDown, 1));
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_dropped_answers() {
    let service = service_fn(|_: Batch| std::future::pending::<Result<Outcome, Infallible>>());
    let (worker, handle) = Worker::new(&BatchConfig::default(), &pool(1 << 20), service).unwrap();
    let unread = handle.send(batch(1), None);
    let worker = tokio::spawn(worker);
    tokio::task::yield_now().await;
    let late = handle.send(batch(1), None);
    worker.abort();
    assert_eq!(unread.await, Outcome::lost(DropReason::ShutDown, 1));
    assert_eq!(late.await, Outcome::lost(DropReason::ShutDown, 1));
    assert!(handle.stats().is_balanced() && handle.stats().pending() == 0);
}
