//! How a worker ends: by a close, at its deadline, or with its runtime.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use otlp_batch::{Batch, Worker};
use otlp_model::{DropReason, Outcome, Records};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, task};
use tower::service_fn;

use super::{GROUP, config, delivered, mocked, next_call, pool, push};

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
