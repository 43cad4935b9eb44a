//! What the tests share: a collector with a client and a layer, and a look at what arrived.

use log::Log as _;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use otlp::{Client, ClientBuilder, SpanContext, SpanId, TraceContext, TraceFlags, TraceId};
use otlp_testkit::Collector;
use otlp_tracing::OtlpLayer;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

/// Long enough for a busy machine; no test passes by waiting for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) collector: Collector,
    pub(crate) client: Client,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let collector = Collector::builder().grpc().start_blocking().unwrap();
        let builder = Client::builder().with_endpoint(collector.grpc_endpoint()).with_service_name("test");
        let client = change(builder).build_blocking().unwrap();
        Self { collector, client }
    }

    /// A layer that adds nothing to what the spans say.
    pub(crate) fn layer(&self) -> OtlpLayer {
        otlp_tracing::layer(&self.client).with_location(false).with_threads(false).with_target(false)
    }

    /// Runs `f` with a layer on a registry.
    pub(crate) fn run<T>(&self, layer: OtlpLayer, f: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), f)
    }

    /// Shuts down; the books must balance, and all must have arrived. The spans, in the order of their ends.
    pub(crate) fn spans(self) -> Vec<Span> {
        let report = self.client.shutdown_blocking(PATIENCE).unwrap();
        assert!(report.is_balanced() && report.pending() == 0, "{report}");
        let received = self.collector.received();
        assert_eq!(received.items(), report.delivered());
        received.spans().into_iter().map(|received| received.span).collect()
    }
}

/// The spans that a layer without additions makes of what `f` does.
pub(crate) fn spans_of(f: impl FnOnce()) -> Vec<Span> {
    spans_with(|layer| layer, f)
}

pub(crate) fn spans_with(change: impl FnOnce(OtlpLayer) -> OtlpLayer, f: impl FnOnce()) -> Vec<Span> {
    let world = World::new();
    world.run(change(world.layer()), f);
    world.spans()
}

pub(crate) fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:?}"))
}

/// The name of a span's parent, if that is among them.
pub(crate) fn parent<'a>(spans: &'a [Span], name: &str) -> Option<&'a str> {
    let id = &named(spans, name).parent_span_id;
    spans.iter().find(|span| span.span_id == *id).map(|span| &*span.name)
}

pub(crate) fn value(attributes: &[KeyValue], key: &str) -> Option<Value> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value
}

pub(crate) fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    match value(attributes, key)? {
        Value::StringValue(text) => Some(text),
        other => panic!("{key} is no text but {other:?}"),
    }
}

pub(crate) fn int(attributes: &[KeyValue], key: &str) -> Option<i64> {
    match value(attributes, key)? {
        Value::IntValue(number) => Some(number),
        other => panic!("{key} is no integer but {other:?}"),
    }
}

pub(crate) fn keys(attributes: &[KeyValue]) -> Vec<&str> {
    attributes.iter().map(|attribute| &*attribute.key).collect()
}

pub(crate) fn event<'a>(span: &'a Span, name: &str) -> &'a Event {
    span.events.iter().find(|event| event.name == name).unwrap_or_else(|| panic!("no {name} in {span:?}"))
}

/// A record of the `log` crate through the bridge as it is published, without making that the process's logger.
pub(crate) fn tell_log() {
    tracing_log::LogTracer::new().log(
        &log::Record::builder()
            .args(format_args!("from log"))
            .level(log::Level::Warn)
            .target("their::target")
            .module_path(Some("their::module"))
            .file(Some("their.rs"))
            .line(Some(7))
            .build(),
    );
}

pub(crate) fn remote(sampled: bool) -> TraceContext {
    let flags = TraceFlags::NONE.with_sampled(sampled);
    SpanContext::new(TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]), flags)
        .with_trace_state("vendor=1".parse().unwrap())
        .with_remote(true)
        .into()
}
