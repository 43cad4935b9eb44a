//! The headers `traceparent` and `tracestate` of W3C Trace Context, Level 2.

use super::hex;
use super::{Extractor, Injector, TextMapPropagator};
use crate::context::TraceContext;
use otlp_model::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// The length of version 00, and of what later versions begin with.
const LEN: usize = 55;
/// The flags that Level 2 knows; others are neither taken nor written (conformance PROP-11).
const KNOWN_FLAGS: u8 = TraceFlags::SAMPLED.bits() | TraceFlags::RANDOM.bits();

/// The format of W3C Trace Context, Level 2: `traceparent` and `tracestate`. What every service should speak.
///
/// Versions after 00 are read as far as they are like 00, and version 00 is written (conformance PROP-07). Two
/// `traceparent` headers are none (PROP-09). Several `tracestate` headers are one list, and one bad entry discards all of
/// it, but not the parent (PROP-15, DEC-12). The trace state is written whole: it may be 16 KiB long.
///
/// ```
/// use otlp::propagation::{TextMapPropagator, TraceContextPropagator};
/// use otlp::TraceContext;
/// let headers = [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03"), ("tracestate", "a=1")];
/// let context = TraceContextPropagator.extract(&TraceContext::default(), &headers);
/// assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!(context.trace_state().get("a"), Some("1"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceContextPropagator;

impl TextMapPropagator for TraceContextPropagator {
    fn inject(&self, context: &TraceContext, carrier: &mut dyn Injector) {
        if !context.is_valid() {
            return;
        }
        carrier.set(TRACEPARENT, write(context.span_context()));
        if !context.trace_state().is_empty() {
            carrier.set(TRACESTATE, context.trace_state().as_str().to_owned());
        }
    }

    fn extract(&self, context: &TraceContext, carrier: &dyn Extractor) -> TraceContext {
        let [parent] = carrier.get_all(TRACEPARENT)[..] else { return context.clone() };
        let Some(parent) = read(parent) else { return context.clone() };
        let state = match &carrier.get_all(TRACESTATE)[..] {
            [] => TraceState::default(),
            [state] => TraceState::parse(state).unwrap_or_default(),
            states => TraceState::parse(&states.join(",")).unwrap_or_default(),
        };
        context.clone().with_span_context(parent.with_trace_state(state))
    }

    fn fields(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

/// Reads a `traceparent`: a valid remote context, or nothing.
fn read(header: &str) -> Option<SpanContext> {
    let header = header.trim_matches([' ', '\t']);
    let (known, rest) = (header.get(..LEN)?, header.get(LEN..)?);
    let mut parts = known.split('-');
    let (version, trace_id, span_id, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_well_formed = parts.next().is_none()
        && [(version, 2), (trace_id, 32), (span_id, 16), (flags, 2)]
            .iter()
            .all(|(text, len)| hex::is_lower(text, *len));
    let is_rest_allowed = match version {
        "00" => rest.is_empty(),
        "ff" => false,
        _ => rest.is_empty() || rest.starts_with('-'),
    };
    if !is_well_formed || !is_rest_allowed {
        return None;
    }
    let (trace_id, span_id): (TraceId, SpanId) = (trace_id.parse().ok()?, span_id.parse().ok()?);
    let flags = TraceFlags::from_bits(u8::from_str_radix(flags, 16).ok()? & KNOWN_FLAGS);
    let context = SpanContext::new(trace_id, span_id, flags).with_remote(true);
    context.is_valid().then_some(context)
}

fn write(context: &SpanContext) -> String {
    let mut header = String::with_capacity(LEN);
    header.push_str("00-");
    hex::push_trace_id(&mut header, context.trace_id());
    header.push('-');
    hex::push_span_id(&mut header, context.span_id());
    header.push('-');
    hex::push(&mut header, context.flags().bits() & KNOWN_FLAGS);
    header
}
