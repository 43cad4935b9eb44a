//! `SampleLayer` from outside: what reaches the inner service, and what is answered without it.

#![cfg(feature = "tower")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use otlp_model::{KeyValue, SpanContext, SpanData, SpanId, TraceFlags, TraceId, TraceState};
use otlp_sampling::{
    AlwaysOffSampler, AlwaysOnSampler, AlwaysRecordSampler, ParentBasedSampler, SampleLayer, Sampled,
    Sampler, SamplingDecision, SamplingParameters, SamplingResult,
};
use std::borrow::Cow;
use std::io;
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower_test::mock;

fn span(flags: TraceFlags, parent: SpanId) -> SpanData {
    let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), flags);
    SpanData { parent_span_id: parent, ..SpanData::new(context, "GET /", 1, 2) }
}

fn root() -> SpanData {
    span(TraceFlags::NONE, SpanId::INVALID)
}

#[test]
fn a_discarded_span_is_answered_without_the_inner_service() {
    // conf: SAMP-02, BATCH-09
    for sampler in
        [Box::new(AlwaysOffSampler) as Box<dyn Sampler>, Box::new(AlwaysRecordSampler::new(AlwaysOffSampler))]
    {
        let (mut service, mut inner) = mock::spawn_layer::<SpanData, (), _>(SampleLayer::new(sampler));
        assert_ready_ok!(service.poll_ready());
        let mut answer = task::spawn(service.call(root()));
        assert_eq!(assert_ready!(answer.poll()).unwrap(), Sampled::Discarded);
        assert_pending!(inner.poll_request());
    }
}

#[test]
fn a_kept_span_goes_on_flagged_and_its_answer_comes_back() {
    // conf: SAMP-02
    let (mut service, mut inner) = mock::spawn_layer::<SpanData, u8, _>(SampleLayer::new(AlwaysOnSampler));
    assert_ready_ok!(service.poll_ready());
    let mut answer = task::spawn(service.call(span(TraceFlags::RANDOM, SpanId::INVALID)));
    assert_pending!(answer.poll());
    let (passed_on, reply) = assert_ready!(inner.poll_request()).unwrap();
    assert_eq!(passed_on, span(TraceFlags::SAMPLED | TraceFlags::RANDOM, SpanId::INVALID));
    reply.send_response(7);
    assert_eq!(assert_ready!(answer.poll()).unwrap(), Sampled::Kept(7));
}

#[test]
fn the_spans_own_flag_stands_in_for_the_parents() {
    // conf: SAMP-11
    let parent = SpanId::from_bytes([3; 8]);
    for (flags, kept) in [(TraceFlags::SAMPLED, true), (TraceFlags::NONE, false)] {
        let (mut service, mut inner) =
            mock::spawn_layer::<SpanData, (), _>(SampleLayer::new(ParentBasedSampler::new(AlwaysOnSampler)));
        assert_ready_ok!(service.poll_ready());
        let mut answer = task::spawn(service.call(span(flags, parent)));
        assert_eq!(answer.poll().is_pending(), kept);
        assert_eq!(inner.poll_request().is_ready(), kept);
    }
}

#[test]
fn attributes_are_added_and_the_trace_state_is_replaced() {
    // conf: SAMP-03, SAMP-04
    struct Tag;
    impl Sampler for Tag {
        fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
            assert_eq!(span.attributes, [KeyValue::new("own", 1)]);
            let mut result = SamplingResult::new(SamplingDecision::RecordAndSample, TraceState::default());
            result.attributes.push(KeyValue::new("rule", "tag"));
            result
        }
        fn description(&self) -> Cow<'_, str> {
            "Tag".into()
        }
    }
    let (mut service, mut inner) = mock::spawn_layer::<SpanData, (), _>(SampleLayer::new(Tag));
    assert_ready_ok!(service.poll_ready());
    let child = span(TraceFlags::SAMPLED, SpanId::from_bytes([3; 8]));
    let context = child.context.clone().with_trace_state("vendor=1".parse().unwrap());
    let _answer = service.call(SpanData { context, attributes: vec![KeyValue::new("own", 1)], ..child });
    let (passed_on, _) = assert_ready!(inner.poll_request()).unwrap();
    assert_eq!(passed_on.attributes, [KeyValue::new("own", 1), KeyValue::new("rule", "tag")]);
    assert!(passed_on.context.trace_state().is_empty());
}

#[test]
fn the_trace_state_passes_through_a_sampler_that_leaves_it_alone() {
    // conf: SAMP-03
    let root = root();
    let context = root.context.clone().with_trace_state("vendor=1".parse().unwrap());
    for parent_span_id in [SpanId::INVALID, SpanId::from_bytes([3; 8])] {
        let (mut service, mut inner) =
            mock::spawn_layer::<SpanData, (), _>(SampleLayer::new(AlwaysOnSampler));
        assert_ready_ok!(service.poll_ready());
        let _answer = service.call(SpanData { context: context.clone(), parent_span_id, ..root.clone() });
        let (passed_on, _) = assert_ready!(inner.poll_request()).unwrap();
        assert_eq!(passed_on.context.trace_state().to_string(), "vendor=1", "under {parent_span_id}");
    }
}

#[test]
fn readiness_and_errors_are_the_inner_services() {
    let (mut service, mut inner) = mock::spawn_layer::<SpanData, (), _>(SampleLayer::new(AlwaysOnSampler));
    inner.allow(0);
    assert_pending!(service.poll_ready());
    inner.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut answer = task::spawn(service.call(root()));
    let (_, reply) = assert_ready!(inner.poll_request()).unwrap();
    reply.send_error(io::Error::other("down"));
    assert_eq!(assert_ready_err!(answer.poll()).to_string(), "down");
}
