//! The split layer: what is too large arrives in parts, and the books of the parts are those of the whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::*;
use otlp_transport::{
    BoxError, Compression, Compressor, Disposition, ExportFuture, GrpcCode, GrpcError, HttpError,
    Observation, RequestTooLarge, RetryLayer, RetryPolicy, SentInParts, ServiceBuilderExt, SplitLayer,
    classify, outcome_of,
};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

/// How a receiver says that a request is too large.
type Refusal = fn(usize) -> BoxError;

/// A receiver of requests of at most `max` bytes, which writes down what it took and how many it refused.
#[derive(Clone)]
struct Receiver {
    max: Arc<Mutex<usize>>,
    refusal: Refusal,
    taken: Arc<Mutex<Vec<ExportRequest>>>,
    refused: Arc<Mutex<u32>>,
}

impl Receiver {
    fn new(max: usize, refusal: Refusal) -> Self {
        Self { max: Arc::new(Mutex::new(max)), refusal, taken: Arc::default(), refused: Arc::default() }
    }

    fn items(&self) -> Vec<u64> {
        self.taken.lock().unwrap().iter().map(ExportRequest::items).collect()
    }

    /// How many were refused since the last call.
    fn refused(&self) -> u32 {
        std::mem::take(&mut *self.refused.lock().unwrap())
    }
}

impl Service<ExportRequest> for Receiver {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let size = request.raw_len();
        let result = if size > *self.max.lock().unwrap() {
            *self.refused.lock().unwrap() += 1;
            Err((self.refusal)(size))
        } else {
            self.taken.lock().unwrap().push(request);
            Ok(ExportResponse::success())
        };
        ExportFuture::new(async move { result })
    }
}

fn status_413(_: usize) -> BoxError {
    HttpError::new(413).into()
}

fn grpc_go(size: usize) -> BoxError {
    let text = format!("grpc: received message larger than max ({size} vs. 1000)");
    GrpcError::new(GrpcCode::ResourceExhausted, text).with_too_large(true).into()
}

fn our_own_limit(size: usize) -> BoxError {
    Undelivered::new(DropReason::TooLarge, RequestTooLarge { size, limit: 1_000 }).into()
}

/// A request of spans whose names have these lengths.
fn request(names: &[usize]) -> ExportRequest {
    let groups = Groups::new();
    let resource = Resource::new().with("service.name", "split");
    let group = groups.register(&resource, &InstrumentationScope::new("s"));
    let span = |name: &usize| {
        SpanData::new(SpanContext::default(), "x".repeat(*name), 1, 2).to_record(group, &Limits::default())
    };
    let records: Vec<_> = names.iter().map(span).collect();
    assemble(&groups, Signal::Traces, &records, RequestLimits::default()).requests.remove(0)
}

#[tokio::test]
async fn a_request_over_the_receivers_limit_arrives_in_parts_in_order() {
    // conf: DEC-19, SURV-01
    for refusal in [status_413 as Refusal, grpc_go, our_own_limit] {
        let receiver = Receiver::new(1_000, refusal);
        let stack = SplitLayer::new().layer(receiver.clone());
        let names: Vec<usize> = (1..=64).collect();
        let whole = request(&names);
        assert!(whole.raw_len() > 3_000);
        assert_eq!(stack.oneshot(whole).await.unwrap(), ExportResponse::success());
        let taken = receiver.taken.lock().unwrap();
        let lengths = taken.iter().flat_map(|request| {
            let bytes = request.body().to_bytes();
            view::traces(&bytes).items().map(|span| span.unwrap().name.len()).collect::<Vec<_>>()
        });
        assert_eq!(lengths.collect::<Vec<_>>(), names);
        assert_eq!(taken.iter().map(ExportRequest::items).sum::<u64>(), 64);
    }
}

#[tokio::test]
async fn a_single_record_that_is_too_large_is_dropped_alone() {
    // conf: DEC-19, SURV-02, SURV-03
    let receiver = Receiver::new(1_000, grpc_go);
    let seen = Arc::new(Mutex::new(None));
    let observer = {
        let seen = Arc::clone(&seen);
        move |observed: &Observation<'_>| *seen.lock().unwrap() = observed.outcome
    };
    let stack = ServiceBuilder::new()
        .observe(observer)
        .layer(SplitLayer::new())
        .layer(RetryLayer::new(RetryPolicy::default()))
        .service(receiver.clone());
    let result = stack.oneshot(request(&[10, 20, 5_000, 30, 40])).await;
    assert_eq!(receiver.items().iter().sum::<u64>(), 4);

    let mut expected = Outcome::lost(DropReason::TooLarge, 1);
    expected.delivered = 4;
    assert_eq!(outcome_of(&result, 5), expected);
    assert_eq!(seen.lock().unwrap().take(), Some(expected), "observers can count it right");
    assert_eq!(classify(&result), Disposition::Permanent { reason: DropReason::TooLarge });
    let error = result.unwrap_err();
    assert!(error.is::<SentInParts>());
    assert!(error.to_string().starts_with("sent in parts, 1 of 5 items dropped (1 too_large): "), "{error}");
}

#[tokio::test]
async fn what_the_parts_come_to_is_added_up() {
    // conf: PART-04
    let receiver = |request: ExportRequest| async move {
        match request.items() {
            3.. => Err(HttpError::new(413).into()),
            // The last two are refused for another reason.
            2 if request.body().to_bytes().windows(3).any(|bytes| bytes == b"xxx") => {
                Err(HttpError::new(400).into())
            }
            _ => Ok::<_, BoxError>(ExportResponse { rejected: 1, message: Some("one is odd".into()) }),
        }
    };
    let stack = SplitLayer::new().layer(tower::service_fn(receiver));
    let response = stack.clone().oneshot(request(&[1, 1, 1, 1])).await.unwrap();
    assert_eq!(response, ExportResponse { rejected: 2, message: Some("one is odd".into()) });

    let result = stack.oneshot(request(&[1, 1, 3, 3])).await;
    let mut expected = Outcome::lost(DropReason::NotRetryable, 2);
    (expected.delivered, expected.rejected) = (1, 1);
    assert_eq!(outcome_of(&result, 4), expected);
}

#[tokio::test]
async fn assemble_enters_the_parts_in_the_books() {
    let receiver = Receiver::new(1_000, status_413);
    let groups = Arc::new(Groups::new());
    let group = groups.register(&Resource::new(), &InstrumentationScope::new("s"));
    let span = |name: usize| {
        SpanData::new(SpanContext::default(), "x".repeat(name), 1, 2).to_record(group, &Limits::default())
    };
    let stack = ServiceBuilder::new()
        .assemble(groups, Signal::Traces, RequestLimits::default())
        .layer(SplitLayer::new())
        // Compressed below: what was cut is still protobuf.
        .compress(Compressor::new(Compression::Gzip).unwrap())
        .service(receiver);
    let outcome = stack.oneshot(vec![span(9), span(2_000), span(9)]).await.unwrap();
    assert_eq!((outcome.delivered, outcome.dropped.get(DropReason::TooLarge)), (2, 1));
}

#[tokio::test]
async fn the_limit_is_learned_shared_by_clones_and_given_up_when_it_was_raised() {
    let receiver = Receiver::new(1_000, status_413);
    let stack = SplitLayer::new().layer(receiver.clone());
    let large = request(&[20; 64]);
    stack.clone().oneshot(large.clone()).await.unwrap();
    assert!(receiver.refused() > 0);
    for _ in 0..3 {
        stack.clone().oneshot(large.clone()).await.unwrap();
        assert_eq!(receiver.refused(), 0, "cut before it is sent");
    }
    *receiver.max.lock().unwrap() = usize::MAX;
    for _ in 0..200 {
        stack.clone().oneshot(large.clone()).await.unwrap();
    }
    assert_eq!(receiver.items().last(), Some(&64), "whole again");
}

#[tokio::test]
async fn other_failures_are_not_answered_with_smaller_requests() {
    // conf: RETRY-05, SURV-05
    let errors: [Refusal; 3] = [
        |_| HttpError::new(500).into(),
        |_| GrpcError::new(GrpcCode::ResourceExhausted, "quota").into(),
        |_| "no such thing".into(),
    ];
    for refusal in errors {
        let receiver = Receiver::new(0, refusal);
        let result = SplitLayer::new().layer(receiver.clone()).oneshot(request(&[1, 1])).await;
        assert_eq!((receiver.refused(), result.is_err()), (1, true));
    }
}
