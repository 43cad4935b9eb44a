//! What the tests share: a client at a collector, and the check of the books.

use otlp::{
    BatchConfig, CircuitBreakerConfig, Client, ClientBuilder, DeliveryReport, Error, Protocol,
    RetryBudgetConfig, RetryConfig, Tracer,
};
use otlp_testkit::{Claim, Collector, Ledger};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};

/// Long enough for a busy machine; no test passes by waiting for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn grpc() -> Collector {
    Collector::builder().grpc().start().await.unwrap()
}

pub(crate) async fn http() -> Collector {
    Collector::builder().http().start().await.unwrap()
}

pub(crate) fn builder(endpoint: impl Into<String>) -> ClientBuilder {
    Client::builder().with_endpoint(endpoint).with_service_name("test").with_flush_timeout(PATIENCE)
}

pub(crate) async fn client(collector: &Collector) -> Client {
    builder(collector.grpc_endpoint()).build().await.unwrap()
}

/// The report of a flush or shutdown, whether it was a success or not; the books must balance either way.
pub(crate) fn books(result: Result<DeliveryReport, Error>) -> DeliveryReport {
    let report =
        result.unwrap_or_else(|error| error.report().expect("an error of flush carries the report").clone());
    assert!(report.is_balanced(), "{report:?}");
    report
}

/// Everything was delivered and the collector has it: the usual end of a test.
pub(crate) async fn all_delivered(client: &Client, collector: &Collector, items: u64) {
    let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
    assert_eq!((report.accepted(), report.delivered(), report.pending()), (items, items, 0), "{report}");
    assert_eq!(collector.received().items(), items);
}

/// Retries after milliseconds, for as long as the export timeout allows.
pub(crate) fn retry_soon() -> RetryConfig {
    RetryConfig {
        initial_interval: Duration::from_millis(1),
        max_interval: Duration::from_millis(20),
        ..RetryConfig::default()
    }
}

/// A client that tries again within milliseconds, however long the receiver has been down.
pub(crate) fn insistent(endpoint: impl Into<String>) -> ClientBuilder {
    let circuit = CircuitBreakerConfig {
        initial_interval: Duration::from_millis(1),
        max_interval: Duration::from_millis(4),
        ..CircuitBreakerConfig::default()
    };
    builder(endpoint)
        .with_retry_config(retry_soon())
        .with_circuit_breaker(circuit)
        .with_retry_budget(RetryBudgetConfig { ratio: 1.0, min_per_second: 10_000.0 })
}

/// Batches that wait for milliseconds only.
pub(crate) fn batch_soon() -> BatchConfig {
    BatchConfig { batch_timeout: Duration::from_millis(5), ..BatchConfig::default() }
}

/// The collector's endpoint for a protocol.
pub(crate) fn endpoint(collector: &Collector, protocol: Protocol) -> String {
    match protocol {
        Protocol::Grpc => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    }
}

/// The client's account of all signals together, to be held against what arrived.
pub(crate) fn claim(report: &DeliveryReport) -> Claim {
    Claim {
        accepted: report.accepted(),
        delivered: report.delivered(),
        rejected: report.rejected(),
        dropped: report.dropped().total(),
        pending: report.pending(),
    }
}

/// Makes so many spans, and enters them in the ledger.
pub(crate) fn offer(spans: u64, tracer: &Tracer, ledger: &mut Ledger) {
    for _ in 0..spans {
        let mut span = tracer.start("s");
        ledger.offered(span.context().span_id());
        span.end();
    }
}

/// A subscriber that keeps warnings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings(pub(crate) Arc<Mutex<Vec<String>>>);

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
