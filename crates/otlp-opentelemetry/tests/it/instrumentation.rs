//! Instrumentation as it is published, on our providers and on the SDK's: what arrives is the same.

use crate::normal;
use crate::support::{PATIENCE, balanced, client_with_resource, context, grpc, resource};
use opentelemetry_0_33::Context;
use opentelemetry_0_33::trace::{TraceContextExt as _, Tracer, TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk_0_33::logs::SdkLoggerProvider;
use opentelemetry_sdk_0_33::trace::SdkTracerProvider;
use otlp_opentelemetry::opentelemetry_0_33::{LoggerProvider, TracerProvider};
use tokio::task::block_in_place;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

/// A program that knows `tracing` alone.
fn traced<T>(tracer: T)
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    let layer = tracing_opentelemetry::layer().with_tracer(tracer).with_tracked_inactivity(false);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let request =
            tracing::info_span!("request", otel.kind = "server", http.route = "/cart", late = Empty);
        let _ = request.set_parent(Context::new().with_remote_span_context(context(7)));
        request.in_scope(|| {
            tracing::info!(items = 3, ratio = 0.5, fast = true, "cart is {}", "loaded");
            let inner = tracing::debug_span!("inner", otel.name = "renamed", error = "broken");
            inner.follows_from(&request);
            inner.in_scope(|| tracing::error!(error = &std::io::Error::other("x") as &dyn std::error::Error));
            request.record("late", "here");
            request.set_attribute("set.by", "the extension");
        });
        tracing::info_span!("root of its own", otel.status_code = "ok").in_scope(|| {});
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tracing_opentelemetry_traces_on_our_provider_as_on_the_sdk() {
    let (ours, theirs) = (grpc().await, grpc().await);
    let client = client_with_resource(&ours).await;
    traced(TracerProvider::new(&client).tracer("tracing"));
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic();
    let exporter = exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap();
    let provider =
        SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    traced(provider.tracer("tracing"));
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
    balanced(&client, &ours).await;
    let (mut ours, theirs) = (normal::spans(&ours), normal::spans(&theirs));
    ours.iter_mut().filter(|s| s.4.trace_state.is_empty()).for_each(|s| s.4.flags &= !0x02);
    assert_eq!((ours.len(), theirs.len()), (3, 3));
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
}

/// The same, for logs.
fn logged<P, L>(provider: &P)
where
    P: opentelemetry_0_33::logs::LoggerProvider<Logger = L> + Send + Sync + 'static,
    L: opentelemetry_0_33::logs::Logger + Send + Sync + 'static,
{
    let layer = OpenTelemetryTracingBridge::new(provider);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _current = Context::new().with_remote_span_context(context(7)).attach();
        tracing::info!(items = 3, ratio = 0.5, fast = true, name = "cart", "cart is {}", "loaded");
        tracing::error!(target: "shop::payment", error = ?std::io::Error::other("x"), "refused");
        tracing::warn!(name: "an.event", big = u64::MAX, "named");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_appender_of_tracing_logs_on_our_provider_as_on_the_sdk() {
    // conf: LOG-03
    let (ours, theirs) = (grpc().await, grpc().await);
    let client = client_with_resource(&ours).await;
    logged(&LoggerProvider::new(&client));
    let exporter = opentelemetry_otlp::LogExporter::builder().with_tonic();
    let exporter = exporter.with_endpoint(theirs.grpc_endpoint()).build().unwrap();
    let provider =
        SdkLoggerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    logged(&provider);
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
    balanced(&client, &ours).await;
    let (ours, theirs) = (normal::logs(&ours), normal::logs(&theirs));
    assert_eq!((ours.len(), theirs.len()), (3, 3));
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        assert_eq!(ours, theirs);
    }
}
