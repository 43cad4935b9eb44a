//! B3, the format of Zipkin: one header `b3`, or several that begin with `x-b3-`.

use super::hex;
use super::{Extractor, Injector, TextMapPropagator};
use crate::context::TraceContext;
use otlp_model::{SpanContext, SpanId, TraceFlags, TraceId};

const SINGLE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

/// The format B3, as Zipkin, Istio and Envoy speak it (conformance PROP-37).
///
/// It reads both forms, the single header first, and writes the one it was made for. Trace ids of 64 bits are filled with
/// zeros. The debug flag implies sampled and is passed on. The sender's own parent is neither read nor written. A context
/// without a sampling decision is read as not sampled, and a decision without ids, such as `b3: 0`, is no context.
///
/// ```
/// use otlp::propagation::{B3Propagator, TextMapPropagator};
/// use otlp::TraceContext;
/// let headers = [("b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1")];
/// let context = B3Propagator::single().extract(&TraceContext::default(), &headers);
/// let mut request = Vec::new();
/// B3Propagator::multi().inject(&context, &mut request);
/// assert_eq!(request[1], ("x-b3-spanid".to_owned(), "00f067aa0ba902b7".to_owned()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct B3Propagator {
    is_multi: bool,
}

impl B3Propagator {
    /// Writes the single header `b3`; the default.
    #[must_use]
    pub const fn single() -> Self {
        Self { is_multi: false }
    }

    /// Writes `x-b3-traceid`, `x-b3-spanid`, and `x-b3-sampled` or `x-b3-flags`.
    #[must_use]
    pub const fn multi() -> Self {
        Self { is_multi: true }
    }
}

impl TextMapPropagator for B3Propagator {
    fn inject(&self, context: &TraceContext, carrier: &mut dyn Injector) {
        if !context.is_valid() {
            return;
        }
        let sampled = if context.is_sampled() { "1" } else { "0" };
        if self.is_multi {
            carrier.set(TRACE_ID, context.trace_id().to_string());
            carrier.set(SPAN_ID, context.span_id().to_string());
            let (key, value) = if context.is_debug() { (FLAGS, "1") } else { (SAMPLED, sampled) };
            carrier.set(key, value.to_owned());
            return;
        }
        let mut header = String::with_capacity(32 + 1 + 16 + 1 + 1);
        hex::push_trace_id(&mut header, context.trace_id());
        header.push('-');
        hex::push_span_id(&mut header, context.span_id());
        header.push('-');
        header.push_str(if context.is_debug() { "d" } else { sampled });
        carrier.set(SINGLE, header);
    }

    fn extract(&self, context: &TraceContext, carrier: &dyn Extractor) -> TraceContext {
        let found = carrier.get(SINGLE).and_then(read_single).or_else(|| read_multi(carrier));
        match found {
            Some((found, is_debug)) => context.clone().with_span_context(found).with_debug(is_debug),
            None => context.clone(),
        }
    }

    fn fields(&self) -> Vec<&str> {
        if self.is_multi { vec![TRACE_ID, SPAN_ID, SAMPLED, FLAGS] } else { vec![SINGLE] }
    }
}

/// What the sender decided.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    None,
    Deny,
    Accept,
    Debug,
}

/// `{trace id}-{span id}`, then `-{decision}`, then `-{parent span id}`; the last two may be missing.
fn read_single(header: &str) -> Option<(SpanContext, bool)> {
    let mut parts = header.trim_matches([' ', '\t']).split('-');
    let (trace_id, span_id) = (parts.next()?, parts.next()?);
    let decision = match parts.next() {
        None => Decision::None,
        Some("0") => Decision::Deny,
        Some("1") => Decision::Accept,
        Some("d") => Decision::Debug,
        Some(_) => return None,
    };
    if parts.next().is_some_and(|parent| parent.parse::<SpanId>().is_err()) || parts.next().is_some() {
        return None;
    }
    read(trace_id, span_id, decision)
}

fn read_multi(carrier: &dyn Extractor) -> Option<(SpanContext, bool)> {
    let get = |key| carrier.get(key).map(|value| value.trim_matches([' ', '\t']));
    let decision = match (get(FLAGS), get(SAMPLED)) {
        (Some("1"), _) => Decision::Debug,
        // As old senders have it.
        (_, Some("1" | "true")) => Decision::Accept,
        (_, Some("0" | "false")) => Decision::Deny,
        (_, None) => Decision::None,
        (_, Some(_)) => return None,
    };
    read(get(TRACE_ID)?, get(SPAN_ID)?, decision)
}

/// The remote context and the debug flag, if the ids are valid.
fn read(trace_id: &str, span_id: &str, decision: Decision) -> Option<(SpanContext, bool)> {
    let trace_id: TraceId = match trace_id.len() {
        16 => format!("{:0>32}", trace_id).parse().ok()?,
        _ => trace_id.parse().ok()?,
    };
    let flags = TraceFlags::NONE.with_sampled(matches!(decision, Decision::Accept | Decision::Debug));
    let context = SpanContext::new(trace_id, span_id.parse().ok()?, flags).with_remote(true);
    context.is_valid().then_some((context, decision == Decision::Debug))
}
