//! What an export says is the truth: `Ok` when the receiver has all of it, and else why not.

use crate::support::{PATIENCE, balanced, builder, client, grpc, resource, span};
use opentelemetry_0_33::KeyValue;
use opentelemetry_0_33::logs::{Logger as _, LoggerProvider as _};
use opentelemetry_0_33::metrics::MeterProvider as _;
use opentelemetry_0_33::trace::{Event, Link, Status, Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_sdk_0_33::Resource;
use opentelemetry_sdk_0_33::error::OTelSdkError;
use opentelemetry_sdk_0_33::logs::{LogBatch, LogExporter as _, SdkLogRecord, SdkLoggerProvider};
use opentelemetry_sdk_0_33::metrics::data::ResourceMetrics;
use opentelemetry_sdk_0_33::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk_0_33::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
use opentelemetry_sdk_0_33::trace::{SdkTracerProvider, SpanExporter as _};
use otlp::{DropReason, Protocol, RetryConfig, Signal};
use otlp_opentelemetry::opentelemetry_0_33::{LogExporter, MetricExporter, SpanExporter};
use otlp_testkit::{Collector, ReceivedSpan, Reply, Script};
use std::time::{Duration, UNIX_EPOCH};
use tokio::task::block_in_place;

#[tokio::test]
async fn an_export_is_ok_once_the_receiver_has_all_of_it() {
    // conf: BATCH-05, RES-04
    let collector = grpc().await;
    let client = client(&collector).await;
    let mut exporter = SpanExporter::new(&client);
    exporter.set_resource(&resource());
    exporter.export(vec![span(1), span(2)]).await.unwrap();
    let received = collector.received().spans();
    assert_eq!((received.len(), received[0].service_name()), (2, "shop"));
    exporter.force_flush().unwrap();
    exporter.export(Vec::new()).await.unwrap();
    assert_eq!(balanced(&client, &collector).await.delivered(), 2);
}

#[tokio::test]
async fn everything_about_a_span_arrives() {
    // conf: MODEL-03, MODEL-04, MODEL-05, SPAN-16
    let collector = grpc().await;
    let client = client(&collector).await;
    let mut full = span(1);
    full.attributes = vec![KeyValue::new("a", 1), KeyValue::new("b", "text"), KeyValue::new("a", 2)];
    full.dropped_attributes_count = 3;
    let event = |id: u64| {
        let time = UNIX_EPOCH + Duration::from_nanos(id);
        Event::new("event", time, vec![KeyValue::new("on", true)], 5)
    };
    full.events.events = (1..=200).map(event).collect();
    full.events.dropped_count = 4;
    full.links.links = vec![Link::new(crate::support::context(7), vec![KeyValue::new("x", 0.5)], 6)];
    full.links.dropped_count = 8;
    full.status = Status::error("broken");
    SpanExporter::new(&client).export(vec![full]).await.unwrap();
    let received = &collector.received().spans()[0].span;
    let keys: Vec<_> = received.attributes.iter().map(|attribute| &*attribute.key).collect();
    assert_eq!(
        (keys, received.dropped_attributes_count),
        (vec!["a", "b"], 3),
        "the last one of a key counts"
    );
    // The SDK has applied its limits; those of the client, which are lower, are for its own spans.
    assert_eq!((received.events.len(), received.dropped_events_count), (200, 4));
    assert_eq!((received.events[0].time_unix_nano, received.events[0].dropped_attributes_count), (1, 5));
    let link = &received.links[0];
    assert_eq!((link.dropped_attributes_count, received.dropped_links_count), (6, 8));
    assert_eq!((&*link.trace_state, link.flags), ("vendor=1,other=2", 0x301));
    let status = received.status.as_ref().unwrap();
    assert_eq!((status.code, &*status.message), (2, "broken"));
    balanced(&client, &collector).await;
}

#[tokio::test]
async fn what_the_receiver_rejects_or_refuses_is_an_error_with_its_words() {
    // conf: PART-04
    let script = Script::new()
        .first(1, Reply::partial_success(1, "one is bad"))
        .next(1, Reply::invalid_argument().with_message("none of this"))
        .then(Reply::ok());
    let collector = Collector::builder().grpc().reply(script).start().await.unwrap();
    let client = client(&collector).await;
    let exporter = SpanExporter::new(&client);
    let error = exporter.export(vec![span(1), span(2)]).await.unwrap_err().to_string();
    assert!(
        error.contains(
            "of 2 items 1 were delivered, 1 rejected by the receiver; last message of a receiver: one is bad"
        ),
        "{error}"
    );
    let error = exporter.export(vec![span(3)]).await.unwrap_err().to_string();
    assert!(error.contains("1 lost (1 not_retryable)") && error.contains("none of this"), "{error}");
    exporter.export(vec![span(4)]).await.unwrap();
    balanced(&client, &collector).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_flush_and_shutdown_tell_once() {
    // conf: BATCH-13
    let refuse =
        |times| Script::new().first(times, Reply::invalid_argument().with_message("no")).then(Reply::ok());
    let collector = Collector::builder().grpc().reply(refuse(2)).start().await.unwrap();
    let client = client(&collector).await;
    let exporter = SpanExporter::new(&client);
    for batch in [vec![span(1)], vec![span(2), span(3)], vec![span(4)]] {
        let _ = exporter.export(batch).await;
    }
    let told = exporter.force_flush().unwrap_err().to_string();
    assert!(told.contains("3 items were not delivered") && told.contains("not_retryable"), "{told}");
    exporter.force_flush().unwrap();

    // Of the SDK's processors the simple one asks at its end.
    collector.set_script(refuse(2));
    let provider = SdkTracerProvider::builder().with_simple_exporter(SpanExporter::new(&client)).build();
    let told = block_in_place(|| {
        (0..3).for_each(|_| drop(provider.tracer("t").start("s")));
        provider.shutdown_with_timeout(PATIENCE).unwrap_err().to_string()
    });
    assert!(told.contains("2 items were not delivered"), "{told}");
    assert_eq!(balanced(&client, &collector).await.dropped().get(DropReason::NotRetryable), 5);
}

#[tokio::test]
async fn the_time_is_bounded_and_its_end_is_told() {
    // conf: TIME-04, RETRY-12
    let collector = Collector::builder().grpc().reply(Reply::unavailable()).start().await.unwrap();
    let client = client(&collector).await;
    let timeout = Duration::from_millis(50);
    let exporter = SpanExporter::new(&client).with_timeout(timeout);
    let error = exporter.export(vec![span(1)]).await.unwrap_err();
    assert!(matches!(error, OTelSdkError::Timeout(after) if after == timeout), "{error:?}");
    let report = balanced(&client, &collector).await;
    assert_eq!(report.dropped().get(DropReason::Deadline), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_of_logs_and_metrics_is_bounded_too() {
    // conf: TIME-04
    let collector = Collector::builder().grpc().reply(Reply::unavailable()).start().await.unwrap();
    let client = client(&collector).await;
    let timeout = Duration::from_millis(50);
    let (record, scope) = (a_record(), crate::support::scope());
    let logs = LogExporter::new(&client).with_timeout(timeout);
    let error = logs.export(LogBatch::new(&[(&record, &scope)])).await.unwrap_err();
    assert!(matches!(error, OTelSdkError::Timeout(after) if after == timeout), "{error:?}");

    let reader = PeriodicReader::builder(MetricExporter::new(&client).with_timeout(timeout));
    let provider =
        SdkMeterProvider::builder().with_reader(reader.with_interval(PATIENCE * 60).build()).build();
    provider.meter("m").u64_counter("c").build().add(1, &[]);
    block_in_place(|| provider.force_flush()).unwrap_err();
    let report = balanced(&client, &collector).await;
    for signal in [Signal::Logs, Signal::Metrics] {
        assert_eq!(report.signal(signal).total.dropped.get(DropReason::Deadline), 1, "{signal}: {report}");
    }
    drop(provider);
}

fn a_record() -> SdkLogRecord {
    SdkLoggerProvider::builder().build().logger("l").create_log_record()
}

#[tokio::test]
async fn a_value_is_cut_at_the_clients_limit() {
    // conf: LIM-05
    let collector = grpc().await;
    let limits = otlp::Limits { attribute_value_length: Some(10), ..otlp::Limits::default() };
    let client = builder(&collector).with_limits(limits).build().await.unwrap();
    let mut long = span(1);
    long.attributes = vec![KeyValue::new("text", "x".repeat(50))];
    SpanExporter::new(&client).export(vec![long]).await.unwrap();
    let text = collector.received().spans()[0].attribute("text").unwrap().value.clone();
    assert_eq!(text, Some(Value::StringValue("x".repeat(10))));
    balanced(&client, &collector).await;
}

#[tokio::test]
async fn a_new_resource_counts_from_the_next_export_on() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let mut exporter = SpanExporter::new(&client);
    exporter.set_resource(&resource());
    exporter.export(vec![span(1)]).await.unwrap();
    exporter.set_resource(&Resource::builder_empty().with_service_name("other").build());
    exporter.export(vec![span(2)]).await.unwrap();
    let received = collector.received().spans();
    let names: Vec<_> = received.iter().map(ReceivedSpan::service_name).collect();
    assert_eq!(names, ["shop", "other"]);
    balanced(&client, &collector).await;
}

#[tokio::test]
async fn retries_that_give_up_are_an_error() {
    // conf: RETRY-12
    let collector = Collector::builder().grpc().reply(Reply::unavailable()).start().await.unwrap();
    let retry =
        RetryConfig { initial_interval: Duration::from_millis(1), max_attempts: 2, ..RetryConfig::default() };
    let client = builder(&collector).with_retry_config(retry).build().await.unwrap();
    let error = SpanExporter::new(&client).export(vec![span(1)]).await.unwrap_err().to_string();
    assert!(error.contains("retries_exhausted"), "{error}");
    assert_eq!(collector.refused().calls().len(), 2);
    balanced(&client, &collector).await;
}

#[tokio::test]
async fn after_its_shutdown_an_exporter_says_so_and_the_others_go_on() {
    // conf: BATCH-12
    let collector = grpc().await;
    let client = client(&collector).await;
    let (spans, other) = (SpanExporter::new(&client), SpanExporter::new(&client));
    let (logs, metrics) = (LogExporter::new(&client), MetricExporter::new(&client));
    spans.shutdown().unwrap();
    assert!(matches!(spans.shutdown(), Err(OTelSdkError::AlreadyShutdown)));
    assert!(matches!(spans.export(vec![span(1)]).await, Err(OTelSdkError::AlreadyShutdown)));
    assert!(matches!(spans.force_flush(), Err(OTelSdkError::AlreadyShutdown)));
    other.export(vec![span(2)]).await.unwrap();
    logs.shutdown().unwrap();
    metrics.shutdown().unwrap();
    assert!(matches!(logs.export(LogBatch::new(&[])).await, Err(OTelSdkError::AlreadyShutdown)));
    let nothing = ResourceMetrics::default();
    assert!(matches!(metrics.export(&nothing).await, Err(OTelSdkError::AlreadyShutdown)));
    balanced(&client, &collector).await;
    assert!(matches!(other.export(vec![span(3)]).await, Err(OTelSdkError::AlreadyShutdown)));
}

#[tokio::test]
async fn the_temporality_is_what_the_client_prefers_unless_the_exporter_is_told() {
    // conf: METR-59
    let collector = grpc().await;
    for (said, expected) in [
        (None, Temporality::Cumulative),
        (Some("delta"), Temporality::Delta),
        (Some("LowMemory"), Temporality::LowMemory),
    ] {
        let variable = |name: &str| {
            said.filter(|_| name == "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE").map(str::to_owned)
        };
        let variables = || builder(&collector).with_protocol(Protocol::Grpc).with_env_from(variable);
        let client = variables().build().await.unwrap();
        assert_eq!(MetricExporter::new(&client).temporality(), expected);
        let by_code = variables().with_temporality_preference(otlp::TemporalityPreference::Delta);
        let by_code = by_code.build().await.unwrap();
        assert_eq!(MetricExporter::new(&by_code).temporality(), Temporality::Delta);
        by_code.shutdown(PATIENCE).await.unwrap();
        let told = MetricExporter::new(&client).with_temporality(Temporality::Cumulative);
        assert_eq!(told.temporality(), Temporality::Cumulative);
        client.shutdown(PATIENCE).await.unwrap();
    }
}

#[tokio::test]
async fn a_span_without_ids_is_counted_and_costs_no_other() {
    // conf: MODEL-02
    let collector = grpc().await;
    let client = client(&collector).await;
    let mut bad = span(1);
    bad.span_context = opentelemetry_0_33::trace::SpanContext::NONE;
    let exporter = SpanExporter::new(&client);
    let error = exporter.export(vec![bad, span(2)]).await.unwrap_err().to_string();
    assert!(error.contains("1 spans without ids were lost"), "{error}");
    assert!(exporter.force_flush().unwrap_err().to_string().contains("1 spans without ids were lost"));
    let report = balanced(&client, &collector).await;
    assert_eq!((report.delivered(), report.dropped().get(DropReason::EncodeFailed)), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdks_own_flush_tells_what_the_receiver_said() {
    // conf: BATCH-15
    let script = Script::new().first(1, Reply::invalid_argument().with_message("no")).then(Reply::ok());
    let collector = Collector::builder().grpc().reply(script).start().await.unwrap();
    let client = client(&collector).await;
    let provider = SdkTracerProvider::builder().with_batch_exporter(SpanExporter::new(&client)).build();
    provider.tracer("t").start("refused");
    let error = block_in_place(|| provider.force_flush()).unwrap_err().to_string();
    assert!(error.contains("not_retryable"), "{error}");
    provider.tracer("t").start("taken");
    block_in_place(|| provider.force_flush()).unwrap();
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
    balanced(&client, &collector).await;
}
