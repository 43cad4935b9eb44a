//! The same program through opentelemetry-otlp and through ours arrives equal, but for ids, times, and what the README says.

use crate::normal;
use crate::program;
use crate::support::{PATIENCE, balanced, client, grpc, resource, scope};
use opentelemetry_0_33::logs::LoggerProvider as _;
use opentelemetry_0_33::metrics::{Meter, MeterProvider as _};
use opentelemetry_0_33::trace::TracerProvider as _;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk_0_33::logs::{self, SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk_0_33::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk_0_33::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream, Temporality};
use opentelemetry_sdk_0_33::trace::{self, SdkTracerProvider};
use otlp_opentelemetry::opentelemetry_0_33::{LogExporter, MetricExporter, SpanExporter};
use tokio::task::block_in_place;

pub(crate) fn run_spans(
    exporter: impl trace::SpanExporter + 'static,
    program: impl FnOnce(&SdkTracerProvider),
) {
    let provider =
        SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    program(&provider);
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
}

fn every_span(provider: &SdkTracerProvider) {
    program::trace(&provider.tracer_with_scope(scope()));
    program::flood(&provider.tracer("flood"));
}

pub(crate) fn run_logs(exporter: impl logs::LogExporter + 'static, program: impl FnOnce(&SdkLogger)) {
    let provider =
        SdkLoggerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    program(&provider.logger_with_scope(scope()));
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
}

pub(crate) fn run_metrics(exporter: impl PushMetricExporter, program: impl FnOnce(&Meter)) {
    let exponential = |instrument: &Instrument| {
        instrument.name().starts_with("exponential").then(|| {
            let aggregation =
                Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
            Stream::builder().with_aggregation(aggregation).build().unwrap()
        })
    };
    let provider = SdkMeterProvider::builder()
        .with_resource(resource())
        .with_periodic_exporter(exporter)
        .with_view(exponential)
        .build();
    program(&provider.meter_with_scope(scope()));
    block_in_place(|| provider.shutdown()).unwrap();
}

pub(crate) async fn spans_of_theirs() -> Vec<normal::Flat<opentelemetry_proto::tonic::trace::v1::Span>> {
    let theirs = grpc().await;
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic();
    run_spans(exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap(), every_span);
    normal::spans(&theirs)
}

pub(crate) async fn logs_of_theirs() -> Vec<normal::Flat<opentelemetry_proto::tonic::logs::v1::LogRecord>> {
    let theirs = grpc().await;
    let exporter = opentelemetry_otlp::LogExporter::builder().with_tonic();
    run_logs(exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap(), program::log);
    normal::logs(&theirs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_arrive_equal() {
    let ours = grpc().await;
    let client = client(&ours).await;
    run_spans(SpanExporter::new(&client), every_span);
    let sent = balanced(&client, &ours).await.delivered();
    let (ours, theirs) = (normal::spans(&ours), spans_of_theirs().await);
    assert_eq!((ours.len() as u64, theirs.len()), (sent, 12));
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_arrive_equal() {
    let ours = grpc().await;
    let client = client(&ours).await;
    run_logs(LogExporter::new(&client), program::log);
    let sent = balanced(&client, &ours).await.delivered();
    let (ours, theirs) = (normal::logs(&ours), logs_of_theirs().await);
    assert_eq!((ours.len() as u64, theirs.len()), (sent, 10));
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
}

async fn metrics_arrive_equal(temporality: Temporality) {
    let (ours, theirs) = (grpc().await, grpc().await);
    let client = client(&ours).await;
    run_metrics(MetricExporter::new(&client).with_temporality(temporality), program::measure);
    let exporter = opentelemetry_otlp::MetricExporter::builder().with_tonic().with_temporality(temporality);
    run_metrics(exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap(), program::measure);
    balanced(&client, &ours).await;
    let (ours, theirs) = (normal::metrics(&ours), normal::metrics(&theirs));
    assert_eq!((ours.len(), theirs.len()), (15, 15));
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cumulative_metrics_arrive_equal() {
    // conf: METR-59, MODEL-21, MODEL-22, MODEL-24
    metrics_arrive_equal(Temporality::Cumulative).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_that_take_little_memory_arrive_equal() {
    // conf: METR-59
    metrics_arrive_equal(Temporality::LowMemory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delta_metrics_arrive_equal() {
    // conf: METR-59, MODEL-22
    metrics_arrive_equal(Temporality::Delta).await;
}
