//! Consistent probability sampling against the specification: decisions, trace states, and the law that a smaller share
//! keeps a part of what a larger one keeps.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use otlp_model::{KeyValue, SpanContext, SpanId, SpanKind, TraceFlags, TraceId};
use otlp_sampling::{
    ComposableAlwaysOff, ComposableAlwaysOn, ComposableAnnotating, ComposableParentThreshold,
    ComposableProbability, ComposableRuleBased, ComposableSampler, CompositeSampler, ParentBasedSampler,
    Predicate, ProbabilitySampler, Sampler, SamplingDecision, SamplingIntent, SamplingParameters,
    SamplingResult, Threshold,
};
use proptest::prelude::*;
use std::borrow::Cow;

/// Its randomness is above three quarters and below seven eighths.
const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn id() -> TraceId {
    ID.parse().unwrap()
}

fn span(trace_id: TraceId) -> SamplingParameters<'static> {
    SamplingParameters::new(trace_id, "GET /", SpanKind::Server)
}

fn parent(sampled: bool, state: &str) -> SpanContext {
    SpanContext::new(id(), SpanId::from_bytes([1; 8]), TraceFlags::NONE.with_sampled(sampled))
        .with_remote(true)
        .with_trace_state(state.parse().unwrap())
}

fn ask(sampler: impl Sampler, parent: &SpanContext) -> (bool, String) {
    let result = sampler.should_sample(&span(parent.trace_id()).with_parent(parent));
    (result.is_sampled(), result.trace_state.to_string())
}

/// A threshold of which nothing follows for counts.
struct Guess(f64);

impl ComposableSampler for Guess {
    fn sampling_intent(&self, _: &SamplingParameters<'_>) -> SamplingIntent {
        SamplingIntent::unreliable(Threshold::from_probability(self.0).unwrap())
    }

    fn description(&self) -> Cow<'_, str> {
        "Guess".into()
    }
}

#[test]
fn the_probability_sampler_writes_its_threshold_and_ignores_the_parents_flag() {
    // conf: SAMP-19, SAMP-28
    for sampled in [true, false] {
        let parent = parent(sampled, "a=1,ot=x:7;th:f");
        assert_eq!(ask(ProbabilitySampler::new(0.25), &parent), (true, "ot=th:c;x:7,a=1".into()));
        assert_eq!(ask(ProbabilitySampler::new(0.125), &parent), (false, "ot=x:7,a=1".into()));
    }
    assert_eq!(ask(ProbabilitySampler::new(0.0), &parent(true, "a=1")), (false, "a=1".into()));
    assert_eq!(ask(ProbabilitySampler::new(1.0), &parent(false, "")), (true, "ot=th:0".into()));
    assert!(ProbabilitySampler::try_new(10.0).is_err());
}

#[test]
fn randomness_of_the_trace_state_goes_before_the_trace_ids_and_is_kept() {
    // conf: SAMP-15, SAMP-17, SAMP-20
    let half = || ProbabilitySampler::new(0.5);
    assert_eq!(ask(half(), &parent(true, "ot=rv:00000000000000")), (false, "ot=rv:00000000000000".into()));
    assert_eq!(
        ask(half(), &parent(true, "ot=rv:ffffffffffffff")),
        (true, "ot=th:8;rv:ffffffffffffff".into())
    );
    assert_eq!(
        ask(half(), &parent(true, "ot=rv:1234")),
        (true, "ot=th:8;rv:1234".into()),
        "no randomness: the id's"
    );
}

#[test]
fn an_unreliable_threshold_takes_a_fresh_number_and_is_not_written() {
    // conf: SAMP-22
    let guess = |random| CompositeSampler::new(Guess(0.5)).with_random(random);
    assert_eq!(ask(guess(|| u64::MAX), &parent(true, "ot=th:c;x:7")), (true, "ot=x:7".into()));
    assert_eq!(ask(guess(|| 0), &parent(true, "ot=th:c;x:7")), (false, "ot=x:7".into()));
    let drawn = CompositeSampler::new(Guess(0.5));
    let kept = (0..10_000).filter(|_| drawn.should_sample(&span(id())).is_sampled()).count();
    assert!((4_500..5_500).contains(&kept), "20 standard deviations away: {kept}");
}

#[test]
fn the_parents_threshold_is_followed_while_it_goes_with_the_flag() {
    // conf: SAMP-24, SAMP-26
    let follow = || CompositeSampler::new(ComposableParentThreshold::new(ComposableProbability::new(0.5)));
    for (sampled, state, kept, written) in [
        (true, "ot=th:c", true, "ot=th:c"),
        (false, "ot=th:f", false, ""),
        (true, "a=1", true, "a=1"),
        (false, "a=1", false, "a=1"),
        // The flag says the other of what the threshold says: the flag holds, the threshold goes.
        (true, "ot=th:f;x:7", true, "ot=x:7"),
        (false, "ot=th:c;x:7", false, "ot=x:7"),
        (true, "ot=th:c;rv:00000000000000", true, "ot=rv:00000000000000"),
    ] {
        assert_eq!(ask(follow(), &parent(sampled, state)), (kept, written.into()), "{sampled} {state}");
    }
    let root = follow().should_sample(&span(id()));
    assert_eq!((root.is_sampled(), root.trace_state.as_str()), (true, "ot=th:8"));
}

#[test]
fn the_first_rule_that_applies_is_asked_and_without_one_nothing_is_kept() {
    // conf: SAMP-25
    let rules = || {
        ComposableRuleBased::new()
            .rule(Predicate::name("health"), ComposableAlwaysOff)
            .rule(
                Predicate::name_prefix("GET ").and(Predicate::kind(SpanKind::Server)),
                ComposableProbability::new(0.25),
            )
            .rule(Predicate::attribute("user.tier", "gold"), ComposableAlwaysOn)
            .rule(
                Predicate::remote_parent().or(Predicate::local_parent()).negated().and(Predicate::root()),
                Guess(1.0),
            )
    };
    let sampler = CompositeSampler::new(rules());
    let answer = |name, kind, attributes: &[KeyValue], parent: Option<&SpanContext>| {
        let span = SamplingParameters::new(id(), name, kind).with_attributes(attributes).with_parent(parent);
        let result = sampler.should_sample(&span);
        (result.is_sampled(), result.trace_state.to_string())
    };
    let (gold, parent) = ([KeyValue::new("user.tier", "gold")], parent(true, ""));
    assert_eq!(answer("health", SpanKind::Server, &gold, None), (false, String::new()));
    assert_eq!(answer("GET /", SpanKind::Server, &gold, None), (true, "ot=th:c".into()));
    assert_eq!(answer("GET /", SpanKind::Client, &gold, None), (true, "ot=th:0".into()));
    assert_eq!(answer("GET /", SpanKind::Client, &[], None), (true, String::new()));
    assert_eq!(answer("GET /", SpanKind::Client, &[], Some(&parent)), (false, String::new()));
    let text = rules().description().into_owned();
    assert!(
        text.starts_with(
            "ComposableRuleBased{name=health: ComposableAlwaysOff, name=GET … and kind=Server: "
        ),
        "{text}"
    );
    assert!(
        CompositeSampler::new(rules().otherwise(ComposableAlwaysOn))
            .should_sample(&SamplingParameters::new(id(), "x", SpanKind::Client).with_parent(&parent))
            .is_sampled()
    );
}

/// Does what a composable sampler must not do.
struct Meddler;

impl ComposableSampler for Meddler {
    fn sampling_intent(&self, _: &SamplingParameters<'_>) -> SamplingIntent {
        SamplingIntent::reliable(Threshold::ALWAYS)
    }

    fn annotate(&self, _: &SamplingParameters<'_>, result: &mut SamplingResult) {
        result.decision = SamplingDecision::Drop;
        result.trace_state =
            result.trace_state.insert("mine", "1").unwrap().insert("ot", "th:ffff;y:1").unwrap();
    }

    fn description(&self) -> Cow<'_, str> {
        "Meddler".into()
    }
}

#[test]
fn annotations_are_added_to_what_is_kept_and_cannot_touch_the_decision() {
    // conf: SAMP-23, SAMP-25
    let (kept, state) = ask(CompositeSampler::new(Meddler), &parent(true, "ot=x:7,a=1"));
    assert_eq!((kept, state.as_str()), (true, "ot=th:0;x:7,mine=1,a=1"));

    let rule = [KeyValue::new("rule", "one")];
    let annotated = |inner| CompositeSampler::new(ComposableAnnotating::new(inner, rule.clone()));
    let nested = ComposableParentThreshold::new(ComposableAnnotating::new(ComposableAlwaysOn, rule.clone()));
    assert_eq!(annotated(ComposableProbability::new(0.25)).should_sample(&span(id())).attributes, rule);
    assert_eq!(annotated(ComposableProbability::new(0.125)).should_sample(&span(id())).attributes, []);
    assert_eq!(CompositeSampler::new(nested).should_sample(&span(id())).attributes, rule);
}

#[test]
fn a_share_of_a_million_traces_is_within_its_binomial_bounds() {
    // conf: SAMP-14, SAMP-08
    let mut ids = fastrand::Rng::with_seed(42);
    let sampler = ProbabilitySampler::new(0.1);
    let ids = std::iter::repeat_with(|| TraceId::from_bytes(ids.u128(1..).to_be_bytes()));
    let kept = ids.take(1_000_000).filter(|id| sampler.should_sample(&span(*id)).is_sampled()).count();
    // Six standard deviations, and what the threshold's four digits leave out.
    assert!((98_100..101_900).contains(&kept), "{kept}");
}

proptest! {
    #[test]
    fn a_smaller_share_keeps_a_part_of_what_a_larger_one_keeps(
        bytes in any::<[u8; 16]>(),
        one in 0.0..=1.0f64,
        other in 0.0..=1.0f64,
    ) {
        // conf: SAMP-08, SAMP-15
        let keeps = |ratio| ProbabilitySampler::new(ratio).should_sample(&span(TraceId::from_bytes(bytes))).is_sampled();
        prop_assert!(!keeps(one.min(other)) || keeps(one.max(other)));
    }

    #[test]
    fn a_child_service_agrees_with_the_decision_it_receives(
        bytes in any::<[u8; 16]>().prop_filter("valid", |bytes| *bytes != [0; 16]),
        ratio in 0.0..=1.0f64,
    ) {
        // conf: SAMP-24, SAMP-26, SAMP-29
        let id = TraceId::from_bytes(bytes);
        let above = ProbabilitySampler::new(ratio).should_sample(&span(id));
        let flags = TraceFlags::NONE.with_sampled(above.is_sampled());
        let context = SpanContext::new(id, SpanId::from_bytes([1; 8]), flags).with_trace_state(above.trace_state.clone());
        let follower = CompositeSampler::new(ComposableParentThreshold::new(ComposableAlwaysOff));
        let below = follower.should_sample(&span(id).with_parent(&context));
        prop_assert_eq!(below.is_sampled(), above.is_sampled());
        prop_assert_eq!(&below.trace_state, &above.trace_state, "counts are the same below");
        let plain = ParentBasedSampler::new(ComposableRoot).should_sample(&span(id).with_parent(&context));
        prop_assert_eq!(plain.is_sampled(), above.is_sampled());
    }

    #[test]
    fn thresholds_keep_their_text_and_come_near_their_share(probability in 1e-12..=1.0f64) {
        // conf: SAMP-16, SAMP-18, SAMP-29
        let threshold = Threshold::from_probability(probability).unwrap();
        prop_assert_eq!(threshold.to_string().parse(), Ok(threshold));
        prop_assert!((threshold.probability() / probability - 1.0).abs() < 1.0 / 8192.0);
        prop_assert!((threshold.adjusted_count() * threshold.probability() - 1.0).abs() < 1e-9);
    }
}

/// Is never asked: there always is a parent.
struct ComposableRoot;

impl Sampler for ComposableRoot {
    fn should_sample(&self, _: &SamplingParameters<'_>) -> SamplingResult {
        unreachable!("there is a parent")
    }

    fn description(&self) -> Cow<'_, str> {
        "root".into()
    }
}
