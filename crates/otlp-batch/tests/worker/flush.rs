//! What a flush waits for, and when it is answered.

use std::convert::Infallible;
use std::time::Duration;

use otlp_batch::{Batch, BatchConfig, Worker};
use otlp_model::{Outcome, Records};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, task};
use tower::service_fn;
use tower_test::mock;

use super::{config, delivered, mocked, next_call, pool, push};

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

/// While the service is not ready, flushes use no more memory than the records do.
// conf: BATCH-10, BATCH-20
#[tokio::test(start_paused = true)]
async fn flushes_during_an_outage_leave_the_memory_for_records() {
    let (mut worker, handle, mut calls) =
        mocked(&BatchConfig { max_batch_items: 500, max_queue_items: 2_000, ..config() });
    calls.allow(0);
    let flushes: Vec<_> = (0..1_000)
        .map(|_| {
            push(&handle, 1);
            let flush = handle.flush(None);
            assert_pending!(worker.poll());
            flush
        })
        .collect();
    let used = handle.queue().pool().held_bytes() - handle.queue().pool().idle_bytes();
    assert!(used <= 8 * 4096, "{used} bytes for 1,000 records of 6 and their headers of 12");
    calls.allow(2);
    assert_pending!(worker.poll());
    for _ in 0..2 {
        let (batch, answer) = next_call(&mut calls);
        assert_eq!(batch.items(), 500);
        drop(batch);
        answer.send_response(delivered(500));
    }
    assert_pending!(worker.poll());
    for (before, flush) in (0..).zip(flushes) {
        let report = assert_ready!(task::spawn(flush).poll());
        assert!(report.complete && report.stats.is_balanced());
        assert!(report.stats.delivered > before);
    }
    assert_eq!(handle.stats().delivered, 1_000);
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
