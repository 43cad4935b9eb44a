//! Prepared keys against text: the same calls give the same bytes, whatever the key's length, order and repetition.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::*;
use proptest::prelude::*;

const LONGEST_SHORT: &str = "a.key.of.as.many.bytes.as.can.still.be.short";
const TOO_LONG: &str = "a.key.that.has.one.byte.too.many.to.be.short.";

/// Keys of all kinds, and the texts that they stand for.
static KEYS: [Key; 7] = [
    Key::new(""),
    Key::new("k"),
    Key::new("key"),
    Key::new("http.request.method"),
    Key::new("http.response.status_code"),
    Key::new(LONGEST_SHORT),
    Key::new(TOO_LONG),
];

fn value() -> impl Strategy<Value = AnyValue> {
    prop_oneof![
        any::<bool>().prop_map(AnyValue::Bool),
        any::<i64>().prop_map(AnyValue::Int),
        (0u32..64).prop_flat_map(|bits| (0..=i64::MAX >> bits.min(62)).prop_map(AnyValue::Int)),
        any::<f64>().prop_map(AnyValue::Double),
        "[a-zé]{0,60}".prop_map(AnyValue::from),
        proptest::collection::vec(any::<u8>(), 0..60).prop_map(AnyValue::Bytes),
        Just(AnyValue::Empty),
    ]
}

/// A span with these attributes, and an event and a link with the same.
fn write<'a, K: ToKey>(
    writer: &'a mut SpanWriter,
    limits: &Limits,
    attributes: &[(usize, AnyValue)],
    key: impl Fn(usize) -> K,
) -> &'a [u8] {
    let context =
        SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
    writer.start(limits, &context, SpanId::INVALID, false, "GET", SpanKind::Server, 1);
    let pairs = || attributes.iter().map(|(number, value)| (key(*number), value));
    pairs().for_each(|(key, value)| writer.set_attribute(key, value.to_value()));
    writer.add_event("event", 2, pairs());
    writer.add_link(&context, pairs());
    writer.finish(3)
}

proptest! {
    #[test]
    fn a_prepared_key_writes_what_its_text_writes(
        spans in proptest::collection::vec(proptest::collection::vec((0..KEYS.len(), value()), 0..12), 1..4),
        attribute_count in prop_oneof![Just(128usize), 0..6usize],
        attribute_value_length in proptest::option::of(0..60usize),
    ) {
        // conf: MODEL-08
        let limits = Limits {
            attribute_count,
            attribute_value_length,
            attributes_per_event: attribute_count,
            ..Limits::default()
        };
        let (mut texts, mut keys) = (SpanWriter::new(), SpanWriter::new());
        for attributes in &spans {
            let text = write(&mut texts, &limits, attributes, |number| KEYS[number].as_str());
            let key = write(&mut keys, &limits, attributes, |number| &KEYS[number]);
            prop_assert_eq!(text, key);
        }
    }
}
