//! Propagators of one side under the other read and write what they do at home.

use crate::support::context;
use opentelemetry_0_33::baggage::BaggageExt as _;
use opentelemetry_0_33::propagation::TextMapPropagator as Theirs;
use opentelemetry_0_33::trace::TraceContextExt as _;
use opentelemetry_0_33::{Context, KeyValue};
use opentelemetry_sdk_0_33::propagation as sdk;
use otlp::TraceContext;
use otlp::propagation::{B3Propagator, CompositePropagator, TextMapPropagator as _};
use otlp_opentelemetry::opentelemetry_0_33::{
    OtelPropagator, OtlpPropagator, context_with, to_trace_context,
};
use std::collections::HashMap;

fn full() -> Context {
    Context::new()
        .with_remote_span_context(context(7))
        .with_baggage([KeyValue::new("tenant", "blue & green")])
}

#[test]
fn ours_and_theirs_write_and_read_the_same_headers() {
    // conf: PROP-04, PROP-13, PROP-31
    let ours = OtlpPropagator::new(CompositePropagator::w3c());
    let theirs = opentelemetry_0_33::propagation::TextMapCompositePropagator::new(vec![
        Box::new(sdk::TraceContextPropagator::new()),
        Box::new(sdk::BaggagePropagator::new()),
    ]);
    let (mut of_ours, mut of_theirs) = (HashMap::new(), HashMap::new());
    ours.inject_context(&full(), &mut of_ours);
    theirs.inject_context(&full(), &mut of_theirs);
    assert_eq!(of_ours, of_theirs);
    for headers in [&of_ours, &of_theirs] {
        for propagator in [&ours as &dyn Theirs, &theirs] {
            let found = propagator.extract_with_context(&Context::new(), headers);
            assert_eq!(found.span().span_context(), &context(7));
            assert_eq!(found.baggage().get("tenant").unwrap().as_str(), "blue & green");
        }
    }
    let mut fields: Vec<_> = ours.fields().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["baggage", "traceparent", "tracestate"]);
}

#[test]
fn what_is_not_there_changes_nothing() {
    // conf: PROP-01
    let cx = full();
    let found = OtlpPropagator::new(B3Propagator::single()).extract_with_context(&cx, &HashMap::new());
    assert_eq!(found.span().span_context(), &context(7));
    assert_eq!(found.baggage().len(), 1);
}

#[test]
fn theirs_serve_a_client_of_ours() {
    let propagator = OtelPropagator::new(sdk::TraceContextPropagator::new());
    let sent = to_trace_context(&full());
    let mut headers: HashMap<String, String> = HashMap::new();
    propagator.inject(&sent, &mut headers);
    let found = propagator.extract(&TraceContext::default(), &headers);
    assert_eq!(found.span_context(), sent.span_context());
    assert!(found.baggage().is_empty(), "it knows none");
    assert_eq!(propagator.fields(), ["traceparent", "tracestate"]);
    let kept = propagator.extract(&sent, &HashMap::<String, String>::new());
    assert_eq!(kept, sent, "nothing found, nothing changed");
}

#[test]
fn contexts_survive_the_way_there_and_back() {
    let there = to_trace_context(&full());
    let back = context_with(&Context::new(), &there);
    assert_eq!(back.span().span_context(), &context(7));
    assert_eq!(to_trace_context(&back), there);
    assert!(!to_trace_context(&Context::new()).is_valid());
}
