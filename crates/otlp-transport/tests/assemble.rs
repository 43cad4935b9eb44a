//! From batches to requests, and from answers to one outcome.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlp_model::{
    DropReason, ExportRequest, ExportResponse, GroupId, Groups, InstrumentationScope, Limits, Outcome,
    Record, Records, RequestLimits, Resource, Signal, SpanContext, SpanData,
};
use otlp_transport::{
    AssembleLayer, BoxError, ErrorType, Headers, HttpError, Observation, RetryPolicy, ServiceBuilderExt,
    Shutdown,
};
use proptest::prelude::*;
use prost::Message;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt};
use tower_test::mock;

fn groups() -> (Arc<Groups>, GroupId) {
    let groups = Groups::new();
    let group =
        groups.register(&Resource::new().with("service.name", "shop"), &InstrumentationScope::new("cart"));
    (Arc::new(groups), group)
}

fn span(group: GroupId, name: &str) -> Record {
    SpanData::new(SpanContext::default(), name.to_owned(), 1, 2).to_record(group, &Limits::default())
}

fn spans(group: GroupId, count: usize) -> Vec<Record> {
    (0..count).map(|index| span(group, &format!("span {index}"))).collect()
}

fn two_per_request() -> RequestLimits {
    RequestLimits { max_items: 2, ..RequestLimits::default() }
}

fn names(request: &ExportRequest) -> Vec<String> {
    let decoded = ExportTraceServiceRequest::decode(&request.body().to_bytes()[..]).unwrap();
    let spans = decoded.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    spans.flat_map(|scope| scope.spans).map(|span| span.name).collect()
}

/// Waits until `service` is ready and calls it; the future is that of the call.
async fn call<S: Service<B, Error = BoxError>, B>(service: &mut S, batch: B) -> S::Future {
    service.ready().await.unwrap().call(batch)
}

#[tokio::test]
async fn a_batch_becomes_one_request_and_its_answer_an_outcome() {
    // conf: PART-02
    let (groups, group) = groups();
    let layer = AssembleLayer::new(groups, Signal::Traces, RequestLimits::default());
    let (mock, mut handle) = mock::pair::<ExportRequest, ExportResponse>();
    let mut service = layer.layer(mock);
    let mut outcome = task::spawn(call(&mut service, spans(group, 3)).await);
    assert_pending!(outcome.poll());
    let (request, answer) = handle.next_request().await.unwrap();
    assert_eq!((request.signal(), request.items()), (Signal::Traces, 3));
    assert_eq!(names(&request), ["span 0", "span 1", "span 2"]);
    answer.send_response(ExportResponse { rejected: 1, message: None });
    let expected = Outcome { delivered: 2, rejected: 1, ..Outcome::default() };
    assert_eq!(assert_ready_ok!(outcome.poll()), expected);
}

#[tokio::test]
async fn a_batch_over_the_limit_is_sent_in_parts_one_after_the_other() {
    // conf: DEC-19, CONC-01
    let (groups, group) = groups();
    let layer = AssembleLayer::new(groups, Signal::Traces, two_per_request());
    let (mock, mut handle) = mock::pair::<ExportRequest, ExportResponse>();
    let mut service = layer.layer(mock);
    handle.allow(1);
    let mut outcome = task::spawn(call(&mut service, spans(group, 5)).await);
    for expected in [&["span 0", "span 1"][..], &["span 2", "span 3"], &["span 4"]] {
        assert_pending!(outcome.poll());
        let (request, answer) = handle.next_request().await.unwrap();
        assert_eq!(names(&request), expected);
        assert_pending!(handle.poll_request(), "the next waits for this one");
        answer.send_response(ExportResponse::success());
        if expected.len() == 2 {
            assert_pending!(outcome.poll());
            assert_pending!(handle.poll_request(), "the next waits for readiness");
            handle.allow(1);
        }
    }
    assert_eq!(assert_ready_ok!(outcome.poll()).delivered, 5);
}

/// Answers the requests of a stack in turn, and keeps the stack's outcome for `batch`.
async fn outcome(
    limits: RequestLimits,
    batch: impl Fn(GroupId) -> Vec<Record>,
    answers: Vec<u16>,
) -> Outcome {
    let (groups, group) = groups();
    let answers = Arc::new(Mutex::new(answers.into_iter()));
    let mut stack = ServiceBuilder::new()
        .layer(AssembleLayer::new(groups, Signal::Traces, limits))
        .service_fn(move |_: ExportRequest| {
            let status = answers.lock().unwrap().next().unwrap();
            async move {
                match status {
                    200 => Ok(ExportResponse::success()),
                    status => Err(BoxError::from(HttpError::new(status))),
                }
            }
        });
    let batch = batch(group);
    let items = batch.items();
    let outcome = call(&mut stack, batch).await.await.unwrap();
    assert_eq!(outcome.items(), items, "every item has one fate");
    outcome
}

#[tokio::test]
async fn one_failed_part_does_not_stop_the_others() {
    // conf: RETRY-04
    let outcome = outcome(two_per_request(), |group| spans(group, 6), vec![400, 200, 503]).await;
    assert_eq!((outcome.delivered, outcome.dropped.total()), (2, 4));
    assert_eq!(outcome.dropped.get(DropReason::NotRetryable), 2);
    assert_eq!(outcome.dropped.get(DropReason::RetriesExhausted), 2);
}

#[tokio::test]
async fn a_record_too_large_is_dropped_alone() {
    let limits = RequestLimits { max_bytes: 500, ..RequestLimits::default() };
    let batch = |group| vec![span(group, "a"), span(group, &"x".repeat(1000)), span(group, "b")];
    let outcome = outcome(limits, batch, vec![200; 3]).await;
    assert_eq!((outcome.delivered, outcome.dropped.get(DropReason::TooLarge)), (2, 1));
}

#[tokio::test]
async fn an_empty_batch_sends_nothing() {
    // conf: MODEL-32
    assert_eq!(outcome(RequestLimits::default(), |_| Vec::new(), Vec::new()).await, Outcome::default());
}

/// A batch that can say that it is gone.
struct Tracked(Vec<Record>, #[expect(dead_code, reason = "dropped, not read")] Arc<()>);

impl Records for Tracked {
    fn items(&self) -> u64 {
        self.0.items()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        self.0.for_each_run(visit);
    }
}

#[tokio::test]
async fn the_batch_is_given_up_before_its_requests_are_sent() {
    let (groups, group) = groups();
    let layer = AssembleLayer::new(groups, Signal::Traces, RequestLimits::default());
    let (mock, _handle) = mock::pair::<ExportRequest, ExportResponse>();
    let mut service = layer.layer(mock);
    let alive = Arc::new(());
    let batch = Tracked(spans(group, 1), Arc::clone(&alive));
    let outcome = call(&mut service, batch).await;
    assert_eq!(Arc::strong_count(&alive), 1);
    drop(outcome);
}

#[tokio::test(start_paused = true)]
async fn the_whole_stack_turns_a_batch_into_one_outcome() {
    // conf: RETRY-12, RETRY-04, TIME-02
    let (groups, group) = groups();
    let log = Arc::new(Mutex::new(Vec::new()));
    let observe = |scope: &'static str| {
        let log = Arc::clone(&log);
        move |observed: &Observation<'_>| {
            log.lock().unwrap().push((scope, observed.disposition.unwrap().to_string()))
        }
    };
    let mut answers = vec![Some(503), None, Some(200), Some(400)].into_iter();
    let policy =
        RetryPolicy::builder().retryable(&[ErrorType::Unavailable, ErrorType::Timeout]).build().unwrap();
    let mut stack = ServiceBuilder::new()
        .assemble(groups, Signal::Traces, two_per_request())
        .observe(observe("batch"))
        .retry_export(policy, Shutdown::never())
        .observe(observe("attempt"))
        .attempt_timeout(Duration::from_secs(10))
        .export_headers(Headers::parse("a=1").unwrap())
        .service(tower::service_fn({
            let answers = Arc::new(Mutex::new(move || answers.next().unwrap()));
            move |request: ExportRequest| {
                assert_eq!(request.headers(), [("a".to_owned(), "1".to_owned())]);
                let answer = (answers.lock().unwrap())();
                async move {
                    match answer {
                        Some(200) => Ok(ExportResponse::success()),
                        Some(status) => Err(BoxError::from(HttpError::new(status))),
                        None => std::future::pending().await,
                    }
                }
            }
        }));
    let outcome = call(&mut stack, spans(group, 3)).await.await.unwrap();
    assert_eq!((outcome.delivered, outcome.dropped.get(DropReason::NotRetryable)), (2, 1));
    let told = log.lock().unwrap();
    let told: Vec<_> = told.iter().map(|(scope, text)| (*scope, text.as_str())).collect();
    assert_eq!(
        told,
        [
            ("attempt", "retryable (unavailable)"),
            ("attempt", "retryable (timeout)"),
            ("attempt", "delivered"),
            ("batch", "delivered"),
            ("attempt", "failed (not_retryable)"),
            ("batch", "failed (not_retryable)"),
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_item_has_one_fate(
        sizes in prop::collection::vec(0..400_usize, 0..30),
        answers in prop::collection::vec(prop::sample::select(&[200_u16, 400, 503][..]), 30),
        max_items in 1..10_u64,
        max_bytes in 100..2_000_usize,
    ) {
        let batch = |group| sizes.iter().map(|size| span(group, &"x".repeat(*size))).collect();
        // The sum is checked inside.
        tokio_test::block_on(outcome(RequestLimits { max_items, max_bytes }, batch, answers));
    }
}
