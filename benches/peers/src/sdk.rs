//! The OpenTelemetry SDK as a contender, whoever exports for it: `opentelemetry` with its own exporters, `sdk_on_ours` with
//! ours. And the work through the OpenTelemetry API, whoever provides it: for these two and for `api_on_ours`.
//!
//! How it is set up, and why, is told at the programs.

use crate::contender::{Contender, Failure};
use crate::work::{self, Table};
use crate::{Left, Mode, Order, Pace, Workload};
use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::trace::{Span, SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue, StringValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the batch processors hold, by default.
const QUEUE: u64 = 2048;

/// Who exports for the SDK.
pub trait Exporters: Sync {
    /// For spans.
    type Spans: SpanExporter + 'static;
    /// For log records.
    type Logs: LogExporter + 'static;

    /// Makes what they share.
    ///
    /// # Errors
    ///
    /// [`Failure::cannot`] for what the library has no way to do.
    fn new(order: &Order) -> Result<Self, Failure>
    where
        Self: Sized;

    /// The exporter of spans.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    fn spans(&self) -> Result<Self::Spans, Failure>;

    /// The exporter of log records.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    fn logs(&self) -> Result<Self::Logs, Failure>;

    /// What is there to say after the provider's shutdown: items lost, if it can say.
    ///
    /// # Errors
    ///
    /// As [`Contender::finish`].
    fn finish(self, order: &Order) -> Result<Option<u64>, Failure>;
}

/// The SDK with such exporters.
pub struct Sdk<E> {
    order: Order,
    table: Table,
    pace: Pace,
    failed: Arc<AtomicU64>,
    signal: Signal,
    exporters: E,
    _runtime: tokio::runtime::Runtime,
}

enum Signal {
    Traces(SdkTracerProvider, SdkTracer),
    Logs(SdkLoggerProvider, SdkLogger),
}

impl<E: Exporters> Contender for Sdk<E> {
    fn build(order: &Order) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Runtime::new()?;
        let _entered = runtime.enter();
        let exporters = E::new(order)?;
        let pace = Pace::new((order.mode == Mode::Lossless).then_some(QUEUE));
        let failed = Arc::default();
        let resource = Resource::builder_empty()
            .with_attributes(work::RESOURCE.map(|(key, value)| KeyValue::new(key, value)))
            .build();
        let signal = if order.workload == Workload::Logs {
            if order.mode == Mode::Unsampled {
                return Err(Failure::cannot("log records are not sampled"));
            }
            let inner = exporters.logs()?;
            let exporter = Counting { inner, left: pace.left(), failed: Arc::clone(&failed) };
            let provider =
                SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
            let logger = provider.logger(work::SCOPE);
            Signal::Logs(provider, logger)
        } else {
            let inner = exporters.spans()?;
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
        Ok(Self {
            order: order.clone(),
            table: Table::new(),
            pace,
            failed,
            signal,
            exporters,
            _runtime: runtime,
        })
    }

    fn make(&self, items: Range<u64>) {
        match (&self.signal, self.order.workload) {
            (Signal::Logs(_, logger), _) => logs(logger, &self.table, items, &self.pace),
            (Signal::Traces(_, tracer), Workload::Varied) => {
                let strings = |number| self.table.strings(number).map(str::to_owned);
                traces(tracer, items, strings, &self.pace);
            }
            (Signal::Traces(_, tracer), _) => traces(tracer, items, work::fixed, &self.pace),
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
        self.exporters.finish(&self.order)
    }
}

impl<E> Sdk<E> {
    /// For who makes the spans in another way; none where it is log records that are made.
    #[must_use]
    pub fn tracer(&self) -> Option<SdkTracer> {
        match &self.signal {
            Signal::Traces(_, tracer) => Some(tracer.clone()),
            Signal::Logs(..) => None,
        }
    }

    /// For who makes the log records in another way; none where it is spans that are made.
    #[must_use]
    pub fn logger_provider(&self) -> Option<&SdkLoggerProvider> {
        match &self.signal {
            Signal::Traces(..) => None,
            Signal::Logs(provider, _) => Some(provider),
        }
    }

    /// Tells that so many were made, and waits as the mode asks for.
    #[inline]
    pub fn made(&self, items: u64) {
        self.pace.made(items);
    }
}

/// Makes spans through the API.
#[inline]
pub fn traces<T: Tracer, S: Into<StringValue>>(
    tracer: &T,
    items: Range<u64>,
    strings: impl Fn(u64) -> [S; 4],
    pace: &Pace,
) where
    T::Span: Send + Sync + 'static,
{
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
        pace.made(end - number);
        number = end;
    }
}

/// Makes log records through the API.
pub fn logs<L: Logger>(logger: &L, table: &Table, items: Range<u64>, pace: &Pace) {
    for number in items {
        let mut record = logger.create_log_record();
        record.set_severity_number(Severity::Info);
        record.set_severity_text("INFO");
        record.set_body(AnyValue::from(table.body(number).to_owned()));
        record.add_attribute(work::METHOD, "GET");
        record.add_attribute(work::USER, number as i64);
        record.add_attribute(work::HIT, true);
        logger.emit(record);
        pace.made(1);
    }
}

/// Starts a span with all that it has.
#[inline]
pub fn start<T: Tracer, S: Into<StringValue>>(
    tracer: &T,
    parent: &Context,
    [method, route, address, role]: [S; 4],
    number: u64,
) -> T::Span {
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
