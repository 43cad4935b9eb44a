//! Several formats as one.

use super::{BaggagePropagator, Extractor, Injector, TextMapPropagator, TraceContextPropagator};
use crate::context::TraceContext;

/// Several propagators, asked in order (conformance PROP-04): each writes its own fields, and of those that find a
/// context the last one wins. Without members it does nothing.
///
/// ```
/// use otlp::propagation::{B3Propagator, CompositePropagator};
/// // Understands old callers, prefers new ones, and speaks both ways.
/// let propagator = CompositePropagator::new().with(B3Propagator::multi()).with(CompositePropagator::w3c());
/// let client = otlp::Client::builder().with_propagator(propagator);
/// ```
#[derive(Debug, Default)]
pub struct CompositePropagator(Vec<Box<dyn TextMapPropagator>>);

impl CompositePropagator {
    /// Without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// W3C trace context, then W3C baggage: the client's default.
    #[must_use]
    pub fn w3c() -> Self {
        Self::new().with(TraceContextPropagator).with(BaggagePropagator)
    }

    /// With one more, asked last.
    #[must_use]
    pub fn with(mut self, propagator: impl TextMapPropagator + 'static) -> Self {
        self.0.push(Box::new(propagator));
        self
    }
}

impl TextMapPropagator for CompositePropagator {
    fn inject(&self, context: &TraceContext, carrier: &mut dyn Injector) {
        self.0.iter().for_each(|member| member.inject(context, carrier));
    }

    fn extract(&self, context: &TraceContext, carrier: &dyn Extractor) -> TraceContext {
        self.0.iter().fold(context.clone(), |context, member| member.extract(&context, carrier))
    }

    fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = Vec::new();
        for field in self.0.iter().flat_map(|member| member.fields()) {
            if !fields.contains(&field) {
                fields.push(field);
            }
        }
        fields
    }
}
