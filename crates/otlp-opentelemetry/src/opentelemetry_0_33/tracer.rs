//! The tracer provider and tracer of the OpenTelemetry API, on the client's own path.
//!
//! Sampler, limits, ids, clock and queue are the client's; the SDK has no part in it.

use super::context::{from_span_context, to_trace_context};
use super::opentelemetry::trace::{self as theirs, SpanBuilder};
use super::opentelemetry::{Context, InstrumentationScope};
use super::span::Span;
use super::value;
use otlp::{Client, SpanKind};

/// Makes tracers for instrumentation that speaks the OpenTelemetry API. Cloning is cheap.
///
/// ```
/// use opentelemetry_0_33::global;
/// use opentelemetry_0_33::trace::{Span, Tracer};
/// use otlp_opentelemetry::opentelemetry_0_33::TracerProvider;
/// # async fn f() -> Result<(), otlp::Error> {
/// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
/// global::set_tracer_provider(TracerProvider::new(&client));
/// // Every crate that traces through the API now does so on the client.
/// global::tracer("shop").start("checkout").end();
/// client.shutdown(std::time::Duration::from_secs(5)).await?;
/// # Ok(()) }
/// ```
///
/// Flush and shut down through the client, which returns the books. A provider is a handle on it as any other; once the client
/// is shut down, spans are counted as dropped (`shut_down`).
#[derive(Debug, Clone)]
pub struct TracerProvider {
    client: Client,
}

impl TracerProvider {
    /// A provider whose spans `client` sends.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone() }
    }
}

impl theirs::TracerProvider for TracerProvider {
    type Tracer = Tracer;

    /// What is known of a scope stays in memory as long as the client: get a tracer once and keep it.
    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Tracer {
        Tracer { inner: self.client.tracer_with_scope(&value::scope(&scope, None)) }
    }
}

/// Starts spans for one instrumentation scope. Cloning is cheap.
///
/// The parent is the active span of their context, as the API has it; the client's own current context has no part in it.
/// Within a telemetry suppressed scope nothing is recorded.
#[derive(Debug, Clone)]
pub struct Tracer {
    inner: otlp::Tracer,
}

impl theirs::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent_cx: &Context) -> Span {
        if parent_cx.is_telemetry_suppressed() {
            return Span::none();
        }
        let SpanBuilder { span_kind, name, start_time, attributes, events, links, .. } = builder;
        let (attributes, links) = (attributes.unwrap_or_default(), links.unwrap_or_default());
        // One that is not valid makes a root.
        let parent = to_trace_context(parent_cx);
        let mut span = self.inner.span(name).kind(kind(span_kind)).parent(&parent);
        if let Some(start) = start_time {
            span = span.start_time(start);
        }
        // For a sampler that looks at them. All others get them on the short way, once it is known that they are needed.
        let early = self.inner.sampler_looks_at_span();
        if early {
            for attribute in &attributes {
                let otlp::KeyValue { key, value } = value::to_owned(attribute.key.as_str(), &attribute.value);
                span = span.attribute(key, value);
            }
            for link in &links {
                span = span.link(otlp::Link {
                    context: from_span_context(&link.span_context),
                    attributes: link
                        .attributes
                        .iter()
                        .map(|kv| value::to_owned(kv.key.as_str(), &kv.value))
                        .collect(),
                    dropped_attributes_count: 0,
                });
            }
        }
        let mut span = Span::new(span.start());
        if !theirs::Span::is_recording(&span) {
            return span;
        }
        if !early {
            for attribute in attributes {
                theirs::Span::set_attribute(&mut span, attribute);
            }
            for link in links {
                theirs::Span::add_link(&mut span, link.span_context, link.attributes);
            }
        }
        for event in events.iter().flatten() {
            span.put_event(event);
        }
        span
    }
}

/// Their kind as ours.
pub(super) fn kind(kind: Option<theirs::SpanKind>) -> SpanKind {
    match kind {
        Some(theirs::SpanKind::Client) => SpanKind::Client,
        Some(theirs::SpanKind::Server) => SpanKind::Server,
        Some(theirs::SpanKind::Producer) => SpanKind::Producer,
        Some(theirs::SpanKind::Consumer) => SpanKind::Consumer,
        Some(theirs::SpanKind::Internal) | None => SpanKind::Internal,
    }
}
