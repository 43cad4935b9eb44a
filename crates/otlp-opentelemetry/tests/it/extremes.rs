//! Rows of the README's table of differences, on what is very large, empty or invalid: the same through opentelemetry-otlp and ours.

use crate::differential::{run_logs, run_spans};
use crate::support::{PATIENCE, balanced, books, client, context, grpc};
use opentelemetry_0_33::logs::{AnyValue, LogRecord as _, Logger, LoggerProvider as _};
use opentelemetry_0_33::trace::{
    Span as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry_0_33::{Context, KeyValue};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk_0_33::logs::SdkLogger;
use opentelemetry_sdk_0_33::trace::{SdkTracer, SdkTracerProvider};
use otlp::DropReason;
use otlp_opentelemetry::opentelemetry_0_33::{LogExporter, LoggerProvider, SpanExporter};
use otlp_testkit::Collector;
use tokio::task::block_in_place;

const MIB: usize = 1024 * 1024;

/// The only span of the program: through theirs, and through our exporter.
async fn spans(program: fn(&SdkTracer)) -> (Span, Span) {
    let (theirs, ours) = (grpc().await, grpc().await);
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic();
    let exporter = exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap();
    run_spans(exporter, |provider| program(&provider.tracer("t")));
    let client = client(&ours).await;
    run_spans(SpanExporter::new(&client), |provider| program(&provider.tracer("t")));
    balanced(&client, &ours).await;
    let only = |collector: &Collector| collector.received().spans()[0].span.clone();
    (only(&theirs), only(&ours))
}

/// The only record of the program through theirs.
async fn record_of_theirs(program: fn(&SdkLogger)) -> LogRecord {
    let theirs = grpc().await;
    let exporter = opentelemetry_otlp::LogExporter::builder().with_tonic();
    run_logs(exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap(), program);
    theirs.received().logs()[0].record.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_more_than_half_a_request_is_cut() {
    let (theirs, ours) = spans(|tracer| {
        let mut span = tracer.start_with_context("s", &Context::new());
        span.set_attribute(KeyValue::new("text", "x".repeat(MIB + MIB / 2)));
    })
    .await;
    let length = |span: &Span| match &span.attributes[0].value.as_ref().unwrap().value {
        Some(Value::StringValue(text)) => text.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((length(&theirs), length(&ours)), (MIB + MIB / 2, MIB));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attribute_without_a_key_is_not_sent() {
    // conf: MODEL-09
    let (theirs, ours) = spans(|tracer| {
        let mut span = tracer.start_with_context("s", &Context::new());
        span.set_attribute(KeyValue::new("", 1));
        span.set_attribute(KeyValue::new("a", 1));
    })
    .await;
    let keys = |span: &Span| span.attributes.iter().map(|one| one.key.clone()).collect::<Vec<_>>();
    assert_eq!((keys(&theirs), keys(&ours)), (vec![String::new(), "a".into()], vec!["a".into()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_state_that_no_header_may_have_is_none() {
    // conf: PROP-13
    let (theirs, ours) = spans(|tracer| {
        let remote = context(7);
        let state = TraceState::from_key_value([("vendor", "")]).unwrap();
        let remote = SpanContext::new(remote.trace_id(), remote.span_id(), TraceFlags::SAMPLED, true, state);
        drop(tracer.start_with_context("s", &Context::new().with_remote_span_context(remote)));
    })
    .await;
    assert_eq!((&*theirs.trace_state, &*ours.trace_state), ("vendor=", ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_no_request_could_hold_is_dropped_and_counted() {
    fn large(logger: &SdkLogger) {
        let mut record = logger.create_log_record();
        record.set_body("x".repeat(3 * MIB).into());
        logger.emit(record);
    }
    let theirs = record_of_theirs(large).await;
    assert!(matches!(theirs.body.unwrap().value, Some(Value::StringValue(text)) if text.len() == 3 * MIB));
    let ours = grpc().await;
    let client = client(&ours).await;
    run_logs(LogExporter::new(&client), large);
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.dropped().get(DropReason::TooLarge)), (1, 1));
}

fn half_a_context(logger: &impl Logger) {
    let mut record = logger.create_log_record();
    record.set_trace_context(TraceId::from(3), SpanId::INVALID, None);
    logger.emit(record);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_span_id_is_none() {
    // conf: MODEL-02
    let theirs = record_of_theirs(half_a_context).await;
    let (exported, provided) = (grpc().await, grpc().await);
    let (by_exporter, by_provider) = (client(&exported).await, client(&provided).await);
    run_logs(LogExporter::new(&by_exporter), half_a_context);
    half_a_context(&LoggerProvider::new(&by_provider).logger("l"));
    assert_eq!((theirs.trace_id.len(), theirs.span_id), (16, vec![0; 8]));
    for (client, collector) in [(by_exporter, exported), (by_provider, provided)] {
        balanced(&client, &collector).await;
        let ours = collector.received().logs()[0].record.clone();
        assert_eq!((ours.trace_id, ours.span_id), (theirs.trace_id.clone(), Vec::new()));
    }
}

/// More than the 128 attributes that the specification has as the limit of a record.
fn full(logger: &impl Logger) {
    let mut record = logger.create_log_record();
    record.add_attributes((0..200).map(|n| (format!("key {n}"), AnyValue::Int(n))));
    logger.emit(record);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_a_provider_has_the_limits_of_its_client() {
    // conf: LIM-05
    let theirs = record_of_theirs(full).await;
    let collector = grpc().await;
    let client = client(&collector).await;
    full(&LoggerProvider::new(&client).logger("l"));
    balanced(&client, &collector).await;
    let ours = &collector.received().logs()[0].record;
    assert_eq!((theirs.attributes.len(), theirs.dropped_attributes_count), (200, 0));
    assert_eq!((ours.attributes.len(), ours.dropped_attributes_count), (128, 72));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_after_the_end_is_nothing_there() {
    let theirs = grpc().await;
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic();
    let exporter = exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).build();
    let tracer = provider.tracer("t");
    drop(tracer.start("in time"));
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
    drop(tracer.start("too late"));
    assert_eq!(theirs.received().spans().len(), 1);
}
