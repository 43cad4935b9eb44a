//! Row 38: contexts that are all zero, half valid or garbage. They make no parent: the span is the root of a new trace.

use crate::support::{all_delivered, client, grpc};
use otlp::{SpanContext, SpanId, SpanKind, TraceContext, TraceFlags, TraceId, TraceState};

#[tokio::test]
async fn an_invalid_parent_is_none_wherever_it_comes_from() {
    // conf: SPAN-05, SAMP-31
    let trace = |byte| TraceId::from_bytes([byte; 16]);
    let id = |byte| SpanId::from_bytes([byte; 8]);
    let mut invalid = Vec::new();
    for (trace_id, span_id) in [(trace(0), id(0)), (trace(0), id(2)), (trace(1), id(0))] {
        for flags in [0, 1, 0xff] {
            for remote in [false, true] {
                let context = SpanContext::new(trace_id, span_id, TraceFlags::from_bits(flags))
                    .with_remote(remote)
                    .with_trace_state(TraceState::parse("vendor=stale").unwrap());
                invalid.push(TraceContext::new(context));
            }
        }
    }
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    for context in &invalid {
        assert!(!context.is_valid());
        let explicit = tracer.start_with_context("explicit", SpanKind::Server, context);
        assert!(explicit.context().is_valid() && explicit.context().is_sampled());
        let built = tracer.span("built").parent(context).start();
        let _current = context.attach();
        let current = tracer.start("current");
        drop((explicit, built, current));
    }
    let count = 3 * invalid.len();
    all_delivered(&client, &collector, count as u64).await;
    let spans = collector.received().spans();
    let mut traces: Vec<_> = spans.iter().map(|span| span.span.trace_id.clone()).collect();
    traces.sort();
    traces.dedup();
    assert_eq!(traces.len(), count, "each is the root of a trace of its own");
    for span in spans {
        assert!(span.span.parent_span_id.is_empty() && span.span.trace_state.is_empty(), "{:?}", span.span);
    }
}

#[tokio::test]
async fn a_link_to_nowhere_is_no_reason_to_lose_a_span() {
    let collector = grpc().await;
    let client = client(&collector).await;
    client.tracer("t").start("s").add_link(&TraceContext::default(), &[]).set_attribute("after", 1);
    all_delivered(&client, &collector, 1).await;
    assert!(collector.received().span_named("s").unwrap().attribute("after").is_some());
}

#[test]
fn a_trace_state_that_breaks_the_grammar_is_refused_whole() {
    // conf: PROP-22
    let too_many: Vec<_> = (0..33).map(|entry| format!("k{entry}=v")).collect();
    for state in
        ["=", "a", "a=", "A=1", "a=1;b=2", "a=\u{1f4a9}", "a=1,b", "a b=1", "é=1", &too_many.join(",")]
    {
        assert!(TraceState::parse(state).is_err(), "{state:?}");
    }
}
