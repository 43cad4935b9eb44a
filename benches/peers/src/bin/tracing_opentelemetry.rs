//! `tracing` with tracing-opentelemetry, opentelemetry_sdk and opentelemetry-otlp, as their documentation sets them up.
//!
//! Spans: the same macros as the contender `tracing_ours`. There are no log records.
//!
//! Settings of the layer: no location, threads, target or inactivity; contexts are activated, which is the default. Those of the
//! SDK and the exporter, and how the producer is held back: as of the contender `opentelemetry`. The subscriber is everybody's,
//! as in an application.

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::traced::traces;
use otlp_peers::work::{self, Table};
use otlp_peers::{Compression, Left, Mode, Order, Pace, Transport, Workload};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

fn main() -> ExitCode {
    run::<TracingOpenTelemetry>()
}

/// What the batch processor holds, by default.
const QUEUE: u64 = 2048;

struct TracingOpenTelemetry {
    order: Order,
    table: Table,
    pace: Pace,
    failed: Arc<AtomicU64>,
    provider: SdkTracerProvider,
    _runtime: tokio::runtime::Runtime,
}

impl Contender for TracingOpenTelemetry {
    fn build(order: &Order) -> Result<Self, Failure> {
        if order.workload == Workload::Logs {
            return Err(Failure::cannot("spans are compared here, and their events"));
        }
        let runtime = tokio::runtime::Runtime::new()?;
        let entered = runtime.enter();
        let pace = Pace::new((order.mode == Mode::Lossless).then_some(QUEUE));
        let failed = Arc::default();
        let resource = Resource::builder_empty()
            .with_attributes(work::RESOURCE.map(|(key, value)| KeyValue::new(key, value)))
            .build();
        let exporter = Counting { inner: exporter(order)?, left: pace.left(), failed: Arc::clone(&failed) };
        let mut builder = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter);
        if order.mode == Mode::Unsampled {
            builder = builder.with_sampler(Sampler::AlwaysOff);
        }
        let provider = builder.build();
        drop(entered);
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(work::SCOPE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        // Without a filter the exporter's HTTP library would make spans of its own, and so on.
        let own = filter_fn(|metadata| metadata.target().starts_with("otlp_peers"));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(own)))?;
        Ok(Self { order: order.clone(), table: Table::new(), pace, failed, provider, _runtime: runtime })
    }

    fn make(&self, items: Range<u64>) {
        let made = |items| self.pace.made(items);
        match self.order.workload {
            Workload::Varied => traces(items, |number| self.table.strings(number), made),
            _ => traces(items, work::fixed, made),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        let ended = self.provider.shutdown();
        let failed = self.failed.load(Ordering::Relaxed);
        if self.order.mode == Mode::Lossless {
            ended?;
            if failed > 0 {
                return Err(Failure::new(format!("{failed} exports failed")));
            }
        }
        Ok(None)
    }
}

fn exporter(order: &Order) -> Result<opentelemetry_otlp::SpanExporter, Failure> {
    let compression = match order.compression {
        Compression::None => None,
        Compression::Gzip => Some(opentelemetry_otlp::Compression::Gzip),
        Compression::Zstd => Some(opentelemetry_otlp::Compression::Zstd),
    };
    let builder = opentelemetry_otlp::SpanExporter::builder();
    Ok(match order.transport {
        Transport::Grpc => {
            let mut builder = builder.with_tonic().with_endpoint(format!("http://{}", order.sink));
            if let Some(compression) = compression {
                builder = WithTonicConfig::with_compression(builder, compression);
            }
            builder.build()?
        }
        Transport::Http => {
            let mut builder = builder
                .with_http()
                .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                .with_endpoint(format!("http://{}/v1/traces", order.sink));
            if let Some(compression) = compression {
                builder = WithHttpConfig::with_compression(builder, compression);
            }
            builder.build()?
        }
    })
}

/// An exporter that counts what has left.
#[derive(Debug)]
struct Counting<E> {
    inner: E,
    left: Arc<Left>,
    failed: Arc<AtomicU64>,
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let items = batch.len();
        let result = self.inner.export(batch).await;
        self.left.add(items as u64);
        self.failed.fetch_add(u64::from(result.is_err()), Ordering::Relaxed);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
