//! Propagators of one side under the other read and write what they do at home.

use crate::support::{balanced, client, context, grpc};
use opentelemetry_0_33::baggage::BaggageExt as _;
use opentelemetry_0_33::propagation::{
    Extractor, Injector, TextMapPropagator as Theirs, text_map_propagator::FieldIter,
};
use opentelemetry_0_33::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_0_33::{Context, KeyValue};
use opentelemetry_sdk_0_33::propagation as sdk;
use otlp::TraceContext;
use otlp::propagation::{B3Propagator, CompositePropagator, TextMapPropagator as _};
use otlp_opentelemetry::opentelemetry_0_33::{
    OtelPropagator, OtlpPropagator, TracerProvider, context_with, to_trace_context,
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

#[tokio::test]
async fn where_nothing_is_found_the_active_span_itself_stays() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let span = TracerProvider::new(&client).tracer("t").start_with_context("s", &Context::new());
    let cx = Context::new().with_span(span);
    let found = OtlpPropagator::new(CompositePropagator::w3c()).extract_with_context(&cx, &HashMap::new());
    assert!(found.span().is_recording(), "and not only its identity");
    drop((cx, found));
    assert_eq!(balanced(&client, &collector).await.delivered(), 1);
}

/// Headers of which each may be there twice, on either side.
struct Headers(&'static [(&'static str, &'static str)]);

impl Extractor for Headers {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        Some(self.0.iter().filter(|(name, _)| *name == key).map(|(_, value)| *value).collect())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }
}

const TWICE: &[(&str, &str)] = &[
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("tracestate", "a=1"),
    ("tracestate", "b=2"),
];

#[test]
fn ours_find_every_header_of_theirs() {
    // conf: PROP-13
    let ours = OtlpPropagator::new(CompositePropagator::w3c());
    let found = ours.extract_with_context(&Context::new(), &Headers(TWICE));
    assert_eq!(found.span().span_context().trace_state().header(), "a=1,b=2");
}

/// Makes baggage of all values of `tracestate`.
#[derive(Debug)]
struct Curious;

impl Theirs for Curious {
    fn inject_context(&self, _: &Context, _: &mut dyn Injector) {}

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let all = extractor.get_all("tracestate").unwrap_or_default().join(";");
        cx.with_baggage([KeyValue::new("all", all)])
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&[])
    }
}

#[test]
fn theirs_find_every_header_of_ours() {
    let found = OtelPropagator::new(Curious).extract(&TraceContext::default(), &TWICE);
    assert_eq!(found.baggage().get("all"), Some("a=1;b=2"));
}

#[test]
fn theirs_are_given_the_baggage_of_ours() {
    // conf: PROP-31
    let mut headers: HashMap<String, String> = HashMap::new();
    OtelPropagator::new(sdk::BaggagePropagator::new()).inject(&to_trace_context(&full()), &mut headers);
    assert_eq!(headers["baggage"], "tenant=blue%20&%20green");
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
