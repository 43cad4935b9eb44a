//! Observation: once per request, whatever happens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use otlp_model::{DropReason, Encoding, ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    BoxError, Disposition, ErrorType, HttpError, Observation, ObserveLayer, Observed, RetryLayer, RetryPolicy,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_test::mock;

/// What the observer was told, owned.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    signal: Signal,
    sizes: (u64, usize, usize),
    latency: Duration,
    disposition: Option<Disposition>,
    message: Option<String>,
    error: Option<String>,
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Told>>>);

impl Log {
    fn layer(&self) -> ObserveLayer<impl Fn(&Observation<'_>) + Send + Sync + use<>> {
        let log = self.clone();
        ObserveLayer::new(move |observed: &Observation<'_>| {
            assert_eq!(observed.is_cancelled(), observed.disposition.is_none());
            log.0.lock().unwrap().push(Told {
                signal: observed.signal,
                sizes: (observed.items, observed.raw_len, observed.body_len),
                latency: observed.latency,
                disposition: observed.disposition,
                message: observed.response.and_then(|response| response.message.clone()),
                error: observed.error.map(ToString::to_string),
            });
        })
    }

    fn told(&self) -> Vec<Told> {
        self.0.lock().unwrap().clone()
    }
}

type Handle = mock::Handle<ExportRequest, ExportResponse>;
type Mocked<O> = mock::Spawn<Observed<mock::Mock<ExportRequest, ExportResponse>, O>>;

fn stack(log: &Log) -> (Mocked<impl Fn(&Observation<'_>) + Send + Sync + use<>>, Handle) {
    mock::spawn_layer(log.layer())
}

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Logs, 3, Bytes::from_static(b"0123456789"))
        .with_encoding(Encoding::Gzip, Bytes::from_static(b"0123"))
}

#[tokio::test(start_paused = true)]
async fn a_success_is_told_with_its_sizes_and_latency() {
    let log = Log::default();
    let (mut service, mut handle) = stack(&log);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request()));
    assert_pending!(call.poll());
    assert!(log.told().is_empty());
    tokio::time::advance(Duration::from_millis(40)).await;
    let response = ExportResponse { rejected: 1, message: Some("one is odd".to_owned()) };
    handle.next_request().await.unwrap().1.send_response(response);
    assert_ready_ok!(call.poll());
    drop(call);
    let told = Told {
        signal: Signal::Logs,
        sizes: (3, 10, 4),
        latency: Duration::from_millis(40),
        disposition: Some(Disposition::Delivered { rejected: 1 }),
        message: Some("one is odd".to_owned()),
        error: None,
    };
    assert_eq!(log.told(), [told]);
}

#[tokio::test]
async fn a_failure_is_told_with_its_error() {
    // conf: RETRY-04
    let log = Log::default();
    let (mut service, mut handle) = stack(&log);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request()));
    assert_pending!(call.poll());
    handle.next_request().await.unwrap().1.send_error(HttpError::new(400));
    let error: BoxError = assert_ready_err!(call.poll());
    drop(call);
    let told = log.told();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].disposition, Some(Disposition::Permanent { reason: DropReason::NotRetryable }));
    assert_eq!(told[0].error, Some(error.to_string()));
}

#[tokio::test]
async fn a_request_dropped_before_its_end_is_told_as_cancelled() {
    let log = Log::default();
    let (mut service, mut handle) = stack(&log);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request()));
    assert_pending!(call.poll());
    let _unanswered = handle.next_request().await.unwrap();
    drop(call);
    assert_ready_ok!(service.poll_ready());
    drop(service.call(request()));
    let told = log.told();
    assert_eq!(told.len(), 2, "polled or not, each is told once");
    assert!(told.iter().all(|told| told.disposition.is_none() && told.error.is_none()));
    assert!(told.iter().all(|told| told.sizes == (3, 10, 4)));
}

#[test]
fn an_observer_that_panics_while_a_panic_unwinds_does_not_end_the_process() {
    let mut stack = ObserveLayer::new(|_: &Observation<'_>| panic!("the observer's")).layer(
        tower::service_fn(|_: ExportRequest| -> std::future::Ready<Result<ExportResponse, BoxError>> {
            panic!("the service's")
        }),
    );
    let panic = catch_unwind(AssertUnwindSafe(|| drop(stack.call(request())))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the service's"));
}

#[tokio::test(start_paused = true)]
async fn above_retry_it_sees_the_batch_and_below_each_attempt() {
    let (batches, attempts) = (Log::default(), Log::default());
    let mut answers = [Err(503), Err(429), Ok(())].into_iter();
    let mut stack = ServiceBuilder::new()
        .layer(batches.layer())
        .layer(RetryLayer::new(RetryPolicy::default()))
        .layer(attempts.layer())
        .service_fn(move |_: ExportRequest| {
            let answer = answers.next().unwrap();
            async move {
                match answer {
                    Ok(()) => Ok(ExportResponse::success()),
                    Err(status) => Err(BoxError::from(HttpError::new(status))),
                }
            }
        });
    // `service_fn` with a state that moves on is not `Clone` in effect: one stack, one call.
    stack.ready().await.unwrap().call(request()).await.unwrap();
    let dispositions =
        |log: &Log| log.told().iter().map(|told| told.disposition.unwrap()).collect::<Vec<_>>();
    assert_eq!(dispositions(&batches), [Disposition::Delivered { rejected: 0 }]);
    let retryable = |error_type| Disposition::Retryable { error_type, after: None };
    assert_eq!(
        dispositions(&attempts),
        [
            retryable(ErrorType::Unavailable),
            retryable(ErrorType::RateLimited),
            Disposition::Delivered { rejected: 0 }
        ]
    );
}
