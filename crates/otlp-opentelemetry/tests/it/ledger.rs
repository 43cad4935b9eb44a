//! The books balance through each adapter, whatever the receiver does: what is claimed is there, and what is missing was told.

use crate::support::{PATIENCE, books, builder, check, grpc, span};
use opentelemetry_0_33::Context;
use opentelemetry_0_33::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk_0_33::trace::SpanExporter as _;
use otlp::{CircuitBreakerConfig, Client, RetryBudgetConfig, RetryConfig};
use otlp_opentelemetry::opentelemetry_0_33::{SpanExporter, TracerProvider};
use otlp_testkit::{Collector, Ledger, Reply, Script};
use std::time::Duration;

/// Refusals that pass, one that does not, rejected items, and connections that break after the request was taken.
fn trouble() -> Script {
    Script::from_fn(|call| match call.number % 7 {
        1 => Reply::unavailable(),
        2 => Reply::partial_success(1, "one less"),
        3 => Reply::accept_then_close(),
        5 => Reply::invalid_argument(),
        _ => Reply::ok(),
    })
}

async fn client(collector: &Collector) -> Client {
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

#[tokio::test]
async fn of_the_exporter_whose_answers_add_up_to_them() {
    // conf: BATCH-05
    let collector = Collector::builder().grpc().reply(trouble()).start().await.unwrap();
    let client = client(&collector).await;
    let (exporter, mut ledger) = (SpanExporter::new(&client), Ledger::new());
    let mut delivered = 0;
    for batch in 1..=20u8 {
        let ids = [batch, batch + 100];
        ids.iter().for_each(|id| ledger.offered(otlp::SpanId::from_bytes([*id; 8])));
        if exporter.export(ids.map(span).to_vec()).await.is_ok() {
            delivered += 2;
            ids.iter().for_each(|id| ledger.delivered(otlp::SpanId::from_bytes([*id; 8])));
        }
    }
    let report = books(client.shutdown(PATIENCE).await);
    assert!((1..40).contains(&delivered) && report.delivered() >= delivered, "{report}");
    check(&ledger, &report, &collector);
}

#[tokio::test]
async fn of_the_providers_path() {
    let collector = Collector::builder().grpc().reply(trouble()).start().await.unwrap();
    let client = client(&collector).await;
    let (tracer, mut ledger) = (TracerProvider::new(&client).tracer("t"), Ledger::new());
    for _ in 0..20 {
        for _ in 0..3 {
            let span = tracer.start_with_context("s", &Context::new());
            ledger.offered(otlp::SpanId::from_bytes(span.span_context().span_id().to_bytes()));
        }
        books(client.flush().await);
    }
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!(report.accepted(), 60);
    check(&ledger, &report, &collector);
}

#[tokio::test]
async fn of_a_provider_that_outlives_its_client() {
    // conf: BATCH-12
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = TracerProvider::new(&client).tracer("t");
    tracer.start("in time").end();
    books(client.shutdown(PATIENCE).await);
    tracer.start("too late").end();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.delivered(), report.dropped().get(otlp::DropReason::ShutDown)), (1, 1));
    check(&Ledger::new(), &report, &collector);
}
