//! When the worker exports, and how much at once.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otlp_batch::{Batch, BatchConfig, Worker};
use otlp_model::{DropReason, Records};
use tokio::time::Instant;
use tokio_test::assert_pending;
use tower::service_fn;

use super::{GROUP, config, delivered, mocked, next_call, poll_call, pool, push};

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
