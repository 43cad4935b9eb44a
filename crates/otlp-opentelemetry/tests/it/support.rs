//! What the tests share: a client at a collector, the check of the books, and the SDK's types made by hand.

use opentelemetry_0_33::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry_0_33::{InstrumentationScope, KeyValue};
use opentelemetry_sdk_0_33::Resource;
use opentelemetry_sdk_0_33::trace::{SpanData, SpanEvents, SpanLinks};
use otlp::{
    CircuitBreakerConfig, Client, ClientBuilder, DeliveryReport, Error, RetryBudgetConfig, RetryConfig,
};
use otlp_testkit::{Claim, Collector, Ledger};
use std::time::{Duration, UNIX_EPOCH};

/// Long enough for a busy machine; no test passes by waiting for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn grpc() -> Collector {
    Collector::builder().grpc().start().await.unwrap()
}

pub(crate) fn builder(collector: &Collector) -> ClientBuilder {
    Client::builder()
        .with_endpoint(collector.grpc_endpoint())
        .with_service_name("test")
        .with_flush_timeout(PATIENCE)
}

pub(crate) async fn client(collector: &Collector) -> Client {
    builder(collector).build().await.unwrap()
}

/// A client that tries again at once, and does not stop trying for any number of failures.
pub(crate) async fn persistent(collector: &Collector) -> Client {
    let retry = RetryConfig {
        initial_interval: Duration::from_millis(1),
        max_interval: Duration::from_millis(4),
        ..RetryConfig::default()
    };
    let circuit = CircuitBreakerConfig { failure_threshold: 0, ..CircuitBreakerConfig::default() };
    builder(collector)
        .with_retry_config(retry)
        .with_retry_budget(RetryBudgetConfig { ratio: 1.0, min_per_second: 10_000.0 })
        .with_circuit_breaker(circuit)
        .build()
        .await
        .unwrap()
}

/// With the resource that the SDK has in the programs run through both.
pub(crate) async fn client_with_resource(collector: &Collector) -> Client {
    let attributes = otlp::Resource::new().with("service.name", "shop").with("host.cpus", 4);
    let resource = otlp::Resource { schema_url: "https://example.com/resource".into(), ..attributes };
    Client::builder().with_endpoint(collector.grpc_endpoint()).with_resource(resource).build().await.unwrap()
}

/// Shuts the client down and holds its books against what arrived.
pub(crate) async fn balanced(client: &Client, collector: &Collector) -> DeliveryReport {
    let report = books(client.shutdown(PATIENCE).await);
    check(&Ledger::new(), &report, collector);
    assert_eq!(collector.received().items(), report.delivered() + report.rejected(), "{report}");
    report
}

/// Holds the books on spans against what arrived, and against what was offered, where the ledger knows of any.
pub(crate) fn check(ledger: &Ledger, report: &DeliveryReport, collector: &Collector) {
    let traces = &report.traces.total;
    let claim = Claim {
        accepted: traces.accepted,
        delivered: traces.delivered,
        rejected: traces.rejected,
        dropped: traces.dropped.total(),
        pending: traces.pending(),
    };
    ledger.check(claim, &collector.received()).unwrap();
}

/// The report of a flush or shutdown, whether it was a success or not; the books must balance either way.
pub(crate) fn books(result: Result<DeliveryReport, Error>) -> DeliveryReport {
    let report =
        result.unwrap_or_else(|error| error.report().expect("an error of flush carries the report").clone());
    assert!(report.is_balanced(), "{report:?}");
    report
}

pub(crate) fn resource() -> Resource {
    let attributes = [KeyValue::new("service.name", "shop"), KeyValue::new("host.cpus", 4)];
    Resource::builder_empty().with_schema_url(attributes, "https://example.com/resource").build()
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("library")
        .with_version("1.2.3")
        .with_schema_url("https://example.com/scope")
        .with_attributes([KeyValue::new("library.fast", true)])
        .build()
}

pub(crate) fn context(id: u8) -> SpanContext {
    let (trace, span) = (TraceId::from_bytes([id; 16]), SpanId::from_bytes([id; 8]));
    let state = TraceState::from_key_value([("vendor", "1"), ("other", "2")]).unwrap();
    SpanContext::new(trace, span, TraceFlags::SAMPLED, true, state)
}

/// A span as the SDK hands it to exporters.
pub(crate) fn span(id: u8) -> SpanData {
    SpanData {
        span_context: context(id),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "made by hand".into(),
        start_time: UNIX_EPOCH + Duration::from_nanos(1_000),
        end_time: UNIX_EPOCH + Duration::from_nanos(2_000),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope(),
    }
}
