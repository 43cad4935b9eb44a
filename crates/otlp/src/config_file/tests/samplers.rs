//! Samplers of a file: what they are, how they decide, and what is wrong with them.

use super::read;
use crate::settings::Settings;
use otlp_model::{KeyValue, SpanContext, SpanId, SpanKind, TraceFlags, TraceId};
use otlp_sampling::SamplingParameters;

fn with_sampler(text: &str) -> Result<Settings, String> {
    read(&format!(
        "file_format: '1.1'\ntracer_provider:\n  processors: [{{ batch: {{ exporter: {{ otlp_http: }} }} }}]\n  sampler: {text}\n"
    ))
}

#[test]
fn samplers_nest() {
    // conf: CFG-21
    let sampler = |text: &str| with_sampler(text).map(|settings| settings.sampler.unwrap().value.to_string());
    assert_eq!(sampler("{ always_off: }").unwrap(), "always_off");
    let ratio = "{ parent_based: { root: { trace_id_ratio_based: { ratio: 0.25 } } } }";
    assert_eq!(sampler(ratio).unwrap(), "parentbased(traceidratio(0.25))");
    let all = "{ parent_based: { remote_parent_sampled: { always_off: } } }";
    assert_eq!(
        sampler(all).unwrap(),
        "parentbased(always_on, always_off, always_off, always_on, always_off)"
    );
    assert!(
        sampler("{ jaeger_remote: }").unwrap_err().starts_with("tracer_provider.sampler.jaeger_remote: ")
    );
    assert!(
        sampler("{ trace_id_ratio_based: { ratio: 2 } }").unwrap_err().contains("ratio: must be between")
    );
}

#[test]
fn what_a_composite_sampler_is_made_of_is_told_by_its_path() {
    // conf: CFG-12, CFG-26
    let wrong = |text: &str| with_sampler(&format!("{{ composite/development: {text} }}")).unwrap_err();
    let at = "tracer_provider.sampler.composite/development";
    let rule = |text: &str| wrong(&format!("{{ rule_based: {{ rules: [{text}] }} }}"));
    for (error, path, problem) in [
        (wrong("{ annotating: }"), ".annotating: ", "is a composable sampler that is not supported"),
        (wrong("{ annotating: }"), ".annotating: ", "; set others in code, with `with_sampler`"),
        (wrong("{ parent_threshold: }"), ".parent_threshold: ", "root is missing"),
        (wrong("{ probability: { ratio: -1 } }"), ".probability.ratio: ", "must be between 0 and 1"),
        (wrong("{ rule_based: { rules: [] } }"), ".rule_based.rules: ", "must not be empty"),
        (rule("{ span_kinds: [server] }"), ".rule_based.rules[0]: ", "sampler is missing"),
        (
            rule("{ span_kinds: [web], sampler: { always_on: } }"),
            ".rule_based.rules[0].span_kinds[0]: ",
            "must be one of internal, server, client, producer, consumer",
        ),
        (
            rule("{ attribute_values: { key: k, values: [404] }, sampler: { always_on: } }"),
            ".rule_based.rules[0].attribute_values.values[0]: ",
            "must be a text",
        ),
    ] {
        assert!(error.starts_with(&format!("{at}{path}")) && error.contains(problem), "{error}");
    }
}

#[test]
fn rules_ask_all_of_their_conditions_and_one_of_each_list() {
    // conf: SAMP-24, SAMP-25, CFG-25
    let text = "
    composite/development:
      rule_based:
        rules:
          - attribute_values: { key: http.route, values: [/healthz, /livez] }
            sampler: { always_off: }
          - attribute_patterns: { key: code, included: ['4*', '5*'], excluded: ['404'] }
            span_kinds: [server, client]
            sampler: { always_on: }
          - parent: [none, local]
            sampler: { parent_threshold: { root: { probability: { ratio: 0.5 } } } }
";
    let spec = with_sampler(text).unwrap().sampler.unwrap().value;
    assert_eq!(
        spec.to_string(),
        "composite(ComposableRuleBased{http.route is one of [\"/healthz\", \"/livez\"]: ComposableAlwaysOff, \
         code is like one of [\"4*\", \"5*\"], but not [\"404\"] and (kind=Server or kind=Client): ComposableAlwaysOn, \
         (root or local parent): ComposableParentThreshold{root:ComposableProbability{0.5}}})"
    );
    let decider = spec.decider();
    let sampler = decider.by_parent(None).err().unwrap();
    let (low, high) = ([1, 1, 1, 1, 1, 1, 1, 1, 1, 0x10, 0, 0, 0, 0, 0, 0], [0xff; 16]);
    let kept = |id: [u8; 16], kind, attribute: KeyValue, parent: Option<&SpanContext>| {
        let span = SamplingParameters::new(TraceId::from_bytes(id), "s", kind).with_parent(parent);
        let result = sampler.should_sample(&span.with_attributes(std::slice::from_ref(&attribute)));
        (result.is_sampled(), result.trace_state.to_string())
    };
    let (yes, no) = (|state: &str| (true, state.to_owned()), (false, String::new()));
    let other = || KeyValue::new("k", 1);
    assert_eq!(kept(high, SpanKind::Server, KeyValue::new("http.route", "/livez"), None), no);
    assert_eq!(kept(low, SpanKind::Client, KeyValue::new("code", 503), None), yes("ot=th:0"));
    assert_eq!(kept(low, SpanKind::Internal, KeyValue::new("code", 503), None), no, "the next rule: half");
    assert_eq!(kept(low, SpanKind::Client, KeyValue::new("code", 404), None), no, "excluded");
    assert_eq!(kept(high, SpanKind::Internal, other(), None), yes("ot=th:8"));
    let parent = SpanContext::new(TraceId::from_bytes(high), SpanId::from_bytes([1; 8]), TraceFlags::SAMPLED);
    assert_eq!(kept(high, SpanKind::Internal, other(), Some(&parent)), yes(""), "as the parent");
    let remote = parent.with_remote(true);
    assert_eq!(kept(high, SpanKind::Internal, other(), Some(&remote)), no, "no rule");
    let nothing = with_sampler("{ composite/development: { rule_based: } }").unwrap().sampler.unwrap().value;
    assert!(
        !nothing
            .decider()
            .by_parent(None)
            .err()
            .unwrap()
            .should_sample(&SamplingParameters::new(TraceId::from_bytes(high), "s", SpanKind::Server))
            .is_sampled()
    );
}
