//! The conversions to the generated types and back.

#![cfg(feature = "proto")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/strategies.rs"]
mod strategies;

use otlp_model::proto::generated::{common, logs, metrics, resource, trace};
use otlp_model::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn to_the_generated_types_says_what_the_writer_writes(
        span in strategies::span(), log in strategies::log(), metric in strategies::metric(),
    ) {
        // conf: MODEL-03, MODEL-04, MODEL-05, MODEL-07, MODEL-08, MODEL-21
        prop_assert_eq!(trace::v1::Span::from(span.clone()), oracle::span(&span, &Limits::UNLIMITED));
        prop_assert_eq!(logs::v1::LogRecord::from(log.clone()), oracle::log(&log, &Limits::UNLIMITED));
        prop_assert_eq!(metrics::v1::Metric::from(metric.clone()), oracle::metric(&metric));
    }

    #[test]
    fn back_and_forth_changes_nothing(
        span in strategies::span(), log in strategies::log(), metric in strategies::metric(),
    ) {
        let span = trace::v1::Span::from(span);
        prop_assert_eq!(&trace::v1::Span::from(SpanData::try_from(span.clone()).unwrap()), &span);
        let log = logs::v1::LogRecord::from(log);
        prop_assert_eq!(&logs::v1::LogRecord::from(LogRecord::try_from(log.clone()).unwrap()), &log);
        let metric = metrics::v1::Metric::from(metric);
        prop_assert_eq!(&metrics::v1::Metric::from(Metric::try_from(metric.clone()).unwrap()), &metric);
    }

    #[test]
    fn resources_and_scopes_convert(resource in strategies::resource(), scope in strategies::scope()) {
        let generated = resource::v1::Resource::from(resource.clone());
        prop_assert_eq!(&generated, &oracle::resource(&resource));
        prop_assert_eq!(resource::v1::Resource::from(Resource::from(generated.clone())).attributes, generated.attributes);
        let generated = common::v1::InstrumentationScope::from(scope.clone());
        prop_assert_eq!(&generated, &oracle::scope(&scope));
        prop_assert_eq!(&common::v1::InstrumentationScope::from(InstrumentationScope::from(generated.clone())), &generated);
    }
}

#[test]
fn a_flags_word_is_masked() {
    // conf: MODEL-06, MODEL-07
    let span = trace::v1::Span { flags: 0xffff_fe03, ..Default::default() };
    let typed = SpanData::try_from(span).unwrap();
    assert_eq!(
        (typed.context.flags().bits(), typed.parent_is_remote, typed.context.is_remote()),
        (3, true, false)
    );
    let log = logs::v1::LogRecord { flags: 0xffff_ff01, ..Default::default() };
    assert_eq!(LogRecord::try_from(log).unwrap().flags.bits(), 1);
}

#[test]
fn a_string_table_reference_is_an_empty_value() {
    // conf: MODEL-12
    use common::v1::any_value::Value;
    let value = common::v1::AnyValue { value: Some(Value::StringValueStrindex(3)) };
    assert_eq!(AnyValue::from(value), AnyValue::Empty);
}

#[test]
fn what_has_no_meaning_is_named() {
    // conf: MODEL-02, MODEL-15, MODEL-21, MODEL-22
    let span = |span: trace::v1::Span| SpanData::try_from(span).unwrap_err().to_string();
    let default = trace::v1::Span::default;
    assert_eq!(
        span(trace::v1::Span { span_id: vec![1], ..default() }),
        "span_id: 1 bytes long, must be 8 or absent"
    );
    assert_eq!(span(trace::v1::Span { kind: 6, ..default() }), "kind: 6 is no span kind");
    assert!(span(trace::v1::Span { trace_state: "=".into(), ..default() }).starts_with("trace_state: "));
    let status = Some(trace::v1::Status { code: 3, ..Default::default() });
    assert_eq!(span(trace::v1::Span { status, ..default() }), "status.code: 3 is no status code");

    let metric = |data| Metric::try_from(metrics::v1::Metric { data, ..Default::default() }).unwrap_err();
    assert_eq!(metric(None).field(), "data");
    let sum = metrics::v1::metric::Data::Sum(Default::default());
    assert_eq!(metric(Some(sum)).to_string(), "aggregation_temporality: 0 is neither delta nor cumulative");
    let exemplars = vec![metrics::v1::Exemplar::default()];
    let data_points = vec![metrics::v1::NumberDataPoint { exemplars, ..Default::default() }];
    let gauge = metrics::v1::metric::Data::Gauge(metrics::v1::Gauge { data_points });
    assert_eq!(metric(Some(gauge)).field(), "value");

    let log = logs::v1::LogRecord { severity_number: 25, ..Default::default() };
    assert_eq!(LogRecord::try_from(log).unwrap_err().to_string(), "severity_number: 25 is no severity");
}

#[test]
fn an_unspecified_kind_is_internal() {
    // conf: MODEL-15
    assert_eq!(SpanData::try_from(trace::v1::Span::default()).unwrap().kind, SpanKind::Internal);
}
