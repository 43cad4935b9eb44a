//! Typed spans, logs and metrics through the same client.

use crate::support::{PATIENCE, all_delivered, books, builder, client};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use otlp::{
    AnyValue, DropReason, ErrorKind, Gauge, InstrumentationScope, LogRecord, Metric, NumberDataPoint,
    Protocol, Resource, Signal, SpanContext, SpanData, SpanId, TraceFlags, TraceId,
};
use otlp_testkit::Collector;

fn span(id: u8) -> SpanData {
    let context =
        SpanContext::new(TraceId::from_bytes([id; 16]), SpanId::from_bytes([id; 8]), TraceFlags::SAMPLED);
    SpanData::new(context, "typed", 1_000, 2_000)
}

fn point(time: u64, value: i64) -> NumberDataPoint {
    NumberDataPoint::new(0, time, value)
}

fn log(text: &'static str) -> LogRecord {
    LogRecord { body: Some(AnyValue::from(text)), observed_time_unix_nano: 7, ..LogRecord::default() }
}

#[tokio::test]
async fn all_signals_arrive_and_are_counted() {
    // conf: MODEL-01, LOG-18
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::builder().start().await.unwrap();
        let endpoint = match protocol {
            Protocol::Grpc => collector.grpc_endpoint(),
            _ => collector.http_endpoint(),
        };
        let client = builder(endpoint).with_protocol(protocol).build().await.unwrap();
        let scope = InstrumentationScope::new("typed").with_version("1.2.3");
        assert_eq!(client.export_traces(&scope, [span(1), span(2)]).unwrap(), 2);
        assert_eq!(client.export_logs(&scope, [log("hello")]).unwrap(), 1);
        let metric =
            Metric::new("queue.length", Gauge { data_points: vec![point(5_000, 3), point(6_000, 4)] });
        assert_eq!(client.export_metrics(&scope, [metric]).unwrap(), 2);
        let report = client.flush().await.unwrap();
        assert_eq!(report.traces.total.delivered, 2);
        assert_eq!((report.logs.total.delivered, report.metrics.total.delivered), (1, 2));
        let received = collector.received();
        assert_eq!(received.spans()[0].scope.version, "1.2.3");
        assert_eq!(received.logs()[0].record.observed_time_unix_nano, 7);
        let Some(Data::Gauge(gauge)) = &received.metrics()[0].metric.data else { panic!() };
        assert_eq!(gauge.data_points.len(), 2);
        all_delivered(&client, &collector, 5).await;
    }
}

#[tokio::test]
async fn what_others_made_keeps_their_resource() {
    // conf: MODEL-01
    let collector = Collector::builder().start().await.unwrap();
    let client = client(&collector).await;
    let scope = InstrumentationScope::new("typed");
    let theirs = Resource::new().with("service.name", "theirs");
    let metric = Metric::new("queue.length", Gauge { data_points: vec![point(5_000, 3)] });
    assert_eq!(client.export_traces_from(&theirs, &scope, [span(1)]).unwrap(), 1);
    assert_eq!(client.export_logs_from(&theirs, &scope, [log("hello")]).unwrap(), 1);
    assert_eq!(client.export_metrics_from(&theirs, &scope, [metric]).unwrap(), 1);
    assert_eq!(client.export_logs(&scope, [log("ours")]).unwrap(), 1);
    all_delivered(&client, &collector, 4).await;
    let received = collector.received();
    assert_eq!(received.spans()[0].service_name(), "theirs");
    assert_eq!(received.metrics()[0].service_name(), "theirs");
    let mut of_logs: Vec<_> =
        received.logs().iter().map(|received| received.service_name().to_owned()).collect();
    of_logs.sort_unstable();
    assert_eq!(of_logs, ["test", "theirs"]);
}

#[tokio::test]
async fn what_does_not_get_into_the_queue_is_told_at_once() {
    let client = client(&Collector::builder().start().await.unwrap()).await;
    client.shutdown(PATIENCE).await.unwrap();
    let error = client.export_logs(&InstrumentationScope::default(), [log("late")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(
        error.to_string().starts_with("of 1 logs items 0 were queued, the others lost (1 shut_down)"),
        "{error}"
    );
    assert_eq!(client.stats(Signal::Logs).dropped.get(DropReason::ShutDown), 1);
    assert!(books(client.shutdown(PATIENCE).await).is_balanced());
}

#[tokio::test]
async fn what_receivers_would_refuse_is_named_and_counted() {
    // conf: MODEL-02, MODEL-20
    let collector = Collector::builder().start().await.unwrap();
    let client = client(&collector).await;
    let scope = InstrumentationScope::default();
    let nameless = SpanData::new(SpanContext::default(), "nameless", 1, 2);
    let error = client.export_traces(&scope, [span(1), nameless]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("1 encode_failed") && text.contains(r#"span "nameless": trace_id is all zero"#),
        "{text}"
    );
    let timeless = Metric::new("m", Gauge { data_points: vec![point(0, 1), point(1, 1)] });
    let error = client.export_metrics(&scope, [timeless]).unwrap_err();
    assert!(
        error.to_string().contains("2 encode_failed") && error.to_string().contains("metric \"m\""),
        "{error}"
    );
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.delivered()), (4, 1));
    assert_eq!(report.dropped().get(DropReason::EncodeFailed), 3);
    assert_eq!(collector.received().items(), 1);
}
