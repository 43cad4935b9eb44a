//! The limit on one attempt.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{AttemptTimeoutLayer, BoxError, Disposition, ErrorType, TimeoutError, classify};
use std::sync::Arc;
use std::time::Duration;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{Service, ServiceBuilder};
use tower_test::mock;

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"x"))
}

type Mock = mock::Spawn<otlp_transport::AttemptTimeout<mock::Mock<ExportRequest, ExportResponse>>>;
type Handle = mock::Handle<ExportRequest, ExportResponse>;

fn stack(limit: Duration) -> (Mock, Handle) {
    mock::spawn_layer(AttemptTimeoutLayer::new(limit))
}

#[tokio::test(start_paused = true)]
async fn a_hung_attempt_becomes_a_retryable_error() {
    // conf: TIME-02, RETRY-15
    let (mut service, mut handle) = stack(Duration::from_secs(30));
    assert_ready_ok!(service.poll_ready());
    let mut attempt = task::spawn(service.call(request()));
    assert_pending!(attempt.poll());
    let _unanswered = handle.next_request().await.unwrap();

    tokio::time::advance(Duration::from_millis(29_999)).await;
    assert_pending!(attempt.poll());
    tokio::time::advance(Duration::from_millis(1)).await;
    let error: BoxError = assert_ready_err!(attempt.poll());

    assert_eq!(error.to_string(), "request timeout after 30s");
    assert_eq!(error.downcast_ref::<TimeoutError>().unwrap().limit(), Duration::from_secs(30));
    let timeout = Disposition::Retryable { error_type: ErrorType::Timeout, after: None };
    assert_eq!(classify(&Err(error)), timeout);
}

#[tokio::test(start_paused = true)]
async fn a_hung_attempt_is_cancelled() {
    let held = Arc::new(());
    let token = Arc::clone(&held);
    let mut service = ServiceBuilder::new()
        .layer(AttemptTimeoutLayer::new(Duration::from_secs(1)))
        .service_fn(move |_: ExportRequest| {
            let token = Arc::clone(&token);
            async move {
                std::future::pending::<()>().await;
                drop(token);
                Ok::<_, BoxError>(ExportResponse::success())
            }
        });
    let attempt = service.call(request());
    assert_eq!(Arc::strong_count(&held), 3);
    attempt.await.unwrap_err();
    assert_eq!(Arc::strong_count(&held), 2);
}

#[tokio::test(start_paused = true)]
async fn the_limit_counts_from_the_call_to_the_whole_answer() {
    // conf: TIME-03
    let (mut service, mut handle) = stack(Duration::from_secs(1));
    assert_ready_ok!(service.poll_ready());
    let mut attempt = task::spawn(service.call(request()));
    assert_pending!(attempt.poll());
    tokio::time::advance(Duration::from_millis(999)).await;
    handle.next_request().await.unwrap().1.send_response(ExportResponse::success());
    assert_eq!(assert_ready_ok!(attempt.poll()), ExportResponse::success());
}

#[tokio::test(start_paused = true)]
async fn zero_is_no_limit() {
    // conf: ENV-09
    let (mut service, mut handle) = stack(Duration::ZERO);
    assert_ready_ok!(service.poll_ready());
    let mut attempt = task::spawn(service.call(request()));
    assert_pending!(attempt.poll());
    tokio::time::advance(Duration::from_secs(1_000_000)).await;
    assert_pending!(attempt.poll());
    handle.next_request().await.unwrap().1.send_response(ExportResponse::success());
    assert_ready_ok!(attempt.poll());
}

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let (mut service, mut handle) = stack(Duration::from_secs(1));
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
}
