//! The header `baggage` of W3C.

use super::{Extractor, Injector, TextMapPropagator};
use crate::baggage::Baggage;
use crate::context::TraceContext;

const BAGGAGE: &str = "baggage";

/// The format of W3C Baggage: the header `baggage`. What goes in it goes out: see the warning of [`Baggage`].
///
/// At most 64 members and 8,192 bytes are read or written, of all headers together (conformance PROP-33); a member that
/// breaks the grammar is left out alone (PROP-35). A request without one that can be read leaves the baggage as it was.
///
/// ```
/// use otlp::propagation::{BaggagePropagator, TextMapPropagator};
/// use otlp::TraceContext;
/// let headers = [("baggage", "tenant=blue;ttl=30"), ("baggage", "city=K%C3%B6ln")];
/// let context = BaggagePropagator.extract(&TraceContext::default(), &headers);
/// assert_eq!(context.baggage().get("city"), Some("Köln"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BaggagePropagator;

impl TextMapPropagator for BaggagePropagator {
    fn inject(&self, context: &TraceContext, carrier: &mut dyn Injector) {
        if let Some(header) = context.baggage().to_header() {
            carrier.set(BAGGAGE, header);
        }
    }

    fn extract(&self, context: &TraceContext, carrier: &dyn Extractor) -> TraceContext {
        let baggage = Baggage::from_headers(carrier.get_all(BAGGAGE));
        if baggage.is_empty() { context.clone() } else { context.clone().with_baggage(baggage) }
    }

    fn fields(&self) -> Vec<&str> {
        vec![BAGGAGE]
    }
}
