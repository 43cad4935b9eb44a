//! fastrace with fastrace-opentelemetry over opentelemetry-otlp, as their documentation sets them up.
//!
//! Spans: `Span::root` for the root, `with_properties` with all attributes at once. Lossless: children by
//! `Span::enter_with_parent` and `Span::add_event`, which cost least here (7.3 CPU-seconds per million against 10.5 with
//! `LocalSpan`, in one run: each is a message of its own, so that less is under way when the channel is full). Burst and
//! unsampled: `LocalSpan`s under the root as local parent and `LocalSpan::add_event`, which the documentation recommends within
//! a thread, and whose closures are not called when nothing is sampled.
//! Attributes are strings only, so integers and the float are formatted by `to_string` when the span is made, as an
//! application has to; the boolean is a static string. The kind is one more property, `span.kind`. Fixed strings are static
//! and not copied; strings that vary are `String`s. There are no log records.
//!
//! Settings: `Config::default()` (a report each second or when a thread's channel of 10,240 messages is half full), the
//! span exporter of opentelemetry-otlp with its defaults, over gRPC by tonic on a tokio runtime as `#[tokio::main]` makes it,
//! over HTTP with the blocking client of reqwest. A report is one request, of any size.
//! Lossless: the reporter is wrapped to count what it has sent, and the producer waits while three quarters of what the
//! channel takes are under way. Burst: nothing of that. Unsampled: `sampled(false)` in the root's context. Compression: the
//! default levels. The end is `fastrace::flush`; there is no shutdown, and no answer to check but the exporter's, which the
//! wrapper keeps.

use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::local::LocalSpan;
use fastrace::{Event, Span};
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::sdk::Exporters;
use otlp_peers::theirs::Theirs;
use otlp_peers::work::{self, Table};
use otlp_peers::{Left, Mode, Order, Pace, Workload};
use std::borrow::Cow;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn main() -> ExitCode {
    run::<Fastrace>()
}

/// What a thread's channel takes: 10,240 messages, of which a trace is 22: one for each span and event, its start and end.
const QUEUE: u64 = 10_240 / 22 * work::TRACE;

struct Fastrace {
    order: Order,
    table: Table,
    pace: Pace,
    left: Arc<Left>,
    failed: Arc<AtomicU64>,
    _runtime: tokio::runtime::Runtime,
}

impl Contender for Fastrace {
    fn build(order: &Order) -> Result<Self, Failure> {
        if order.workload == Workload::Logs {
            return Err(Failure::cannot("fastrace has no log records"));
        }
        let runtime = tokio::runtime::Runtime::new()?;
        let _entered = runtime.enter();
        let pace = Pace::new((order.mode == Mode::Lossless).then_some(QUEUE));
        let (left, failed) = (pace.left(), Arc::default());
        let exporter = Counting { inner: Theirs::new(order)?.spans()?, failed: Arc::clone(&failed) };
        let resource = Resource::builder_empty()
            .with_attributes(work::RESOURCE.map(|(key, value)| KeyValue::new(key, value)))
            .build();
        let scope = InstrumentationScope::builder(work::SCOPE).build();
        let inner = OpenTelemetryReporter::new(exporter, Cow::Owned(resource), scope);
        fastrace::set_reporter(CountingReporter { inner, left: Arc::clone(&left) }, Config::default());
        drop(_entered);
        Ok(Self { order: order.clone(), table: Table::new(), pace, left, failed, _runtime: runtime })
    }

    fn make(&self, items: Range<u64>) {
        match self.order.workload {
            Workload::Varied => self.traces(items, |number| self.table.strings(number).map(str::to_owned)),
            _ => self.traces(items, work::fixed),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        fastrace::flush();
        let (left, failed) = (self.left.items(), self.failed.load(Ordering::Relaxed));
        if self.order.mode == Mode::Lossless && (left != self.order.items || failed > 0) {
            let made = self.order.items;
            return Err(Failure::new(format!("{made} spans made, {left} reported, {failed} reports failed")));
        }
        Ok(None)
    }
}

impl Fastrace {
    #[inline]
    fn traces<S: Into<Cow<'static, str>>>(&self, items: Range<u64>, strings: impl Fn(u64) -> [S; 4]) {
        let sampled = self.order.mode != Mode::Unsampled;
        let mut number = items.start;
        while number < items.end {
            let end = items.end.min(number + work::TRACE);
            let [method, route, address, role] = strings(number);
            let root = Span::root(work::NAME, SpanContext::random().sampled(sampled))
                .with_properties(|| properties([method, route, address], number));
            if self.order.mode == Mode::Lossless {
                root.add_event(event(role));
                for child in number + 1..end {
                    let [method, route, address, role] = strings(child);
                    let span = Span::enter_with_parent(work::NAME, &root)
                        .with_properties(|| properties([method, route, address], child));
                    span.add_event(event(role));
                }
            } else {
                let _parent = root.set_local_parent();
                LocalSpan::add_event(event(role));
                for child in number + 1..end {
                    let [method, route, address, role] = strings(child);
                    let _span = LocalSpan::enter_with_local_parent(work::NAME)
                        .with_properties(|| properties([method, route, address], child));
                    LocalSpan::add_event(event(role));
                }
            }
            drop(root);
            self.pace.made(end - number);
            number = end;
        }
    }
}

#[inline]
fn properties<S: Into<Cow<'static, str>>>(
    [method, route, address]: [S; 3],
    number: u64,
) -> [(&'static str, Cow<'static, str>); 9] {
    [
        ("span.kind", "server".into()),
        (work::METHOD, method.into()),
        (work::STATUS, 200.to_string().into()),
        (work::ROUTE, route.into()),
        (work::ADDRESS, address.into()),
        (work::USER, number.to_string().into()),
        (work::PORT, 8080.to_string().into()),
        (work::HIT, "true".into()),
        (work::SHARE, 0.25.to_string().into()),
    ]
}

#[inline]
fn event(role: impl Into<Cow<'static, str>>) -> Event {
    Event::new(work::EVENT).with_property(|| (work::ROLE, role))
}

/// A reporter that counts what has left.
struct CountingReporter {
    inner: OpenTelemetryReporter,
    left: Arc<Left>,
}

impl Reporter for CountingReporter {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let items = spans.len() as u64;
        self.inner.report(spans);
        self.left.add(items);
    }
}

/// An exporter that keeps whether it failed: the reporter only logs it.
#[derive(Debug)]
struct Counting {
    inner: opentelemetry_otlp::SpanExporter,
    failed: Arc<AtomicU64>,
}

impl SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.inner.export(batch).await;
        self.failed.fetch_add(u64::from(result.is_err()), Ordering::Relaxed);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
