//! Every processor of the SDK delivers through ours, on every kind of runtime and on none.

use crate::support::{PATIENCE, balanced, client, grpc};
use opentelemetry_0_33::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk_0_33::runtime;
use opentelemetry_sdk_0_33::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk_0_33::trace::{SdkTracerProvider, TracerProviderBuilder};
use otlp_opentelemetry::opentelemetry_0_33::SpanExporter;
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
