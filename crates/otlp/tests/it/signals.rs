//! Options of single signals: another receiver, another protocol, other headers, or none of the signal at all.

use crate::support::{PATIENCE, books, builder, grpc, http};
use otlp::{
    BatchConfig, Client, ErrorKind, InstrumentationScope, LogRecord, Origin, Signal, SignalConfig,
    SpanContext, SpanId, SpanKind, TraceContext, TraceFlags, TraceId,
};
use otlp_testkit::Protocol;
use std::time::Duration;

fn scope() -> InstrumentationScope {
    InstrumentationScope::new("t")
}

#[tokio::test]
async fn each_signal_goes_where_it_is_told() {
    // conf: URL-01, URL-07, ENV-10, DEC-09
    let (near, far) = (grpc().await, http().await);
    let client = builder(near.grpc_endpoint())
        .with_header("x-tenant", "all")
        .with_header("x-more", "all")
        .with_signal_config(
            Signal::Logs,
            SignalConfig {
                endpoint: Some(format!("{}/v1/logs", far.http_endpoint())),
                protocol: Some(otlp::Protocol::Http),
                headers: Some(vec![("x-tenant".into(), "logs".into())]),
                ..SignalConfig::default()
            },
        )
        .build()
        .await
        .unwrap();
    client.tracer("t").start("s").end();
    client.export_logs(&scope(), [LogRecord::default(), LogRecord::default()]).unwrap();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.traces.total.delivered, report.logs.total.delivered), (1, 2), "{report}");

    let traces = near.received();
    assert_eq!((traces.items(), traces.calls().len()), (1, 1));
    let call = traces.calls().next().unwrap();
    assert_eq!(
        (call.protocol, call.header("x-tenant"), call.header("x-more")),
        (Protocol::Grpc, Some("all"), Some("all"))
    );
    let logs = far.received();
    assert_eq!((logs.items(), logs.calls().len()), (2, 1), "the path is used as given: nothing is appended");
    let call = logs.calls().next().unwrap();
    assert_eq!(
        (call.protocol, call.header("x-tenant"), call.header("x-more")),
        (Protocol::Http, Some("logs"), None)
    );
}

#[tokio::test]
async fn signals_with_one_destination_share_their_connections_and_others_do_not() {
    let (near, far) = (grpc().await, grpc().await);
    let apart = SignalConfig { endpoint: Some(far.grpc_endpoint()), ..SignalConfig::default() };
    let client =
        builder(near.grpc_endpoint()).with_signal_config(Signal::Metrics, apart).build().await.unwrap();
    client.health_check().await.unwrap();
    assert_eq!((near.connections(), far.connections()), (1, 1), "each receiver is asked once");
    client.tracer("t").start("s").end();
    client.export_logs(&scope(), [LogRecord::default()]).unwrap();
    client.flush().await.unwrap();
    assert_eq!((near.connections(), far.connections()), (1, 1));
    assert_eq!(client.get_connection_pool_stats().await.unwrap().connections_opened, 2);
    far.kill().await.unwrap();
    assert!(client.health_check().await.unwrap_err().is_connect(), "one that is down is told");
    books(client.shutdown(PATIENCE).await);
}

#[tokio::test]
async fn a_signals_own_receiver_being_down_does_not_hold_up_the_others() {
    // conf: RETRY-19
    let (near, far) = (grpc().await, grpc().await);
    let apart = SignalConfig { endpoint: Some(far.grpc_endpoint()), ..SignalConfig::default() };
    far.kill().await.unwrap();
    let client = builder(near.grpc_endpoint()).with_signal_config(Signal::Logs, apart).build().await.unwrap();
    client.export_logs(&scope(), [LogRecord::default()]).unwrap();
    client.tracer("t").start("s").end();
    near.wait_for(1, PATIENCE).await.unwrap();
    far.restart().await.unwrap();
    far.wait_for(1, PATIENCE).await.unwrap();
    books(client.shutdown(PATIENCE).await);
}

#[tokio::test]
async fn a_signal_that_is_off_makes_nothing_and_enters_no_books() {
    // conf: ENV-17
    let collector = grpc().await;
    let off = SignalConfig { enabled: Some(false), ..SignalConfig::default() };
    let client =
        builder(collector.grpc_endpoint()).with_signal_config(Signal::Logs, off).build().await.unwrap();
    assert_eq!(client.export_logs(&scope(), [LogRecord::default()]).unwrap(), 0);
    client.tracer("t").start("s").end();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.logs.total.accepted), (1, 0));
    assert_eq!(collector.received().items(), 1);
}

#[tokio::test]
async fn a_disabled_client_does_nothing_but_hand_contexts_on() {
    // conf: ENV-12, SPAN-22, SPAN-24, SPAN-31
    let collector = grpc().await;
    let disabled = builder(collector.grpc_endpoint()).with_disabled(true);
    // Where telemetry is off there need be no token.
    let client = disabled.with_bearer_token_file("/nowhere/token").build().await.unwrap();
    let caller =
        SpanContext::new(TraceId::from_bytes([7; 16]), SpanId::from_bytes([5; 8]), TraceFlags::SAMPLED);
    let tracer = client.tracer("t");
    let mut span = tracer.start_with_context("s", SpanKind::Server, &TraceContext::from(caller.clone()));
    assert_eq!(span.context().span_context(), &caller, "as if it were not there");
    span.end();
    assert!(!tracer.start("root").context().span_context().is_valid() && !tracer.is_enabled());
    assert_eq!(client.export_logs(&scope(), [LogRecord::default()]).unwrap(), 0);
    client.health_check().await.unwrap();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), collector.connections()), (0, 0));
}

#[tokio::test]
async fn batches_may_be_of_another_size() {
    let collector = grpc().await;
    let two = SignalConfig {
        batch: Some(BatchConfig { max_batch_size: 2, ..BatchConfig::default() }),
        ..SignalConfig::default()
    };
    let client =
        builder(collector.grpc_endpoint()).with_signal_config(Signal::Logs, two).build().await.unwrap();
    client.export_logs(&scope(), vec![LogRecord::default(); 6]).unwrap();
    let tracer = client.tracer("t");
    (0..6).for_each(|_| tracer.start("s").end());
    books(client.shutdown(PATIENCE).await);
    let received = collector.received();
    let sizes = |signal| {
        received.calls().filter(|call| call.signal == signal).map(|call| call.items).collect::<Vec<_>>()
    };
    assert_eq!((sizes(Signal::Logs), sizes(Signal::Traces)), (vec![2, 2, 2], vec![6]));
}

#[test]
fn bad_values_are_refused_by_name() {
    let refused = |config: SignalConfig, option: &str| {
        let error = Client::builder().with_signal_config(Signal::Traces, config).resolve().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().starts_with(&format!("with_signal_config: {option}")), "{error}");
    };
    let default = SignalConfig::default;
    refused(SignalConfig { endpoint: Some("no endpoint".into()), ..default() }, "endpoint");
    refused(SignalConfig { request_timeout: Some(Duration::ZERO), ..default() }, "request_timeout");
    refused(SignalConfig { export_timeout: Some(Duration::ZERO), ..default() }, "export_timeout");
    refused(SignalConfig { headers: Some(vec![("te".into(), "x".into())]), ..default() }, "headers");
    let batch = BatchConfig { max_batch_size: 0, ..BatchConfig::default() };
    refused(SignalConfig { batch: Some(batch), ..default() }, "batch: max_batch_size");
}

#[test]
fn what_only_together_is_bad_is_told_by_the_name_of_who_said_it() {
    let told = |builder: otlp::ClientBuilder, own: SignalConfig, expected: &str| {
        let error = builder.with_signal_config(Signal::Logs, own).build_blocking().unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    };
    let (grpc, default) = (|| Client::builder().with_protocol(otlp::Protocol::Grpc), SignalConfig::default);
    let json = otlp::SerializationFormat::Json;
    told(grpc(), SignalConfig { format: Some(json), ..default() }, "with_signal_config: format: JSON goes");
    let own = SignalConfig { protocol: Some(otlp::Protocol::Grpc), ..default() };
    let all = Client::builder().with_serialization_format(json);
    told(all, own, "with_signal_config: protocol: JSON goes");
    #[cfg(not(feature = "zstd"))]
    {
        let own = SignalConfig { compression: Some(otlp::Compression::Zstd), ..default() };
        told(grpc(), own, "with_signal_config: compression: ");
    }
    #[cfg(feature = "_tls")]
    {
        let tls = |ca_file: &str| Some(otlp::TlsConfig { ca_file: ca_file.into(), ..Default::default() });
        let own = SignalConfig { endpoint: Some("http://c:1".into()), tls: tls(""), ..default() };
        let asks = "with_signal_config: tls: enabled: asks for TLS, and with_signal_config: endpoint says http://c:1,";
        told(grpc(), own, asks);
        let own = SignalConfig { endpoint: Some("https://c:1".into()), tls: tls("/nowhere"), ..default() };
        told(grpc(), own, "with_signal_config: tls: ca_file: /nowhere: ");
    }
}

#[test]
fn every_value_says_who_set_it_and_secrets_are_not_told() {
    // conf: HDR-09
    let own = SignalConfig { endpoint: Some("http://logs/x?key=hunter2".into()), ..SignalConfig::default() };
    let builder = Client::builder()
        .with_endpoint("http://all:4317")
        .with_header("api-key", "hunter2")
        .with_proxy("http://user:hunter2@proxy:3128")
        .with_max_in_flight(3)
        .with_max_connection_age(Duration::from_secs(7))
        .with_trace_based_logs(true)
        .with_signal_config(Signal::Logs, own);
    let config = builder.resolve().unwrap();
    let of = |name: &str| {
        let entry = config.get(name).unwrap_or_else(|| panic!("no entry {name}"));
        (entry.value.as_str(), entry.origin.clone())
    };
    assert_eq!(of("traces.endpoint"), ("http://all:4317", Origin::Code));
    assert_eq!(of("logs.endpoint"), ("http://logs/x?…", Origin::Code));
    assert_eq!(of("traces.headers.api-key"), ("<redacted>", Origin::Code));
    assert_eq!(of("traces.compression"), ("None", Origin::Default));
    assert_eq!(of("max_in_flight"), ("3", Origin::Code));
    assert_eq!(of("max_connection_age"), ("7s", Origin::Code));
    assert_eq!(of("keep_alive_interval"), ("300s", Origin::Default));
    assert_eq!(of("trace_based_logs"), ("true", Origin::Code));
    assert_eq!(of("proxy"), ("http://proxy:3128", Origin::Code));
    let text = format!("{}{config:?}{builder:?}", config.explain());
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("max_in_flight"), "{text}");
}
