//! Each row of the README's table of differences: what the same program sends through opentelemetry-otlp and through ours. That
//! nothing else differs is in `differential.rs`; the row on targets is in `targets.rs`.

use crate::differential::{run_logs, run_metrics, run_spans};
use crate::support::{PATIENCE, balanced, books, client, client_with_resource, grpc};
use opentelemetry_0_33::logs::{LogRecord as _, Logger};
use opentelemetry_0_33::trace::{Span as _, SpanContext, SpanId, TraceId, Tracer, TracerProvider as _};
use opentelemetry_0_33::{Context, KeyValue};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point::Value as Number};
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp::DropReason;
use otlp_opentelemetry::opentelemetry_0_33::{
    LogExporter, LoggerProvider, MetricExporter, SpanExporter, TracerProvider,
};
use otlp_testkit::Collector;

/// The only span, sent by the exporter of opentelemetry-otlp.
async fn span_of_theirs<T>(program: fn(&opentelemetry_sdk_0_33::trace::SdkTracer) -> T) -> Span {
    let collector = grpc().await;
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic();
    let exporter = exporter.with_endpoint(collector.grpc_endpoint()).build().unwrap();
    run_spans(exporter, |provider| drop(program(&provider.tracer("t"))));
    only_span(&collector)
}

fn only_span(collector: &Collector) -> Span {
    let [span] = &*collector.received().spans() else { panic!("not one span") };
    span.span.clone()
}

/// A key twice, and links without a context, of which one says something.
fn differ<T: Tracer>(tracer: &T) {
    let mut span = tracer.start_with_context("s", &Context::new());
    span.set_attribute(KeyValue::new("a", 1));
    span.set_attribute(KeyValue::new("b", true));
    span.set_attribute(KeyValue::new("a", 2));
    span.add_link(SpanContext::NONE, Vec::new());
    span.add_link(SpanContext::NONE, vec![KeyValue::new("why", "because")]);
}

fn attributes(span: &Span) -> Vec<(&str, Option<Value>)> {
    let value = |of: &Option<opentelemetry_proto::tonic::common::v1::AnyValue>| of.clone()?.value;
    span.attributes.iter().map(|one| (&*one.key, value(&one.value))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_key_the_last_value_is_sent_and_of_links_without_a_context_those_that_say_something() {
    // conf: MODEL-08, SPAN-18
    let theirs = span_of_theirs(differ).await;
    let (int, truth) = (|n| Some(Value::IntValue(n)), Some(Value::BoolValue(true)));
    assert_eq!(attributes(&theirs), [("a", int(1)), ("b", truth.clone()), ("a", int(2))]);
    assert_eq!(theirs.links.len(), 2);

    let (exported, provided) = (grpc().await, grpc().await);
    let (by_exporter, by_provider) = (client(&exported).await, client(&provided).await);
    run_spans(SpanExporter::new(&by_exporter), |provider| differ(&provider.tracer("t")));
    differ(&TracerProvider::new(&by_provider).tracer("t"));
    for (client, collector) in [(by_exporter, exported), (by_provider, provided)] {
        balanced(&client, &collector).await;
        let ours = only_span(&collector);
        assert_eq!(attributes(&ours), [("a", int(2)), ("b", truth.clone())]);
        let [link] = &*ours.links else { panic!("{:?}", ours.links) };
        assert_eq!(link.attributes[0].key, "why");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_root_of_ours_says_that_its_ids_are_random() {
    // conf: LIM-02
    let root = |tracer: &_| Tracer::start_with_context(tracer, "s", &Context::new());
    let theirs = span_of_theirs(root).await;
    let collector = grpc().await;
    let client = client(&collector).await;
    drop(TracerProvider::new(&client).tracer("t").start_with_context("s", &Context::new()));
    balanced(&client, &collector).await;
    assert_eq!((theirs.flags, only_span(&collector).flags), (0x101, 0x103));
}

/// The id of its trace is invalid, as of a record outside of all spans.
fn log(logger: &impl Logger) {
    let mut record = logger.create_log_record();
    record.set_trace_context(TraceId::INVALID, SpanId::INVALID, None);
    logger.emit(record);
}

fn only_record(collector: &Collector) -> LogRecord {
    let [log] = &*collector.received().logs() else { panic!("not one log record") };
    log.record.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_trace_id_is_none() {
    // conf: MODEL-02
    let (theirs, exported, provided) = (grpc().await, grpc().await, grpc().await);
    let exporter = opentelemetry_otlp::LogExporter::builder().with_tonic();
    run_logs(exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap(), log);
    assert_eq!(only_record(&theirs).trace_id, [0; 16]);

    let (by_exporter, by_provider) = (client(&exported).await, client(&provided).await);
    run_logs(LogExporter::new(&by_exporter), log);
    log(&opentelemetry_0_33::logs::LoggerProvider::logger(&LoggerProvider::new(&by_provider), "l"));
    for (client, collector) in [(by_exporter, exported), (by_provider, provided)] {
        balanced(&client, &collector).await;
        let ours = only_record(&collector);
        assert!(ours.trace_id.is_empty() && ours.span_id.is_empty(), "{ours:?}");
    }
}

fn only_number(collector: &Collector) -> Option<Number> {
    let [metric] = &*collector.received().metrics() else { panic!("not one metric") };
    let Some(Data::Sum(sum)) = &metric.metric.data else { panic!("{metric:?}") };
    sum.data_points[0].value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_too_large_is_the_largest() {
    // conf: METR-59
    let (theirs, ours) = (grpc().await, grpc().await);
    let count = |meter: &opentelemetry_0_33::metrics::Meter| {
        meter.u64_counter("c").build().add(u64::MAX, &[]);
    };
    let exporter = opentelemetry_otlp::MetricExporter::builder().with_tonic();
    run_metrics(exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap(), count);
    let client = client(&ours).await;
    run_metrics(MetricExporter::new(&client), count);
    balanced(&client, &ours).await;
    assert_eq!(only_number(&theirs), Some(Number::AsInt(0)));
    assert_eq!(only_number(&ours), Some(Number::AsInt(i64::MAX)));
}

#[tokio::test]
async fn a_span_of_a_provider_has_the_resource_of_its_client_and_is_counted_after_its_end() {
    // conf: BATCH-12
    let collector = grpc().await;
    let client = client_with_resource(&collector).await;
    let tracer = TracerProvider::new(&client).tracer("t");
    tracer.start("in time").end();
    books(client.shutdown(PATIENCE).await);
    assert_eq!(collector.received().spans()[0].service_name(), "shop");
    tracer.start("too late").end();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.dropped().get(DropReason::ShutDown)), (2, 1));
}
