//! opentelemetry, opentelemetry_sdk and opentelemetry-otlp, as their documentation sets them up.
//!
//! Spans: `span_builder` with its kind and all attributes given at the start (that is cheaper than setting them one by one,
//! and samplers see them), `add_event`, `end`; children start with a `Context` that holds the root. Fixed strings are static
//! and not copied; strings that vary are `String`s, since attributes have to be owned. Log records: `create_log_record`,
//! `set_severity_number`, `set_severity_text`, `set_body`, `add_attribute`, `emit`.
//!
//! Settings: `with_batch_exporter`, so the batch processor with its defaults (a queue of 2,048, batches of 512, one export
//! at a time). gRPC by tonic, on a tokio runtime of several threads as `#[tokio::main]` makes it; HTTP with the blocking
//! client of reqwest, which is the default. Sampler: `ParentBased(AlwaysOn)`, the default. Features that only log about the
//! SDK itself are off.
//! Lossless: the exporter is wrapped to count what has left, and the producer waits while three quarters of the queue
//! are under way; the SDK itself has no back-pressure. Burst: nothing of that. Unsampled: `AlwaysOff`, all calls as if sampled.
//! Compression: the default levels. The end is `shutdown` of the provider, which exports what waits; its answer is checked.
//! The SDK tells its losses to its log only, not to its caller.

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::trace::{Span, SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue, StringValue};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::work::{self, Table};
use otlp_peers::{Compression, Left, Mode, Order, Pace, Transport, Workload};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn main() -> ExitCode {
    run::<OpenTelemetry>()
}

/// What the batch processors hold, by default.
const QUEUE: u64 = 2048;

struct OpenTelemetry {
    order: Order,
    table: Table,
    pace: Pace,
    failed: Arc<AtomicU64>,
    signal: Signal,
    _runtime: tokio::runtime::Runtime,
}

enum Signal {
    Traces(SdkTracerProvider, SdkTracer),
    Logs(SdkLoggerProvider, SdkLogger),
}

impl Contender for OpenTelemetry {
    fn build(order: &Order) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Runtime::new()?;
        let _entered = runtime.enter();
        let pace = Pace::new((order.mode == Mode::Lossless).then_some(QUEUE));
        let failed = Arc::default();
        let resource = Resource::builder_empty()
            .with_attributes(work::RESOURCE.map(|(key, value)| KeyValue::new(key, value)))
            .build();
        let signal = if order.workload == Workload::Logs {
            if order.mode == Mode::Unsampled {
                return Err(Failure::cannot("log records are not sampled"));
            }
            let inner = log_exporter(order)?;
            let exporter = Counting { inner, left: pace.left(), failed: Arc::clone(&failed) };
            let provider =
                SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
            let logger = provider.logger(work::SCOPE);
            Signal::Logs(provider, logger)
        } else {
            let inner = span_exporter(order)?;
            let exporter = Counting { inner, left: pace.left(), failed: Arc::clone(&failed) };
            let mut builder =
                SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter);
            if order.mode == Mode::Unsampled {
                builder = builder.with_sampler(Sampler::AlwaysOff);
            }
            let provider = builder.build();
            let tracer = provider.tracer(work::SCOPE);
            Signal::Traces(provider, tracer)
        };
        drop(_entered);
        Ok(Self { order: order.clone(), table: Table::new(), pace, failed, signal, _runtime: runtime })
    }

    fn make(&self, items: Range<u64>) {
        match (&self.signal, self.order.workload) {
            (Signal::Logs(_, logger), _) => self.logs(logger, items),
            (Signal::Traces(_, tracer), Workload::Varied) => {
                self.traces(tracer, items, |number| self.table.strings(number).map(str::to_owned));
            }
            (Signal::Traces(_, tracer), _) => self.traces(tracer, items, work::fixed),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        let ended = match &self.signal {
            Signal::Traces(provider, _) => provider.shutdown(),
            Signal::Logs(provider, _) => provider.shutdown(),
        };
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

impl OpenTelemetry {
    #[inline]
    fn traces<S: Into<StringValue>>(
        &self,
        tracer: &SdkTracer,
        items: Range<u64>,
        strings: impl Fn(u64) -> [S; 4],
    ) {
        let nobody = Context::new();
        let mut number = items.start;
        while number < items.end {
            let end = items.end.min(number + work::TRACE);
            let root = start(tracer, &nobody, strings(number), number);
            let context = nobody.with_span(root);
            for child in number + 1..end {
                let mut span = start(tracer, &context, strings(child), child);
                span.end();
            }
            context.span().end();
            self.pace.made(end - number);
            number = end;
        }
    }

    fn logs(&self, logger: &SdkLogger, items: Range<u64>) {
        for number in items {
            let mut record = logger.create_log_record();
            record.set_severity_number(Severity::Info);
            record.set_severity_text("INFO");
            record.set_body(AnyValue::from(self.table.body(number).to_owned()));
            record.add_attribute(work::METHOD, "GET");
            record.add_attribute(work::USER, number as i64);
            record.add_attribute(work::HIT, true);
            logger.emit(record);
            self.pace.made(1);
        }
    }
}

#[inline]
fn start<S: Into<StringValue>>(
    tracer: &SdkTracer,
    parent: &Context,
    [method, route, address, role]: [S; 4],
    number: u64,
) -> opentelemetry_sdk::trace::Span {
    let mut span = tracer
        .span_builder(work::NAME)
        .with_kind(SpanKind::Server)
        .with_attributes([
            KeyValue::new(work::METHOD, method.into()),
            KeyValue::new(work::STATUS, 200),
            KeyValue::new(work::ROUTE, route.into()),
            KeyValue::new(work::ADDRESS, address.into()),
            KeyValue::new(work::USER, number as i64),
            KeyValue::new(work::PORT, 8080),
            KeyValue::new(work::HIT, true),
            KeyValue::new(work::SHARE, 0.25),
        ])
        .start_with_context(tracer, parent);
    span.add_event(work::EVENT, vec![KeyValue::new(work::ROLE, role.into())]);
    span
}

fn compression(order: &Order) -> Option<opentelemetry_otlp::Compression> {
    match order.compression {
        Compression::None => None,
        Compression::Gzip => Some(opentelemetry_otlp::Compression::Gzip),
        Compression::Zstd => Some(opentelemetry_otlp::Compression::Zstd),
    }
}

/// The two exporters have builders of the same shape and of different types.
macro_rules! exporter {
    ($exporter:ty, $order:expr, $path:literal) => {{
        let (order, compression) = ($order, compression($order));
        match order.transport {
            Transport::Grpc => {
                let mut builder =
                    <$exporter>::builder().with_tonic().with_endpoint(format!("http://{}", order.sink));
                if let Some(compression) = compression {
                    builder = WithTonicConfig::with_compression(builder, compression);
                }
                builder.build()?
            }
            Transport::Http => {
                let mut builder = <$exporter>::builder()
                    .with_http()
                    .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                    .with_endpoint(format!(concat!("http://{}", $path), order.sink));
                if let Some(compression) = compression {
                    builder = WithHttpConfig::with_compression(builder, compression);
                }
                builder.build()?
            }
        }
    }};
}

fn span_exporter(order: &Order) -> Result<opentelemetry_otlp::SpanExporter, Failure> {
    Ok(exporter!(opentelemetry_otlp::SpanExporter, order, "/v1/traces"))
}

fn log_exporter(order: &Order) -> Result<opentelemetry_otlp::LogExporter, Failure> {
    Ok(exporter!(opentelemetry_otlp::LogExporter, order, "/v1/logs"))
}

/// An exporter that counts what has left.
#[derive(Debug)]
struct Counting<E> {
    inner: E,
    left: Arc<Left>,
    failed: Arc<AtomicU64>,
}

impl<E> Counting<E> {
    fn count(&self, items: usize, result: OTelSdkResult) -> OTelSdkResult {
        self.left.add(items as u64);
        self.failed.fetch_add(u64::from(result.is_err()), Ordering::Relaxed);
        result
    }
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let items = batch.len();
        self.count(items, self.inner.export(batch).await)
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

impl<E: LogExporter> LogExporter for Counting<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let items = batch.iter().count();
        self.count(items, self.inner.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
        self.inner.event_enabled(level, target, name)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
