//! The API on the client's own path: what instrumentation says is what arrives, and the client decides.

use crate::differential::{logs_of_theirs, spans_of_theirs};
use crate::support::{balanced, builder, client, client_with_resource, context, grpc};
use crate::{normal, program};
use opentelemetry_0_33::baggage::BaggageExt as _;
use opentelemetry_0_33::logs::{LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry_0_33::trace::{
    Link, Span as _, SpanContext, SpanKind, TraceContextExt as _, TraceFlags, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry_0_33::{Context, KeyValue, global};
use otlp::{AnyValue, Sampler, SamplingDecision, SamplingParameters, SamplingResult};
use otlp_opentelemetry::opentelemetry_0_33::{
    LoggerProvider, TracerProvider, context_with, to_trace_context,
};
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_arrives_as_through_the_sdk() {
    // conf: SPAN-10, SPAN-14, SPAN-15, SPAN-16, SPAN-20, LIM-05, MODEL-04, MODEL-05
    let ours = grpc().await;
    let client = client_with_resource(&ours).await;
    let provider = TracerProvider::new(&client);
    program::trace(&provider.tracer_with_scope(crate::support::scope()));
    program::flood(&provider.tracer("flood"));
    balanced(&client, &ours).await;
    let (mut ours, theirs) = (normal::spans(&ours), spans_of_theirs().await);
    // Our ids are random, and say so (W3C Level 2); the SDK's are and do not.
    ours.iter_mut().filter(|s| s.4.trace_state.is_empty()).for_each(|s| s.4.flags &= !0x02);
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_programs_logs_arrive_as_through_the_sdk() {
    // conf: LOG-02, LOG-03, LOG-05, LOG-06
    let ours = grpc().await;
    let client = client_with_resource(&ours).await;
    program::log(&LoggerProvider::new(&client).logger_with_scope(crate::support::scope()));
    balanced(&client, &ours).await;
    let (ours, theirs) = (normal::logs(&ours), logs_of_theirs().await);
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
}

#[tokio::test]
async fn a_logger_says_what_the_client_takes() {
    // conf: LOG-09
    let collector = grpc().await;
    let threshold = otlp::Severity::Warn;
    let client = builder(&collector).with_log_severity_threshold(threshold).build().await.unwrap();
    let logger = LoggerProvider::new(&client).logger("l");
    assert!(
        !logger.event_enabled(Severity::Info, "t", None) && logger.event_enabled(Severity::Error, "t", None)
    );
    for severity in [Severity::Info, Severity::Error] {
        let mut record = logger.create_log_record();
        record.set_severity_number(severity);
        logger.emit(record);
    }
    let _quiet = Context::enter_telemetry_suppressed_scope();
    assert!(!logger.event_enabled(Severity::Error, "t", None));
    logger.emit(logger.create_log_record());
    assert_eq!(balanced(&client, &collector).await.accepted(), 1);
}

/// Notes what it is asked, and samples it.
#[derive(Debug, Clone, Default)]
struct Curious(Arc<Mutex<Vec<String>>>);

impl Sampler for Curious {
    fn should_sample(&self, parameters: &SamplingParameters<'_>) -> SamplingResult {
        let said = format!("{} {:?} {}", parameters.name, parameters.attributes, parameters.links.len());
        self.0.lock().unwrap().push(said);
        let state = parameters.parent_trace_state();
        let sampled = SamplingResult::new(SamplingDecision::RecordAndSample, state);
        SamplingResult { attributes: vec![otlp::KeyValue::new("sampler.said", true)], ..sampled }
    }

    fn description(&self) -> Cow<'_, str> {
        "Curious".into()
    }
}

#[tokio::test]
async fn a_sampler_sees_what_the_span_starts_with() {
    // conf: SAMP-01, SPAN-04
    let collector = grpc().await;
    let sampler = Curious::default();
    let client = builder(&collector).with_sampler(sampler.clone()).build().await.unwrap();
    let tracer = TracerProvider::new(&client).tracer("t");
    tracer
        .span_builder("asked")
        .with_kind(SpanKind::Client)
        .with_attributes([KeyValue::new("a", 1)])
        .with_links(vec![Link::with_context(context(3))])
        .start_with_context(&tracer, &Context::new());
    let attribute = otlp::KeyValue::new("a", AnyValue::Int(1));
    assert_eq!(*sampler.0.lock().unwrap(), [format!("asked {:?} 1", [attribute])]);
    balanced(&client, &collector).await;
    let span = &collector.received().spans()[0].span;
    let keys: Vec<_> = span.attributes.iter().map(|attribute| &*attribute.key).collect();
    assert_eq!((keys, span.links.len()), (vec!["a", "sampler.said"], 1));
}

#[tokio::test]
async fn a_parent_that_is_not_sampled_is_followed() {
    // conf: SAMP-11, SAMP-12, SPAN-21
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = TracerProvider::new(&client).tracer("t");
    let remote = context(5);
    let parent = SpanContext::new(
        remote.trace_id(),
        remote.span_id(),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::from_key_value([("vendor", "1")]).unwrap(),
    );
    let span = tracer.start_with_context("s", &Context::new().with_remote_span_context(parent));
    assert!(!span.is_recording());
    let own = span.span_context();
    assert_eq!((own.trace_id(), own.is_sampled(), own.is_remote()), (remote.trace_id(), false, false));
    assert_ne!(own.span_id(), remote.span_id());
    assert_eq!(own.trace_state().get("vendor"), Some("1"));
    drop(span);
    assert_eq!(balanced(&client, &collector).await.accepted(), 0);
}

#[tokio::test]
async fn spans_of_both_sides_are_one_trace_and_carry_the_baggage() {
    // conf: SPAN-05, PROP-31
    let collector = grpc().await;
    let client = client(&collector).await;
    let (theirs, ours) = (TracerProvider::new(&client).tracer("theirs"), client.tracer("ours"));
    let cx = Context::new().with_baggage([KeyValue::new("tenant", "blue")]);
    let outer = theirs.start_with_context("outer", &cx);
    let cx = cx.with_span(outer);
    let context = to_trace_context(&cx);
    assert_eq!(context.baggage().get("tenant"), Some("blue"));
    let middle = ours.start_with_context("middle", otlp::SpanKind::Internal, &context);
    let cx = context_with(&Context::new(), &middle.context());
    assert_eq!(cx.baggage().get("tenant").map(|value| value.as_str()), Some("blue"));
    theirs.start_with_context("inner", &cx);
    drop((middle, cx, context));
    client.flush().await.unwrap();
    let received = collector.received();
    let span = |name| received.span_named(name).unwrap().span;
    assert_eq!(span("inner").parent_span_id, span("middle").span_id);
    assert_eq!(span("inner").trace_id, span("middle").trace_id);
    balanced(&client, &collector).await;
}

#[tokio::test]
async fn a_provider_can_be_the_global_one() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = global::BoxedTracer::new(Box::new(TracerProvider::new(&client).tracer("boxed")));
    tracer.in_span("outer", |cx| {
        cx.span().set_attribute(KeyValue::new("a", 1));
        let guard = cx.clone().attach();
        tracer.start("inner").set_attributes([KeyValue::new("b", 2)]);
        drop(guard);
    });
    assert_eq!(balanced(&client, &collector).await.delivered(), 2);
    let received = collector.received();
    let (outer, inner) = (received.span_named("outer").unwrap(), received.span_named("inner").unwrap());
    assert_eq!((&outer.span.span_id, &*outer.scope.name), (&inner.span.parent_span_id, "boxed"));
}
