//! Attributes that were encoded ahead: what arrives is what arrives if they are set one after the other, whatever was set before and
//! whatever the limits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/strategies.rs"]
mod strategies;

use otlp_model::{
    AnyValue, KeyValue, Limits, PreparedAttributes, SpanContext, SpanId, SpanKind, SpanWriter, ToValue,
    TraceFlags, TraceId,
};
use proptest::prelude::*;

const NONE: [(&str, &str); 0] = [];

/// The record of a span on which `make` is called.
fn record(writer: &mut SpanWriter, limits: &Limits, make: impl FnOnce(&mut SpanWriter)) -> Vec<u8> {
    let context =
        SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
    writer.start(limits, &context, SpanId::INVALID, false, "span", SpanKind::Internal, 1);
    make(writer);
    writer.finish(2).to_vec()
}

/// What is copied unless a key is there already or a limit forbids it.
fn plain() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop::sample::select(
        &["a", "b", "http.request.method", "http.request.method_original", "c", "d", "e"][..],
    );
    let value = prop_oneof![
        any::<i64>().prop_map(AnyValue::Int),
        any::<bool>().prop_map(AnyValue::Bool),
        strategies::double().prop_map(AnyValue::Double),
        strategies::text().prop_map(|text| AnyValue::String(text.into())),
    ];
    prop::collection::vec((key, value).prop_map(|(key, value)| KeyValue::new(key, value)), 0..5)
}

proptest! {
    /// conf: MODEL-08, LIM-01, LIM-06
    #[test]
    fn prepared_attributes_are_as_if_set_one_after_the_other(
        prepared in prop_oneof![2 => plain(), 1 => strategies::attributes()],
        before in plain(),
        after in prop_oneof![2 => plain(), 1 => strategies::attributes()],
        (count, length) in (0..12usize, proptest::option::of(0..20usize)),
        warm in any::<bool>(),
    ) {
        let limits = Limits {
            attribute_count: count,
            attributes_per_event: count,
            attribute_value_length: length,
            ..Limits::default()
        };
        let encoded = PreparedAttributes::new(prepared.clone());
        let mut writer = SpanWriter::new();
        if warm {
            // With memory for all of them, so that they are copied where they may be.
            record(&mut writer, &Limits::default(), |writer| {
                (0..40).for_each(|n| writer.set_attribute(format!("{n}"), n.to_value()));
                writer.add_event("event", 1, (0..40).map(|n| (format!("{n}"), n)));
            });
        }
        let set = |writer: &mut SpanWriter, all: &[KeyValue]| {
            all.iter().for_each(|one| writer.set_attribute(&one.key, one.value.to_value()));
        };
        let pairs = |all: &[KeyValue]| all.iter().map(|one| (one.key.clone(), one.value.clone())).collect::<Vec<_>>();
        // Of those with the same key only the last is there to be dropped.
        let unique = encoded.attributes().to_vec();
        let expected = record(&mut SpanWriter::new(), &limits, |writer| {
            set(writer, &before);
            set(writer, &unique);
            set(writer, &after);
            writer.add_event("event", 1, pairs(&unique).into_iter().chain(pairs(&after)));
            writer.add_event("bare", 1, pairs(&unique));
        });
        let found = record(&mut writer, &limits, |writer| {
            set(writer, &before);
            writer.set_prepared(&encoded);
            set(writer, &after);
            writer.add_event_prepared("event", 1, &encoded, pairs(&after));
            writer.add_event_prepared("bare", 1, &encoded, NONE);
        });
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn of_prepared_attributes_with_the_same_key_the_last_counts_in_the_place_of_the_first() {
    // conf: MODEL-08
    let prepared =
        PreparedAttributes::new([KeyValue::new("a", 1), KeyValue::new("b", 2), KeyValue::new("a", 3)]);
    assert_eq!(prepared.attributes(), [KeyValue::new("a", 3), KeyValue::new("b", 2)]);
}

#[test]
fn before_the_start_and_after_the_end_of_a_span_nothing_is_copied() {
    // conf: SPAN-10
    let prepared = PreparedAttributes::new([KeyValue::new("a", 1)]);
    let mut writer = SpanWriter::new();
    writer.set_prepared(&prepared);
    let bare = record(&mut writer, &Limits::default(), |_| {});
    writer.set_prepared(&prepared);
    assert_eq!(record(&mut writer, &Limits::default(), |_| {}), bare);
}
