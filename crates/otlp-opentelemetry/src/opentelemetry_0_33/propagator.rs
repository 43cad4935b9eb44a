//! Propagators of one side for the other.
//!
//! A format is read and written by whoever knows it; only contexts and carriers change their types on the way.

use super::context::{context_with, to_trace_context};
use super::opentelemetry::Context;
use super::opentelemetry::propagation as theirs;
use otlp::TraceContext;
use otlp::propagation as ours;

/// A propagator of otlp, as the OpenTelemetry API takes one.
///
/// ```
/// use opentelemetry_0_33::global;
/// use otlp::propagation::B3Propagator;
/// use otlp_opentelemetry::opentelemetry_0_33::OtlpPropagator;
/// global::set_text_map_propagator(OtlpPropagator::new(B3Propagator::single()));
/// ```
#[derive(Debug)]
pub struct OtlpPropagator<P> {
    inner: P,
    fields: Vec<String>,
}

impl<P: ours::TextMapPropagator> OtlpPropagator<P> {
    /// Takes one that the API is to use.
    #[must_use]
    pub fn new(inner: P) -> Self {
        let fields = inner.fields().into_iter().map(str::to_owned).collect();
        Self { inner, fields }
    }
}

impl<P: ours::TextMapPropagator> theirs::TextMapPropagator for OtlpPropagator<P> {
    fn inject_context(&self, cx: &Context, injector: &mut dyn theirs::Injector) {
        self.inner.inject(&to_trace_context(cx), &mut ToTheirs(injector));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn theirs::Extractor) -> Context {
        let before = to_trace_context(cx);
        let found = self.inner.extract(&before, &FromTheirs(extractor));
        // Where nothing was found, the active span stays, and not only its identity.
        if found == before { cx.clone() } else { context_with(cx, &found) }
    }

    fn fields(&self) -> theirs::text_map_propagator::FieldIter<'_> {
        theirs::text_map_propagator::FieldIter::new(&self.fields)
    }
}

/// A propagator of the OpenTelemetry API, as a client takes one.
///
/// ```
/// use opentelemetry_sdk_0_33::propagation::TraceContextPropagator;
/// use otlp_opentelemetry::opentelemetry_0_33::OtelPropagator;
/// let builder = otlp::Client::builder().with_propagator(OtelPropagator::new(TraceContextPropagator::new()));
/// ```
#[derive(Debug)]
pub struct OtelPropagator<P>(P);

impl<P: theirs::TextMapPropagator + Send + Sync> OtelPropagator<P> {
    /// Takes one that a client is to use.
    #[must_use]
    pub fn new(inner: P) -> Self {
        Self(inner)
    }
}

impl<P: theirs::TextMapPropagator + Send + Sync> ours::TextMapPropagator for OtelPropagator<P> {
    fn inject(&self, context: &TraceContext, carrier: &mut dyn ours::Injector) {
        self.0.inject_context(&context_with(&Context::new(), context), &mut ToOurs(carrier));
    }

    fn extract(&self, context: &TraceContext, carrier: &dyn ours::Extractor) -> TraceContext {
        let before = context_with(&Context::new(), context);
        to_trace_context(&self.0.extract_with_context(&before, &FromOurs(carrier)))
    }

    fn fields(&self) -> Vec<&str> {
        self.0.fields().collect()
    }
}

struct ToTheirs<'a>(&'a mut dyn theirs::Injector);

impl ours::Injector for ToTheirs<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(key, value);
    }
}

struct FromTheirs<'a>(&'a dyn theirs::Extractor);

impl ours::Extractor for FromTheirs<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)
    }

    fn get_all(&self, key: &str) -> Vec<&str> {
        self.0.get_all(key).unwrap_or_default()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}

struct ToOurs<'a>(&'a mut dyn ours::Injector);

impl theirs::Injector for ToOurs<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.0.set(key, value);
    }
}

struct FromOurs<'a>(&'a dyn ours::Extractor);

impl theirs::Extractor for FromOurs<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        Some(self.0.get_all(key)).filter(|values| !values.is_empty())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys()
    }
}
