//! Between their contexts and ours.
//!
//! Ids and flags are the same bits. A trace state goes through its text, unless it is empty; what only one of the two grammars
//! allows is left behind.

use super::opentelemetry::Context;
use super::opentelemetry::baggage::{Baggage as TheirBaggage, BaggageExt as _, KeyValueMetadata};
use super::opentelemetry::trace::{self as theirs, TraceContextExt as _};
use otlp::{Baggage, BaggageEntry, SpanContext, SpanId, TraceContext, TraceFlags, TraceId, TraceState};
use std::str::FromStr as _;

/// Their span context as ours.
///
/// ```
/// use opentelemetry_0_33::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
/// # use otlp_opentelemetry::opentelemetry_0_33::{from_span_context, to_span_context};
/// let state = TraceState::from_key_value([("vendor", "7")])?;
/// let theirs = SpanContext::new(TraceId::from(1), SpanId::from(2), TraceFlags::SAMPLED, true, state);
/// let ours = from_span_context(&theirs);
/// assert!(ours.is_sampled() && ours.is_remote());
/// assert_eq!(ours.trace_state().get("vendor"), Some("7"));
/// assert_eq!(to_span_context(&ours), theirs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn from_span_context(context: &theirs::SpanContext) -> SpanContext {
    let ours = SpanContext::new(
        TraceId::from_bytes(context.trace_id().to_bytes()),
        SpanId::from_bytes(context.span_id().to_bytes()),
        TraceFlags::from_bits(context.trace_flags().to_u8()),
    )
    .with_remote(context.is_remote());
    if *context.trace_state() == theirs::TraceState::NONE {
        return ours;
    }
    ours.with_trace_state(TraceState::parse(&context.trace_state().header()).unwrap_or_default())
}

/// Our span context as theirs.
#[must_use]
pub fn to_span_context(context: &SpanContext) -> theirs::SpanContext {
    let state = context.trace_state();
    let state = if state.is_empty() {
        theirs::TraceState::NONE
    } else {
        theirs::TraceState::from_str(state.as_str()).unwrap_or_default()
    };
    theirs::SpanContext::new(
        theirs::TraceId::from_bytes(context.trace_id().to_bytes()),
        theirs::SpanId::from_bytes(context.span_id().to_bytes()),
        theirs::TraceFlags::new(context.flags().bits()),
        context.is_remote(),
        state,
    )
}

/// Their baggage as ours; its order is none.
///
/// ```
/// use opentelemetry_0_33::baggage::Baggage;
/// # use otlp_opentelemetry::opentelemetry_0_33::{from_baggage, to_baggage};
/// let mut theirs = Baggage::new();
/// theirs.insert_with_metadata("tenant", "blue", "ttl=30");
/// let ours = from_baggage(&theirs);
/// assert_eq!(ours.entry("tenant").map(|entry| (entry.value(), entry.metadata())), Some(("blue", "ttl=30")));
/// assert_eq!(to_baggage(&ours).to_string(), theirs.to_string());
/// ```
#[must_use]
pub fn from_baggage(baggage: &TheirBaggage) -> Baggage {
    let entry = |(key, (value, metadata)): (&super::opentelemetry::Key, &(_, _))| {
        let (value, metadata): (
            &super::opentelemetry::StringValue,
            &super::opentelemetry::baggage::BaggageMetadata,
        ) = (value, metadata);
        BaggageEntry::new(key.as_str(), value.as_str()).with_metadata(metadata.as_str())
    };
    baggage.iter().map(entry).collect()
}

/// Our baggage as theirs, which has limits of its own: what these leave no room for stays behind.
#[must_use]
pub fn to_baggage(baggage: &Baggage) -> TheirBaggage {
    let entry = |entry: &BaggageEntry| {
        let (name, value) = (entry.name().to_owned(), entry.value().to_owned());
        KeyValueMetadata::new(name, value, entry.metadata())
    };
    baggage.iter().map(entry).collect()
}

/// What a context of theirs says, for spans of ours: the span that is active in it, and its baggage.
///
/// ```
/// use opentelemetry_0_33::{Context, trace::{Tracer, TracerProvider as _}};
/// # use otlp_opentelemetry::opentelemetry_0_33::{TracerProvider, to_trace_context};
/// # fn f(client: &otlp::Client) {
/// let tracer = TracerProvider::new(client).tracer("theirs");
/// tracer.in_span("outer", |cx: Context| {
///     let _current = to_trace_context(&cx).attach();
///     client.tracer("ours").start("inner"); // a child of `outer`
/// });
/// # }
/// ```
#[must_use]
pub fn to_trace_context(context: &Context) -> TraceContext {
    let ours = TraceContext::new(from_span_context(context.span().span_context()));
    let baggage = context.baggage();
    if baggage.is_empty() { ours } else { ours.with_baggage(from_baggage(baggage)) }
}

/// Their context, with what a context of ours says, for spans of theirs: its span is the active one, its baggage, if it has
/// any, is the baggage.
///
/// ```
/// use opentelemetry_0_33::{Context, trace::{Tracer, TracerProvider as _}};
/// # use otlp_opentelemetry::opentelemetry_0_33::{TracerProvider, context_with};
/// # fn f(client: &otlp::Client) {
/// let outer = client.tracer("ours").start("outer");
/// let cx = context_with(&Context::current(), &outer.context());
/// TracerProvider::new(client).tracer("theirs").start_with_context("inner", &cx); // a child of `outer`
/// # }
/// ```
#[must_use]
pub fn context_with(context: &Context, ours: &TraceContext) -> Context {
    let theirs = context.with_remote_span_context(to_span_context(ours.span_context()));
    if ours.baggage().is_empty() { theirs } else { theirs.with_baggage(to_baggage(ours.baggage())) }
}
