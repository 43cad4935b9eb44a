//! What is not kept costs no memory: counted, for every sampler that can drop.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use otlp_model::{KeyValue, SpanContext, SpanId, SpanKind, TraceFlags, TraceId};
use otlp_sampling::{
    AlwaysOffSampler, ComposableAdaptive, ComposableAlwaysOff, ComposableParentThreshold,
    ComposableProbability, ComposableRateLimiting, ComposableRuleBased, CompositeSampler, ParentBasedSampler,
    Predicate, ProbabilitySampler, RateLimitingSampler, Sampler, SamplingParameters, SpansPerSecond,
    TraceIdRatioBasedSampler,
};
use std::time::Duration;

#[test]
fn a_dropped_span_allocates_nothing() {
    let second = || Duration::from_secs(1);
    let rate = SpansPerSecond::new(1e-9).unwrap();
    let rules = ComposableRuleBased::new()
        .rule(Predicate::name("other"), ComposableAlwaysOff)
        .rule(Predicate::attribute_text("code", "code=404", |text| text == "404"), ComposableAlwaysOff);
    let attributes = [KeyValue::new("code", 404)];
    let samplers: Vec<Box<dyn Sampler>> = vec![
        Box::new(AlwaysOffSampler),
        Box::new(TraceIdRatioBasedSampler::new(0.001)),
        Box::new(ParentBasedSampler::new(AlwaysOffSampler)),
        Box::new(ProbabilitySampler::new(0.001)),
        Box::new(RateLimitingSampler::new(rate).with_clock(second)),
        Box::new(CompositeSampler::new(rules)),
        Box::new(CompositeSampler::new(ComposableParentThreshold::new(ComposableProbability::new(0.001)))),
        Box::new(CompositeSampler::new(ComposableRateLimiting::new(rate).with_clock(second))),
        Box::new(CompositeSampler::new(ComposableAdaptive::per_operation(rate).with_clock(second))),
    ];
    // No randomness: dropped by every share.
    let id = TraceId::from_bytes([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
    let parent = SpanContext::new(id, SpanId::from_bytes([1; 8]), TraceFlags::NONE)
        .with_trace_state("a=1,ot=x:7".parse().unwrap());
    for sampler in &samplers {
        let name = sampler.description().into_owned();
        for parent in [None, Some(&parent)] {
            let span = SamplingParameters::new(id, "GET /", SpanKind::Server)
                .with_parent(parent)
                .with_attributes(&attributes);
            // What comes first may pass a rate.
            let _first = (sampler.should_sample(&span), sampler.should_sample(&span));
            let counted =
                allocation_counter::measure(|| assert!(!sampler.should_sample(&span).is_sampled(), "{name}"));
            assert_eq!(counted.count_total, 0, "{name}");
        }
    }
}
