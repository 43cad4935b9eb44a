//! The layer in a stack built by hand.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use otlp_batch::{Batch, BatchConfig, BatchLayer, BatchService, ChunkPool, OverflowPolicy, PoolConfig, pair};
use otlp_model::{DropReason, GroupId, Outcome, Record, Records};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready_eq, assert_ready_err, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

fn pool() -> ChunkPool {
    ChunkPool::new(PoolConfig::default()).unwrap()
}

fn record(items: u32) -> Record {
    Record { group: GroupId(0), items, bytes: Bytes::from_static(b"record") }
}

async fn deliver(batch: Batch) -> Result<Outcome, Infallible> {
    Ok(Outcome { delivered: batch.items(), ..Outcome::default() })
}

fn blocking(timeout: Duration) -> BatchConfig {
    BatchConfig {
        max_batch_items: 10,
        max_queue_items: 10,
        overflow: OverflowPolicy::Block { timeout },
        ..BatchConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn records_in_at_the_top_become_batches_at_the_bottom() {
    let mut service = ServiceBuilder::new()
        .layer(
            BatchLayer::new(BatchConfig { max_batch_items: 10, ..BatchConfig::default() }, pool()).unwrap(),
        )
        .concurrency_limit(1)
        .service_fn(deliver);
    for _ in 0..25 {
        service.ready().await.unwrap().call(record(1)).await.unwrap();
    }
    service.queue().push(GroupId(1), 2, b"pushed").unwrap();
    let report = service.handle().close(None).await;
    assert_eq!((report.stats.delivered, report.stats.accepted), (27, 27));
    assert!(report.stats.batches >= 3);
    let refused = service.ready().await.unwrap_err();
    assert_eq!(refused.reason(), DropReason::ShutDown);
    assert_eq!(refused.to_string(), "the record was dropped before it was queued: shut_down");
    assert_eq!(service.call(record(1)).await.unwrap_err().reason(), DropReason::ShutDown);
    assert!(service.handle().stats().is_balanced());
}

#[test]
fn a_layer_outside_a_runtime_is_an_error_not_a_panic() {
    let error = BatchLayer::new(BatchConfig::default(), pool()).unwrap_err();
    assert_eq!(error.field(), "runtime");
}

#[tokio::test]
async fn options_are_checked_when_the_layer_is_made() {
    let bad = BatchConfig { max_in_flight: 0, ..BatchConfig::default() };
    assert_eq!(BatchLayer::new(bad.clone(), pool()).unwrap_err().field(), "max_in_flight");
    assert_eq!(pair(&bad, &pool(), service_fn(deliver)).unwrap_err().field(), "max_in_flight");
}

/// The record is queued by the call; a response that nobody polls loses nothing.
#[tokio::test]
async fn the_call_queues_the_record() {
    let (mut service, _worker) = pair(&BatchConfig::default(), &pool(), service_fn(deliver)).unwrap();
    drop(service.call(record(3)));
    assert_eq!(service.handle().stats().queued, 3);
}

/// Under the blocking policy the future waits, not the thread, and the record gets in when there is room.
#[tokio::test(start_paused = true)]
async fn a_response_waits_for_room() {
    let (mut service, worker) =
        pair(&blocking(Duration::from_secs(60)), &pool(), service_fn(deliver)).unwrap();
    let mut worker = task::spawn(worker);
    service.call(record(10)).await.unwrap();
    let mut response = task::spawn(service.call(record(1)));
    assert_pending!(response.poll());
    assert_pending!(response.poll());
    assert!(!response.is_woken());
    assert_pending!(worker.poll());
    assert!(response.is_woken());
    assert_ready_eq!(response.poll(), Ok(()));
    let stats = service.handle().stats();
    assert_eq!((stats.accepted, stats.delivered, stats.queued), (11, 10, 1));
}

#[tokio::test(start_paused = true)]
async fn a_response_waits_no_longer_than_the_timeout() {
    let (mut service, _worker) =
        pair(&blocking(Duration::from_secs(7)), &pool(), service_fn(deliver)).unwrap();
    service.call(record(10)).await.unwrap();
    let start = Instant::now();
    assert_eq!(service.call(record(2)).await.unwrap_err().reason(), DropReason::QueueFull);
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    let stats = service.handle().stats();
    assert_eq!((stats.accepted, stats.dropped.get(DropReason::QueueFull)), (12, 2));
    assert!(stats.is_balanced());
}

/// The application's executor need not be tokio's.
#[test]
fn a_response_may_wait_outside_the_runtime() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut service = {
        let _inside = runtime.enter();
        BatchLayer::new(blocking(Duration::from_secs(7)), pool()).unwrap().layer(service_fn(deliver))
    };
    assert_ready_eq!(task::spawn(service.call(record(10))).poll(), Ok(()));
    let mut response = task::spawn(service.call(record(1)));
    assert_pending!(response.poll());
    runtime.block_on(tokio::task::yield_now());
    assert!(response.is_woken());
    assert_ready_eq!(response.poll(), Ok(()));
}

/// Where there is no clock there is no waiting, and no panic either.
#[test]
fn a_response_without_a_runtime_is_refused() {
    let (mut service, _worker) =
        pair(&blocking(Duration::from_secs(7)), &pool(), service_fn(deliver)).unwrap();
    assert_ready_eq!(task::spawn(service.call(record(10))).poll(), Ok(()));
    let refused = assert_ready_err!(task::spawn(service.call(record(1))).poll());
    assert_eq!(refused.reason(), DropReason::QueueFull);
    let stats = service.handle().stats();
    assert_eq!(stats.dropped.get(DropReason::QueueFull), 1);
    assert!(stats.is_balanced());
}

/// What is given up is not woken later, and nothing of it stays.
#[tokio::test]
async fn a_response_that_is_given_up_keeps_no_task() {
    struct Task;
    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }
    let (mut service, _worker) =
        pair(&blocking(Duration::from_secs(60)), &pool(), service_fn(deliver)).unwrap();
    service.call(record(10)).await.unwrap();
    for _ in 0..3 {
        let (one, other) = (Arc::new(Task), Arc::new(Task));
        let mut response = Box::pin(service.call(record(1)));
        for task in [&one, &one, &other] {
            let waker = Waker::from(Arc::clone(task));
            assert_pending!(response.as_mut().poll(&mut Context::from_waker(&waker)));
        }
        assert_eq!(Arc::strong_count(&one), 1, "it is another's now");
        drop(response);
        assert_eq!(Arc::strong_count(&other), 1);
    }
}

/// Giving up on a response counts its record, and a close ends the wait.
#[tokio::test(start_paused = true)]
async fn a_response_that_waits_ends_in_the_books() {
    let (mut service, _worker) =
        pair(&blocking(Duration::from_secs(60)), &pool(), service_fn(deliver)).unwrap();
    service.call(record(10)).await.unwrap();
    let mut given_up = task::spawn(service.call(record(2)));
    assert_pending!(given_up.poll());
    drop(given_up);
    assert_eq!(service.handle().stats().dropped.get(DropReason::QueueFull), 2);

    let mut closed = task::spawn(service.call(record(3)));
    assert_pending!(closed.poll());
    drop(service.handle().close(None));
    assert!(closed.is_woken());
    assert_eq!(assert_ready_err!(closed.poll()).reason(), DropReason::ShutDown);
    let stats = service.handle().stats();
    assert_eq!((stats.dropped.get(DropReason::ShutDown), stats.accepted), (3, 15));
    assert!(stats.is_balanced());
}

/// What a stack of services needs of its parts.
#[test]
fn parts_can_be_shared_and_sent() {
    // conf: CONC-04
    fn shared<T: Clone + Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<BatchLayer>();
    shared::<BatchService>();
    shared::<otlp_batch::Queue>();
    shared::<otlp_batch::BatchHandle>();
    shared::<ChunkPool>();
    sent::<Batch>();
    sent::<otlp_batch::Ticket>();
    sent::<otlp_batch::Reply>();
    sent::<otlp_batch::ResponseFuture>();
}
