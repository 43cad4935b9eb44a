//! Every processor and reader of the SDK delivers through ours, on every kind of runtime and on none.

use crate::support::{PATIENCE, balanced, client, grpc};
use opentelemetry_0_33::logs::{Logger as _, LoggerProvider as _};
use opentelemetry_0_33::metrics::MeterProvider as _;
use opentelemetry_0_33::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk_0_33::logs::log_processor_with_async_runtime::BatchLogProcessor;
use opentelemetry_sdk_0_33::logs::{LoggerProviderBuilder, SdkLoggerProvider};
use opentelemetry_sdk_0_33::metrics::periodic_reader_with_async_runtime::PeriodicReader;
use opentelemetry_sdk_0_33::metrics::{MeterProviderBuilder, SdkMeterProvider};
use opentelemetry_sdk_0_33::runtime;
use opentelemetry_sdk_0_33::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk_0_33::trace::{SdkTracerProvider, TracerProviderBuilder};
use otlp_opentelemetry::opentelemetry_0_33::{LogExporter, MetricExporter, SpanExporter};
use otlp_testkit::Collector;

const SPANS: u64 = 100;

fn trace(builder: TracerProviderBuilder) {
    let provider = builder.build();
    let tracer = provider.tracer("t");
    (0..SPANS).for_each(|_| drop(tracer.start("s")));
    provider.force_flush().unwrap();
    provider.shutdown_with_timeout(PATIENCE).unwrap();
}

/// Blocking calls of the SDK on the only thread of the runtime that the collector, too, runs on would wait for each other: it
/// has one of its own.
fn collector() -> Collector {
    Collector::builder().grpc().start_blocking().unwrap()
}

#[tokio::test]
async fn the_batch_processor_in_a_runtime_of_one_thread() {
    let collector = collector();
    let client = client(&collector).await;
    trace(SdkTracerProvider::builder().with_batch_exporter(SpanExporter::new(&client)));
    assert_eq!(balanced(&client, &collector).await.delivered(), SPANS);
}

#[tokio::test]
async fn the_simple_processor_in_a_runtime_of_one_thread() {
    let collector = collector();
    let client = client(&collector).await;
    trace(SdkTracerProvider::builder().with_simple_exporter(SpanExporter::new(&client)));
    assert_eq!(balanced(&client, &collector).await.delivered(), SPANS);
}

#[test]
fn both_processors_without_a_runtime() {
    let collector = collector();
    let client = futures_executor::block_on(client(&collector));
    trace(SdkTracerProvider::builder().with_batch_exporter(SpanExporter::new(&client)));
    trace(SdkTracerProvider::builder().with_simple_exporter(SpanExporter::new(&client)));
    assert_eq!(futures_executor::block_on(balanced(&client, &collector)).delivered(), 2 * SPANS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_processor_that_is_a_tokio_task() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let processor = BatchSpanProcessor::builder(SpanExporter::new(&client), runtime::Tokio).build();
    tokio::task::block_in_place(|| trace(SdkTracerProvider::builder().with_span_processor(processor)));
    assert_eq!(balanced(&client, &collector).await.delivered(), SPANS);
}

#[tokio::test]
async fn the_processor_with_a_tokio_of_its_own_thread() {
    let collector = collector();
    let client = client(&collector).await;
    let processor =
        BatchSpanProcessor::builder(SpanExporter::new(&client), runtime::TokioCurrentThread).build();
    trace(SdkTracerProvider::builder().with_span_processor(processor));
    assert_eq!(balanced(&client, &collector).await.delivered(), SPANS);
}

fn log(builder: LoggerProviderBuilder) {
    let provider = builder.build();
    let logger = provider.logger("l");
    (0..SPANS).for_each(|_| logger.emit(logger.create_log_record()));
    provider.force_flush().unwrap();
    provider.shutdown_with_timeout(PATIENCE).unwrap();
}

/// One item.
fn measure(builder: MeterProviderBuilder) {
    let provider = builder.build();
    provider.meter("m").u64_counter("c").build().add(1, &[]);
    provider.force_flush().unwrap();
    // It exports once more.
    provider.shutdown().unwrap();
}

#[test]
fn processors_and_readers_of_logs_and_metrics_without_a_runtime() {
    let collector = collector();
    let client = futures_executor::block_on(client(&collector));
    log(SdkLoggerProvider::builder().with_batch_exporter(LogExporter::new(&client)));
    log(SdkLoggerProvider::builder().with_simple_exporter(LogExporter::new(&client)));
    measure(SdkMeterProvider::builder().with_periodic_exporter(MetricExporter::new(&client)));
    let report = futures_executor::block_on(balanced(&client, &collector));
    assert_eq!((report.logs.total.delivered, report.metrics.total.delivered), (2 * SPANS, 2));
}

#[tokio::test]
async fn processors_and_readers_of_logs_and_metrics_in_a_runtime_of_one_thread() {
    let collector = collector();
    let client = client(&collector).await;
    log(SdkLoggerProvider::builder().with_batch_exporter(LogExporter::new(&client)));
    measure(SdkMeterProvider::builder().with_periodic_exporter(MetricExporter::new(&client)));
    let report = balanced(&client, &collector).await;
    assert_eq!((report.logs.total.delivered, report.metrics.total.delivered), (SPANS, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processors_and_readers_of_logs_and_metrics_that_are_tokio_tasks() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let processor = BatchLogProcessor::builder(LogExporter::new(&client), runtime::Tokio).build();
    let reader = PeriodicReader::builder(MetricExporter::new(&client), runtime::Tokio).build();
    tokio::task::block_in_place(|| {
        log(SdkLoggerProvider::builder().with_log_processor(processor));
        measure(SdkMeterProvider::builder().with_reader(reader));
    });
    let report = balanced(&client, &collector).await;
    assert_eq!((report.logs.total.delivered, report.metrics.total.delivered), (SPANS, 2));
}
