//! The books balance through each adapter, whatever the receiver does: what is claimed is there, and what is missing was told.

use crate::support::{PATIENCE, books, check, grpc, persistent, span};
use opentelemetry_0_33::Context;
use opentelemetry_0_33::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry_0_33::metrics::MeterProvider as _;
use opentelemetry_0_33::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk_0_33::logs::{BatchConfigBuilder, BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk_0_33::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk_0_33::trace::SpanExporter as _;
use otlp::Signal;
use otlp_opentelemetry::opentelemetry_0_33::{
    LogExporter, LoggerProvider, MetricExporter, SpanExporter, TracerProvider,
};
use otlp_testkit::{Collector, Ledger, ReceivedLog, Reply, Script};
use std::collections::HashSet;
use std::time::Duration;
use tokio::task::block_in_place;

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

#[tokio::test]
async fn of_the_exporter_whose_answers_add_up_to_them() {
    // conf: BATCH-05
    let collector = Collector::builder().grpc().reply(trouble()).start().await.unwrap();
    let client = persistent(&collector).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_exporters_of_logs_and_metrics() {
    // conf: BATCH-05
    let collector = Collector::builder().grpc().reply(trouble()).start().await.unwrap();
    let client = persistent(&collector).await;
    // Nothing is exported but by a flush, whose answer is looked at.
    let never = Duration::from_secs(3600);
    let batches = BatchConfigBuilder::default().with_scheduled_delay(never).build();
    let logs = BatchLogProcessor::builder(LogExporter::new(&client)).with_batch_config(batches).build();
    let logs = SdkLoggerProvider::builder().with_log_processor(logs).build();
    let metrics = PeriodicReader::builder(MetricExporter::new(&client)).with_interval(never).build();
    let metrics = SdkMeterProvider::builder().with_reader(metrics).build();
    let (logger, counter) = (logs.logger("l"), metrics.meter("m").u64_counter("c").build());
    let mut told = 0;
    for _ in 0..20 {
        logger.emit(logger.create_log_record());
        counter.add(1, &[]);
        told += u64::from(block_in_place(|| logs.force_flush()).is_err());
        told += u64::from(block_in_place(|| metrics.force_flush()).is_err());
    }
    // What an export could not deliver the SDK has told; here it is in the books.
    let report = books(client.shutdown(PATIENCE).await);
    for (signal, received) in [
        (Signal::Logs, collector.received().logs().len()),
        (Signal::Metrics, collector.received().metrics().len()),
    ] {
        let books = report.signal(signal).total;
        assert_eq!((books.accepted, books.pending()), (20, 0), "{signal}: {report}");
        assert!((1..20).contains(&books.delivered), "{signal}: {report}");
        assert!(received as u64 >= books.delivered, "{signal}: {report}");
    }
    assert_eq!(told, report.rejected() + report.dropped().total(), "one item an export: {report}");
}

#[tokio::test]
async fn of_the_providers_path() {
    let collector = Collector::builder().grpc().reply(trouble()).start().await.unwrap();
    let client = persistent(&collector).await;
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
async fn of_the_loggers_path() {
    // conf: BATCH-05
    let collector = Collector::builder().grpc().reply(trouble()).start().await.unwrap();
    let client = persistent(&collector).await;
    let logger = LoggerProvider::new(&client).logger("l");
    for number in 0..60 {
        let mut record = logger.create_log_record();
        record.set_body(AnyValue::Int(number));
        logger.emit(record);
        if number % 3 == 2 {
            books(client.flush().await);
        }
    }
    let report = books(client.shutdown(PATIENCE).await);
    let total = report.logs.total;
    assert_eq!((total.accepted, total.pending()), (60, 0), "{report}");
    // Each record is one of its kind: what is told to be delivered is there, and what is not there was told.
    let told = |log: &ReceivedLog| format!("{:?}", log.record.body);
    let distinct = collector.received().logs().iter().map(told).collect::<HashSet<_>>().len() as u64;
    assert!(
        (1..60).contains(&total.delivered) && distinct >= total.delivered,
        "{distinct} records: {report}"
    );
    assert!(60 - distinct <= total.rejected + total.dropped.total(), "{distinct} records: {report}");
}

#[tokio::test]
async fn of_a_provider_that_outlives_its_client() {
    // conf: BATCH-12
    let collector = grpc().await;
    let client = persistent(&collector).await;
    let tracer = TracerProvider::new(&client).tracer("t");
    tracer.start("in time").end();
    books(client.shutdown(PATIENCE).await);
    tracer.start("too late").end();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.delivered(), report.dropped().get(otlp::DropReason::ShutDown)), (1, 1));
    check(&Ledger::new(), &report, &collector);
}
