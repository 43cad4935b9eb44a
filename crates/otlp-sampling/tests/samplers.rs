//! The samplers against the specification: decisions, delegation, descriptions, and the laws of the ratio sampler.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use otlp_model::{AnyValue, KeyValue, Link, SpanContext, SpanId, SpanKind, TraceFlags, TraceId, TraceState};
use otlp_sampling::{
    AlwaysOffSampler, AlwaysOnSampler, AlwaysRecordSampler, ParentBasedSampler, Sampler, SamplingDecision,
    SamplingParameters, SamplingResult, TraceIdRatioBasedSampler,
};
use proptest::prelude::*;
use std::borrow::Cow;
use std::sync::Arc;

const TRACE: TraceId = TraceId::from_bytes([9; 16]);

fn root(trace_id: TraceId) -> SamplingParameters<'static> {
    SamplingParameters::new(trace_id, "span", SpanKind::Internal)
}

fn parent(remote: bool, sampled: bool) -> SpanContext {
    SpanContext::new(TRACE, SpanId::from_bytes([1; 8]), TraceFlags::NONE.with_sampled(sampled))
        .with_remote(remote)
}

/// Answers with the name it was given, so that a test sees which delegate was asked.
struct Named(&'static str);

impl Sampler for Named {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let mut result = SamplingResult::new(SamplingDecision::RecordOnly, span.parent_trace_state());
        result.attributes.push(KeyValue::new("asked", self.0));
        result
    }

    fn description(&self) -> Cow<'_, str> {
        self.0.into()
    }
}

#[test]
fn always_on_and_always_off_ignore_the_parent() {
    // conf: SAMP-07
    for (remote, sampled) in [(true, true), (true, false), (false, true), (false, false)] {
        let parent = parent(remote, sampled);
        let span = root(TRACE).with_parent(&parent);
        assert_eq!(AlwaysOnSampler.should_sample(&span).decision, SamplingDecision::RecordAndSample);
        assert_eq!(AlwaysOffSampler.should_sample(&span).decision, SamplingDecision::Drop);
    }
    assert_eq!(AlwaysOnSampler.should_sample(&root(TRACE)).decision, SamplingDecision::RecordAndSample);
    assert_eq!(AlwaysOffSampler.should_sample(&root(TRACE)).decision, SamplingDecision::Drop);
}

#[test]
fn a_sampler_sees_everything_known_at_the_start() {
    // conf: SAMP-01
    struct Inspect;
    impl Sampler for Inspect {
        fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
            assert_eq!((span.trace_id, span.name, span.kind), (TRACE, "GET /", SpanKind::Server));
            assert_eq!(span.attributes, [KeyValue::new("a", 1)]);
            assert_eq!(span.links.len(), 1);
            assert!(span.parent().is_some_and(SpanContext::is_remote));
            SamplingResult::new(SamplingDecision::RecordAndSample, span.parent_trace_state())
        }
        fn description(&self) -> Cow<'_, str> {
            "Inspect".into()
        }
    }
    let parent = parent(true, true);
    let (attributes, links) = ([KeyValue::new("a", 1)], [Link::default()]);
    let span = SamplingParameters::new(TRACE, "GET /", SpanKind::Server)
        .with_parent(&parent)
        .with_attributes(&attributes)
        .with_links(&links);
    assert!(Inspect.should_sample(&span).is_sampled());
}

#[test]
fn pass_through_samplers_answer_with_the_parents_trace_state() {
    // conf: SAMP-03
    let state: TraceState = "vendor=1,other=2".parse().unwrap();
    let parent = parent(true, true).with_trace_state(state.clone());
    for sampler in [
        Box::new(AlwaysOnSampler) as Box<dyn Sampler>,
        Box::new(AlwaysOffSampler),
        Box::new(TraceIdRatioBasedSampler::new(0.5)),
        Box::new(ParentBasedSampler::default()),
        Box::new(AlwaysRecordSampler::new(AlwaysOffSampler)),
    ] {
        let name = sampler.description();
        assert_eq!(sampler.should_sample(&root(TRACE).with_parent(&parent)).trace_state, state, "{name}");
        assert!(sampler.should_sample(&root(TRACE)).trace_state.is_empty(), "{name}");
    }
}

#[test]
fn the_three_decisions_differ_in_recording_and_sampling() {
    // conf: SAMP-02
    for (decision, recording, sampled) in [
        (SamplingDecision::Drop, false, false),
        (SamplingDecision::RecordOnly, true, false),
        (SamplingDecision::RecordAndSample, true, true),
    ] {
        let result = SamplingResult::new(decision, Default::default());
        assert_eq!((result.is_recording(), result.is_sampled()), (recording, sampled), "{decision:?}");
    }
}

#[test]
fn parent_based_asks_the_one_of_five_that_fits() {
    // conf: SAMP-11
    let sampler = ParentBasedSampler::new(Named("root"))
        .with_remote_parent_sampled(Named("remote sampled"))
        .with_remote_parent_not_sampled(Named("remote not sampled"))
        .with_local_parent_sampled(Named("local sampled"))
        .with_local_parent_not_sampled(Named("local not sampled"));
    let asked = |span: &SamplingParameters<'_>| sampler.should_sample(span).attributes.remove(0).value;
    assert_eq!(asked(&root(TRACE)), AnyValue::from("root"));
    for (remote, sampled, expected) in [
        (true, true, "remote sampled"),
        (true, false, "remote not sampled"),
        (false, true, "local sampled"),
        (false, false, "local not sampled"),
    ] {
        assert_eq!(asked(&root(TRACE).with_parent(&parent(remote, sampled))), AnyValue::from(expected));
    }
}

#[test]
fn parent_based_does_as_the_parent_did_by_default() {
    // conf: SAMP-05, SAMP-11
    let sampler = ParentBasedSampler::default();
    assert!(sampler.should_sample(&root(TRACE)).is_sampled());
    for (remote, sampled) in [(true, true), (true, false), (false, true), (false, false)] {
        let parent = parent(remote, sampled);
        assert_eq!(sampler.should_sample(&root(TRACE).with_parent(&parent)).is_sampled(), sampled);
    }
}

#[test]
fn an_invalid_parent_is_no_parent() {
    // conf: SAMP-12
    let sampler = ParentBasedSampler::new(Named("root"));
    for invalid in [
        SpanContext::default(),
        SpanContext::new(TRACE, SpanId::INVALID, TraceFlags::SAMPLED),
        SpanContext::new(TraceId::INVALID, SpanId::from_bytes([1; 8]), TraceFlags::SAMPLED),
    ] {
        let span = root(TRACE).with_parent(&invalid);
        assert!(span.parent().is_none());
        assert!(root(TRACE).with_parent(Some(&invalid)).parent().is_none());
        assert_eq!(sampler.should_sample(&span).attributes[0].value, AnyValue::from("root"));
    }
}

#[test]
fn always_record_changes_drop_only() {
    // conf: SAMP-13
    let record = |inner: Arc<dyn Sampler>| AlwaysRecordSampler::new(inner).should_sample(&root(TRACE));
    assert_eq!(record(Arc::new(AlwaysOffSampler)).decision, SamplingDecision::RecordOnly);
    assert_eq!(record(Arc::new(AlwaysOnSampler)).decision, SamplingDecision::RecordAndSample);
    let passed_on = record(Arc::new(Named("inner")));
    assert_eq!(passed_on.decision, SamplingDecision::RecordOnly);
    assert_eq!(passed_on.attributes, [KeyValue::new("asked", "inner")]);
}

#[test]
fn descriptions_are_the_specifications() {
    // conf: SAMP-06
    let ratio = |ratio| TraceIdRatioBasedSampler::new(ratio).description().into_owned();
    assert_eq!(AlwaysOnSampler.description(), "AlwaysOnSampler");
    assert_eq!(AlwaysOffSampler.description(), "AlwaysOffSampler");
    assert_eq!(ratio(0.0001), "TraceIdRatioBased{0.000100}");
    assert_eq!(ratio(1.0), "TraceIdRatioBased{1.000000}");
    assert_eq!(ratio(0.0), "TraceIdRatioBased{0.000000}");
    assert_eq!(ratio(0.000_000_015), "TraceIdRatioBased{0.000000015}");
    assert_eq!(
        ParentBasedSampler::default().description(),
        "ParentBased{root:AlwaysOnSampler,remoteParentSampled:AlwaysOnSampler,\
         remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,\
         localParentNotSampled:AlwaysOffSampler}"
    );
}

#[test]
fn samplers_are_shared_between_threads_and_erased() {
    // conf: SAMP-30, BATCH-19
    let shared: Arc<dyn Sampler> = Arc::new(TraceIdRatioBasedSampler::new(0.5));
    let boxed: Box<dyn Sampler> = Box::new(Arc::clone(&shared));
    std::thread::scope(|scope| {
        for low in 0u8..4 {
            let (shared, boxed) = (&shared, &boxed);
            scope.spawn(move || {
                for high in 0u8..=255 {
                    let span = root(TraceId::from_bytes([high.wrapping_mul(31) ^ low; 16]));
                    assert_eq!(shared.should_sample(&span), boxed.should_sample(&span));
                }
            });
        }
    });
    assert_eq!(boxed.description(), "TraceIdRatioBased{0.500000}");
}

/// The finaliser of SplitMix64: ids that are fixed for the test yet spread like random ones.
fn spread(n: u64) -> u64 {
    let z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn the_share_kept_is_the_ratio() {
    // conf: SAMP-08
    const IDS: u32 = 100_000;
    for ratio in [0.001, 0.01, 0.1, 1.0 / 3.0, 0.5, 0.9, 0.999] {
        let sampler = TraceIdRatioBasedSampler::new(ratio);
        let kept = (0..u64::from(IDS))
            .filter(|&n| {
                let id = u128::from(spread(2 * n)) << 64 | u128::from(spread(2 * n + 1));
                sampler.should_sample(&root(TraceId::from_bytes(id.to_be_bytes()))).is_sampled()
            })
            .count();
        let (expected, deviation) = (f64::from(IDS) * ratio, (f64::from(IDS) * ratio * (1.0 - ratio)).sqrt());
        assert!((kept as f64 - expected).abs() < 5.0 * deviation, "{ratio}: kept {kept} of {IDS}");
    }
}

proptest! {
    #[test]
    fn a_higher_ratio_keeps_all_that_a_lower_one_keeps(id: [u8; 16], a in 0.0..=1.0f64, b in 0.0..=1.0f64) {
        // conf: SAMP-08
        let keeps = |ratio| TraceIdRatioBasedSampler::new(ratio).should_sample(&root(id.into())).is_sampled();
        let (low, high) = (f64::min(a, b), f64::max(a, b));
        prop_assert!(!keeps(low) || keeps(high));
    }

    #[test]
    fn the_ends_keep_none_and_all(id: [u8; 16]) {
        // conf: SAMP-08
        let keeps = |ratio| TraceIdRatioBasedSampler::new(ratio).should_sample(&root(id.into())).is_sampled();
        prop_assert!(!keeps(0.0));
        prop_assert!(keeps(1.0));
    }

    #[test]
    fn two_processes_agree_whatever_the_parent_and_the_high_bits(
        id: [u8; 16], high: [u8; 9], ratio in 0.0..=1.0f64, remote: bool, sampled: bool,
    ) {
        // conf: SAMP-08, DEC-11
        let mut other = id;
        other[..9].copy_from_slice(&high);
        let parent = parent(remote, sampled);
        let here = TraceIdRatioBasedSampler::new(ratio).should_sample(&root(id.into()));
        let there = TraceIdRatioBasedSampler::new(ratio).should_sample(&root(other.into()).with_parent(&parent));
        prop_assert_eq!(here.decision, there.decision);
    }

    #[test]
    fn different_ratios_have_different_descriptions(a in 0.0..=1.0f64, b in 0.0..=1.0f64) {
        // conf: SAMP-06
        let description = |ratio| TraceIdRatioBasedSampler::new(ratio).description().into_owned();
        prop_assert_eq!(a == b, description(a) == description(b));
    }
}

#[test]
fn a_sampler_says_whether_it_looks_at_the_span() {
    let ratio = TraceIdRatioBasedSampler::new(0.5);
    let blind: [Box<dyn Sampler>; 5] = [
        Box::new(AlwaysOnSampler),
        Box::new(AlwaysOffSampler),
        Box::new(Arc::new(ratio)),
        Box::new(AlwaysRecordSampler::new(ratio)),
        Box::new(ParentBasedSampler::new(ratio)),
    ];
    assert!(blind.iter().all(|sampler| !sampler.looks_at_span()));
    // The same answer without name, kind, attributes and links.
    for sampler in &blind {
        let attributes = [KeyValue::new("a", 1)];
        let seeing = SamplingParameters::new(TRACE, "name", SpanKind::Server).with_attributes(&attributes);
        assert_eq!(sampler.should_sample(&seeing), sampler.should_sample(&root(TRACE)));
    }
    assert!(Named("x").looks_at_span());
    assert!(ParentBasedSampler::new(ratio).with_local_parent_sampled(Named("x")).looks_at_span());
}
