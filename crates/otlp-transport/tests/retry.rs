//! The retry layer on paused time: when it sends, when it waits, and how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use otlp_model::{Body, DropReason, ExportRequest, ExportResponse, Signal, Undelivered};
use otlp_transport::{
    AttemptTimeoutLayer, BoxError, ExportFuture, GaveUp, GrpcCode, GrpcError, HttpError, Pause, Retry,
    RetryLayer, RetryPolicy, RetryPolicyBuilder, Shutdown, shutdown,
};
use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_test::mock;

const SECOND: Duration = Duration::from_secs(1);

/// One scripted answer; with the script at its end, every attempt hangs.
enum Answer {
    Status(u16),
    After(u16, Duration),
    Rejected(u64),
    Error(BoxError),
    Hang,
}

use Answer::{After, Hang, Rejected, Status};

/// The inner service: answers by script and writes down when it was asked for what.
#[derive(Clone)]
struct Server(Arc<Mutex<Script>>);

struct Script {
    answers: VecDeque<Answer>,
    attempts: Vec<(Instant, ExportRequest)>,
    started: Instant,
}

impl Server {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script =
            Script { answers: answers.into_iter().collect(), attempts: Vec::new(), started: Instant::now() };
        Self(Arc::new(Mutex::new(script)))
    }

    /// The times of the attempts since the server was made.
    fn attempts(&self) -> Vec<Duration> {
        let script = self.0.lock().unwrap();
        script.attempts.iter().map(|(at, _)| at.duration_since(script.started)).collect()
    }

    fn requests(&self) -> Vec<ExportRequest> {
        self.0.lock().unwrap().attempts.iter().map(|(_, request)| request.clone()).collect()
    }
}

impl Service<ExportRequest> for Server {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let mut script = self.0.lock().unwrap();
        script.attempts.push((Instant::now(), request));
        let answer = script.answers.pop_front().unwrap_or(Hang);
        ExportFuture::new(async move {
            match answer {
                Status(200) => Ok(ExportResponse::success()),
                Status(status) => Err(HttpError::new(status).into()),
                After(status, wait) => Err(HttpError::new(status).with_retry_after(Some(wait)).into()),
                Rejected(rejected) => Ok(ExportResponse { rejected, message: None }),
                Answer::Error(error) => Err(error),
                Hang => std::future::pending().await,
            }
        })
    }
}

/// Without jitter, so that every time is exact.
fn exact() -> RetryPolicyBuilder {
    RetryPolicy::builder().randomization_factor(0.0)
}

fn stack(policy: RetryPolicyBuilder, shutdown: Shutdown, server: &Server) -> Retry<Server> {
    RetryLayer::new(policy.build().unwrap()).with_shutdown(shutdown).layer(server.clone())
}

fn request() -> ExportRequest {
    let slices = [&b"the very "[..], b"same bytes"].map(Bytes::from_static);
    ExportRequest::new(Signal::Traces, 2, slices.into_iter().collect::<Body>())
}

async fn export(policy: RetryPolicyBuilder, server: &Server) -> Result<ExportResponse, BoxError> {
    stack(policy, Shutdown::never(), server).oneshot(request()).await
}

/// The reason and the account of a failed export.
fn lost(error: &BoxError) -> (DropReason, &GaveUp) {
    let undelivered = error.downcast_ref::<Undelivered>().unwrap();
    (undelivered.reason(), undelivered.source().unwrap().downcast_ref().unwrap())
}

fn millis(millis: &[u64]) -> Vec<Duration> {
    millis.iter().copied().map(Duration::from_millis).collect()
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_retried_with_growing_waits_and_the_same_bytes() {
    // conf: RETRY-01, RETRY-02
    let aborted = || Answer::Error(GrpcError::new(GrpcCode::Aborted, "").into());
    let server = Server::new([Status(503), aborted(), Status(429), Status(200)]);
    assert_eq!(export(exact(), &server).await.unwrap(), ExportResponse::success());
    assert_eq!(server.attempts(), millis(&[0, 500, 1250, 2375]));
    let requests = server.requests();
    let slices = |sent: &ExportRequest| -> Vec<_> {
        sent.body().slices().iter().map(|slice| (slice.as_ptr(), slice.len())).collect()
    };
    assert_eq!(slices(&requests[0]).len(), 2);
    assert!(requests.iter().all(|sent| slices(sent) == slices(&requests[0])), "and not copied");
}

#[tokio::test(start_paused = true)]
async fn waits_are_jittered_and_two_clients_do_not_stay_in_step() {
    // conf: RETRY-01, RETRY-20
    fastrand::seed(7);
    let mut schedules = Vec::new();
    for _client in 0..2 {
        let server = Server::new([Status(503), Status(503), Status(503), Status(200)]);
        export(RetryPolicy::builder(), &server).await.unwrap();
        let attempts = server.attempts();
        let waits: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (wait, interval) in waits.iter().zip([500, 750, 1125]) {
            // Timers have millisecond steps.
            let around = Duration::from_millis(interval / 2)..=Duration::from_millis(interval * 3 / 2 + 1);
            assert!(around.contains(wait), "{wait:?}");
        }
        schedules.push(waits);
    }
    assert_ne!(schedules[0], schedules[1]);
}

#[tokio::test(start_paused = true)]
async fn a_server_order_is_the_least_wait() {
    // conf: RETRY-06, RETRY-09, RETRY-10
    let server = Server::new([After(503, 7 * SECOND), Status(503), Status(200)]);
    export(exact(), &server).await.unwrap();
    // The next failure grows from the order: 7 s × 1.5.
    assert_eq!(server.attempts(), millis(&[0, 7_000, 17_500]));
}

#[tokio::test(start_paused = true)]
async fn an_order_of_zero_is_no_order() {
    // conf: RETRY-07, RETRY-09
    let info = || {
        let error = GrpcError::new(GrpcCode::ResourceExhausted, "").with_retry_delay(Some(Duration::ZERO));
        Answer::Error(error.into())
    };
    let server = Server::new([info(), After(503, Duration::ZERO), Status(200)]);
    export(exact(), &server).await.unwrap();
    assert_eq!(server.attempts(), millis(&[0, 500, 1250]));
}

#[tokio::test(start_paused = true)]
async fn a_hostile_order_is_clamped() {
    // conf: RETRY-11
    let server = Server::new([After(503, 86_400 * SECOND), Status(200)]);
    export(exact().max_server_delay(10 * SECOND), &server).await.unwrap();
    assert_eq!(server.attempts(), millis(&[0, 10_000]));
}

#[tokio::test(start_paused = true)]
async fn an_order_longer_than_the_budget_ends_at_once() {
    // conf: RETRY-10
    let server = Server::new([After(429, 61 * SECOND), Status(200)]);
    let started = Instant::now();
    let error = export(exact().max_elapsed(60 * SECOND), &server).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::ZERO);
    let (reason, gave_up) = lost(&error);
    assert_eq!((reason, gave_up.attempts()), (DropReason::RetriesExhausted, 1));
}

#[tokio::test(start_paused = true)]
async fn an_order_holds_for_every_request_to_the_destination() {
    // conf: RETRY-08
    let server = Server::new([After(429, 10 * SECOND), Status(200), Status(200)]);
    let stack = stack(exact(), Shutdown::never(), &server);
    let told = tokio::spawn(stack.clone().oneshot(request()));
    tokio::time::sleep(SECOND).await;
    let other = tokio::spawn(stack.oneshot(request()));
    told.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(server.attempts(), millis(&[0, 10_000, 10_000]));
}

#[tokio::test(start_paused = true)]
async fn an_order_holds_for_every_stack_that_shares_the_pause() {
    // conf: RETRY-08
    let told = Server::new([After(429, 10 * SECOND), Status(200)]);
    let other = Server::new([Status(200)]);
    let retry = RetryLayer::new(exact().build().unwrap()).with_pause(Pause::new());
    let traces = tokio::spawn(retry.clone().layer(told.clone()).oneshot(request()));
    tokio::time::sleep(SECOND).await;
    let logs = tokio::spawn(retry.layer(other.clone()).oneshot(request()));
    traces.await.unwrap().unwrap();
    logs.await.unwrap().unwrap();
    assert_eq!((told.attempts(), other.attempts()), (millis(&[0, 10_000]), millis(&[10_000])));
}

#[tokio::test(start_paused = true)]
async fn an_order_of_one_destination_does_not_hold_for_another() {
    // conf: RETRY-19
    let slow = Server::new([After(429, 10 * SECOND), Status(200)]);
    let other = Server::new([Status(200)]);
    let layer = RetryLayer::new(exact().build().unwrap());
    let told = tokio::spawn(layer.layer(slow.clone()).oneshot(request()));
    tokio::time::sleep(SECOND).await;
    layer.layer(other.clone()).oneshot(request()).await.unwrap();
    assert_eq!(other.attempts(), millis(&[1_000]));
    told.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_outwait_the_common_pause_ends_without_an_attempt() {
    // conf: RETRY-08, RETRY-10
    let server = Server::new([After(429, 90 * SECOND), Status(200)]);
    let stack = stack(exact().max_elapsed(60 * SECOND), Shutdown::never(), &server);
    let mut taken = stack.clone();
    let taken = taken.ready().await.unwrap();
    stack.clone().oneshot(request()).await.unwrap_err();
    let error = taken.call(request()).await.unwrap_err();
    assert_eq!(server.attempts().len(), 1);
    let (reason, gave_up) = lost(&error);
    assert_eq!((reason, gave_up.attempts()), (DropReason::RetriesExhausted, 0));
    assert!(error.to_string().contains("ordered a pause"), "{error}");
    // What was not taken yet waits where it is until the pause ends, and is not lost.
    stack.oneshot(request()).await.unwrap();
    assert_eq!(server.attempts(), millis(&[0, 90_000]));
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_retried_is_sent_once() {
    // conf: RETRY-03, RETRY-04, RETRY-05, RETRY-16
    let permanent: [(BoxError, DropReason); 4] = [
        (HttpError::new(400).into(), DropReason::NotRetryable),
        (GrpcError::new(GrpcCode::Unauthenticated, "who are you").into(), DropReason::NotRetryable),
        (GrpcError::new(GrpcCode::ResourceExhausted, "").into(), DropReason::NotRetryable),
        (Undelivered::new(DropReason::EncodeFailed, "no such thing").into(), DropReason::EncodeFailed),
    ];
    for (error, expected) in permanent {
        let cause = error.to_string();
        let server = Server::new([Answer::Error(error), Status(200)]);
        let error = export(exact(), &server).await.unwrap_err();
        assert_eq!(server.attempts().len(), 1, "{cause}");
        assert_eq!(lost(&error).0, expected);
        assert!(error.to_string().ends_with(&cause), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_partial_success_is_a_success() {
    // conf: RETRY-17, PART-02
    let server = Server::new([Rejected(1), Status(200)]);
    assert_eq!(export(exact(), &server).await.unwrap().rejected, 1);
    assert_eq!(server.attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_told_with_the_attempts_and_the_time() {
    let server = Server::new([Status(503), Status(503), Status(504)]);
    let error = export(exact().max_attempts(Some(3)), &server).await.unwrap_err();
    let (reason, gave_up) = lost(&error);
    assert_eq!((reason, gave_up.attempts()), (DropReason::RetriesExhausted, 3));
    assert_eq!(gave_up.elapsed(), Duration::from_millis(1250));
    assert_eq!(
        gave_up.to_string(),
        "gave up after 3 attempts in 1.25s: the server answered 504 Gateway Timeout"
    );
    let last = gave_up.source().unwrap().downcast_ref::<HttpError>().unwrap();
    assert_eq!(last.status(), 504);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_one_attempt_is_retried() {
    // conf: RETRY-15, TIME-03
    let server = Server::new([Hang, Status(200)]);
    let layer = RetryLayer::new(exact().build().unwrap());
    let stack = layer.layer(AttemptTimeoutLayer::new(10 * SECOND).layer(server.clone()));
    stack.oneshot(request()).await.unwrap();
    assert_eq!(server.attempts(), millis(&[0, 10_500]));
}

#[tokio::test(start_paused = true)]
async fn a_hung_attempt_ends_with_the_budget() {
    // conf: TIME-02
    let server = Server::new([Status(503), Hang]);
    let started = Instant::now();
    let error = export(exact().max_elapsed(60 * SECOND), &server).await.unwrap_err();
    assert_eq!(started.elapsed(), 60 * SECOND);
    let (reason, gave_up) = lost(&error);
    assert_eq!((reason, gave_up.attempts()), (DropReason::RetriesExhausted, 2));
    assert!(gave_up.source().unwrap().is::<HttpError>(), "what went wrong, not that time ran out");
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_the_sleep_and_the_attempt_is_made_at_once() {
    // conf: RETRY-13
    let server = Server::new([Status(503), Status(200)]);
    let (trigger, signal) = shutdown::channel();
    let stack = stack(exact().initial_interval(20 * SECOND), signal, &server);
    let export = tokio::spawn(stack.oneshot(request()));
    tokio::time::sleep(3 * SECOND).await;
    trigger.trigger(Some(Instant::now() + 5 * SECOND));
    export.await.unwrap().unwrap();
    assert_eq!(server.attempts(), millis(&[0, 3_000]));
}

#[tokio::test(start_paused = true)]
async fn shutdown_makes_waits_short_again_until_its_deadline() {
    // conf: RETRY-13
    let server = Server::new((0..20).map(|_| Status(503)));
    let (trigger, signal) = shutdown::channel();
    let stack = stack(exact(), signal, &server);
    let export = tokio::spawn(stack.oneshot(request()));
    // Attempts at 0, 0.5, 1.25, 2.375, 4.0625, 6.59… s; the next would be at 10.39 s.
    tokio::time::sleep(7 * SECOND).await;
    trigger.trigger(Some(Instant::now() + 2 * SECOND));
    let error = export.await.unwrap().unwrap_err();
    assert_eq!(server.attempts()[6..], millis(&[7_000, 7_500, 8_250]));
    // The wait after that, 1.125 s, would pass the deadline.
    assert_eq!(lost(&error).0, DropReason::Deadline);
    assert_eq!(lost(&error).1.elapsed(), Duration::from_millis(8_250));
}

#[tokio::test(start_paused = true)]
async fn shutdown_respects_an_order_that_ends_before_its_deadline() {
    // conf: RETRY-13, RETRY-06
    let server = Server::new([After(429, 10 * SECOND), Status(200)]);
    let (trigger, signal) = shutdown::channel();
    let export = tokio::spawn(stack(exact(), signal, &server).oneshot(request()));
    tokio::time::sleep(2 * SECOND).await;
    trigger.trigger(Some(Instant::now() + 20 * SECOND));
    export.await.unwrap().unwrap();
    assert_eq!(server.attempts(), millis(&[0, 10_000]));
}

#[tokio::test(start_paused = true)]
async fn shutdown_makes_one_attempt_when_an_order_outlasts_its_deadline() {
    // conf: RETRY-13
    let server = Server::new([After(429, 60 * SECOND), Status(200)]);
    let (trigger, signal) = shutdown::channel();
    let export = tokio::spawn(stack(exact(), signal, &server).oneshot(request()));
    tokio::time::sleep(2 * SECOND).await;
    trigger.trigger(Some(Instant::now() + 20 * SECOND));
    export.await.unwrap().unwrap();
    assert_eq!(server.attempts(), millis(&[0, 2_000]));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_shutdown_ends_a_hung_attempt() {
    // conf: RETRY-13, TIME-02
    let server = Server::new([Hang]);
    let (trigger, signal) = shutdown::channel();
    let export = tokio::spawn(stack(exact(), signal, &server).oneshot(request()));
    tokio::time::sleep(2 * SECOND).await;
    trigger.trigger(None);
    tokio::time::sleep(2 * SECOND).await;
    trigger.trigger(Some(Instant::now() + 30 * SECOND));
    trigger.trigger(Some(Instant::now() + SECOND));
    let error = export.await.unwrap().unwrap_err();
    let (reason, gave_up) = lost(&error);
    assert_eq!((reason, gave_up.elapsed()), (DropReason::Deadline, 5 * SECOND));
    assert!(error.to_string().ends_with("no answer before the deadline of the shutdown"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn every_attempt_waits_for_its_own_readiness() {
    let (mock, mut handle) = mock::pair::<ExportRequest, ExportResponse>();
    let mut service = RetryLayer::new(exact().build().unwrap()).layer(mock);
    handle.allow(0);
    assert_pending!(task::spawn(service.ready()).poll());
    handle.allow(1);
    // The mock panics when it is called without having been ready.
    let mut export = task::spawn(service.ready().await.unwrap().call(request()));
    assert_pending!(export.poll());
    handle.next_request().await.unwrap().1.send_error(HttpError::new(503));
    assert_pending!(export.poll());
    tokio::time::advance(SECOND).await;
    assert_pending!(export.poll());
    assert_pending!(handle.poll_request(), "not ready for a second attempt");
    handle.allow(1);
    assert_pending!(export.poll());
    handle.next_request().await.unwrap().1.send_response(ExportResponse::success());
    assert_ready_ok!(export.poll());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_ends_the_retries() {
    let server = Server::new([Status(503), Status(200)]);
    let mut export = task::spawn(stack(exact(), Shutdown::never(), &server).oneshot(request()));
    assert_pending!(export.poll());
    drop(export);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(server.attempts().len(), 1);
}
