//! The adaptive concurrency layer: permits are kept, given back and never lost, whatever becomes of attempts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    AdaptiveConcurrencyLayer, AttemptTimeoutLayer, BoxError, ConnectError, Endpoint, GrpcCode, GrpcError,
    HttpError, RetryLayer, RetryPolicy,
};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, b"x".as_slice())
}

#[tokio::test(start_paused = true)]
async fn readiness_keeps_a_permit_and_dropping_gives_it_back() {
    // conf: CONC-02
    let (mock, mut handle) = mock::pair::<ExportRequest, ExportResponse>();
    let stack = AdaptiveConcurrencyLayer::new(1).layer(mock);
    let mut ready = stack.clone();
    ready.ready().await.unwrap();

    let mut other = stack.clone();
    let mut waiting = task::spawn(other.ready());
    assert_pending!(waiting.poll());
    // A service that is ready and never called.
    drop(ready);
    assert!(waiting.is_woken());
    let mut attempt = task::spawn(assert_ready_ok!(waiting.poll()).call(request()));
    assert_pending!(attempt.poll());
    handle.next_request().await.unwrap();

    let mut third = stack.clone();
    let mut waiting = task::spawn(third.ready());
    assert_pending!(waiting.poll());
    // An attempt that is cancelled, and a wait that is.
    drop(attempt);
    drop(waiting);
    drop(third);
    let mut last = stack;
    assert_ready!(task::spawn(last.ready()).poll()).unwrap();
}

/// A service whose batch was given up meanwhile, while another's attempt is to be repeated.
#[tokio::test]
async fn who_no_longer_waits_keeps_nobody_from_a_permit() {
    // conf: CONC-02
    let stack = AdaptiveConcurrencyLayer::new(1)
        .layer(tower::service_fn(|_| async { Ok::<_, BoxError>(ExportResponse::success()) }));
    let mut ready = stack.clone();
    ready.ready().await.unwrap();
    let mut gone = stack.clone();
    assert_pending!(task::spawn(gone.ready()).poll().map(|ready| ready.map(drop)));
    let mut other = stack.clone();
    let mut waiting = task::spawn(other.ready());
    assert_pending!(waiting.poll().map(|ready| ready.map(drop)));
    ready.call(request()).await.unwrap();
    assert!(waiting.is_woken());
    assert_ready_ok!(waiting.poll()).call(request()).await.unwrap();
    assert_ready!(task::spawn(gone.ready()).poll()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn push_back_of_every_kind_shrinks_the_limit_and_other_failures_do_not() {
    // conf: RETRY-08
    let answers: [(fn() -> BoxError, usize); 8] = [
        (|| HttpError::new(429).into(), 1),
        (|| HttpError::new(503).into(), 1),
        (|| GrpcError::new(GrpcCode::Unavailable, "").into(), 1),
        (|| GrpcError::new(GrpcCode::ResourceExhausted, "").into(), 1),
        (|| HttpError::new(400).into(), 10),
        (|| HttpError::new(413).into(), 10),
        (
            || {
                ConnectError::new(Endpoint::default_grpc(), io::Error::from(io::ErrorKind::ConnectionRefused))
                    .into()
            },
            10,
        ),
        (|| "a layer's".into(), 10),
    ];
    for (answer, expected) in answers {
        let stack = AdaptiveConcurrencyLayer::new(10)
            .layer(tower::service_fn(move |_| async move { Err::<ExportResponse, _>(answer()) }));
        for _ in 0..60 {
            stack.clone().oneshot(request()).await.unwrap_err();
        }
        assert_eq!(stack.limit(), expected, "{}", answer());
    }
    let hung = tower::service_fn(|_| std::future::pending::<Result<ExportResponse, BoxError>>());
    let stack =
        AdaptiveConcurrencyLayer::new(10).layer(AttemptTimeoutLayer::new(Duration::from_secs(1)).layer(hung));
    for _ in 0..3 {
        stack.clone().oneshot(request()).await.unwrap_err();
    }
    assert!(stack.limit() < 10);
}

/// An attempt that is there, until it ends or is cancelled.
struct There(Arc<AtomicUsize>);

impl There {
    fn new(under_way: &Arc<AtomicUsize>) -> Self {
        under_way.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(under_way))
    }
}

impl Drop for There {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_are_under_way_and_no_permit_is_lost_on_the_way() {
    // conf: CONC-02, CONC-03
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = {
        let most = Arc::clone(&most);
        tower::service_fn(move |_: ExportRequest| {
            let (under_way, most) = (Arc::clone(&under_way), Arc::clone(&most));
            async move {
                let there = There::new(&under_way);
                let now = there.0.load(Ordering::SeqCst);
                most.fetch_max(now, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(fastrand::u64(1..30))).await;
                drop(there);
                if now > 5 {
                    Err::<_, BoxError>(HttpError::new(503).into())
                } else {
                    Ok(ExportResponse::success())
                }
            }
        })
    };
    let stack = AdaptiveConcurrencyLayer::with_initial(12, 12).layer(server);
    let retry = RetryLayer::new(RetryPolicy::default()).layer(stack.clone());
    let mut exports = JoinSet::new();
    for number in 0..400 {
        let export = exports.spawn(retry.clone().oneshot(request()));
        if number % 7 == 0 {
            tokio::time::sleep(Duration::from_millis(3)).await;
            export.abort();
        }
    }
    while let Some(result) = exports.join_next().await {
        if let Ok(result) = result {
            result.unwrap();
        }
    }
    assert!(most.load(Ordering::SeqCst) <= 12);
    // Every permit there is can be had at once.
    let mut services: Vec<_> = (0..stack.limit()).map(|_| stack.clone()).collect();
    for service in &mut services {
        assert_ready!(task::spawn(service.ready()).poll()).unwrap();
    }
    assert_pending!(task::spawn(stack.clone().ready()).poll().map(|ready| ready.map(drop)));
}

#[tokio::test]
async fn any_ceiling_is_fine() {
    let server = tower::service_fn(|_| async { Ok::<_, BoxError>(ExportResponse::success()) });
    for ceiling in [0, 1, usize::MAX] {
        let stack = AdaptiveConcurrencyLayer::new(ceiling).layer(server);
        assert!(stack.limit() >= 1);
        stack.oneshot(request()).await.unwrap();
    }
}
