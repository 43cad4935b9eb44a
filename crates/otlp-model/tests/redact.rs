//! Redaction of finished records, against the same done to typed data before it is encoded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/strategies.rs"]
mod strategies;

use otlp_model::view::ValueView;
use otlp_model::*;
use proptest::prelude::*;

/// By the key alone, so that it can be done to typed attributes just as well. Keys of the strategies begin with these.
fn decide(key: &str, _: ValueView<'_>) -> Redaction {
    match key.bytes().next() {
        Some(b'a') => Redaction::Remove,
        Some(b'b') => Redaction::Replace(AnyValue::Array(vec!["hidden".into(), 1.into()])),
        _ => Redaction::Keep,
    }
}

/// The same, and whether anything changed.
fn redact(attributes: &mut Vec<KeyValue>) -> bool {
    let before = attributes.clone();
    attributes.retain_mut(|attribute| match decide(&attribute.key, ValueView::Empty) {
        Redaction::Keep => true,
        Redaction::Remove => false,
        Redaction::Replace(value) => {
            attribute.value = value;
            true
        }
    });
    *attributes != before || before.iter().any(|attribute| attribute.key.starts_with('b'))
}

/// Without what a writer would leave out or merge, which is not the subject here.
fn plain(attributes: &mut Vec<KeyValue>) {
    attributes.retain(|attribute| !attribute.key.is_empty());
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    attributes.dedup_by(|a, b| a.key == b.key);
}

proptest! {
    #[test]
    fn a_redacted_span_is_the_redacted_typed_one(mut span in strategies::span()) {
        plain(&mut span.attributes);
        span.events.iter_mut().for_each(|event| plain(&mut event.attributes));
        span.links.iter_mut().for_each(|link| plain(&mut link.attributes));
        // A link to nowhere that loses its last attribute is left out when it is encoded, and kept when it is redacted.
        span.links.retain(|link| link.context.is_valid());
        let (mut record, mut expected) = (Vec::new(), Vec::new());
        encode_span(&span, &Limits::UNLIMITED, &mut record);
        let mut changed = redact(&mut span.attributes);
        span.events.iter_mut().for_each(|event| changed |= redact(&mut event.attributes));
        span.links.iter_mut().for_each(|link| changed |= redact(&mut link.attributes));
        encode_span(&span, &Limits::UNLIMITED, &mut expected);
        let redacted = redact_span(&record, decide).unwrap();
        prop_assert_eq!(redacted.is_some(), changed);
        prop_assert_eq!(redacted.unwrap_or(record), expected);
    }

    #[test]
    fn a_redacted_log_record_is_the_redacted_typed_one(mut log in strategies::log(), body in strategies::value()) {
        plain(&mut log.attributes);
        let (mut record, mut expected) = (Vec::new(), Vec::new());
        encode_log(&log, &Limits::UNLIMITED, &mut record);
        let changed = redact(&mut log.attributes);
        log.body = Some(body.clone());
        encode_log(&log, &Limits::UNLIMITED, &mut expected);
        let redacted = redact_log(&record, decide).unwrap();
        prop_assert_eq!(redacted.is_some(), changed);
        prop_assert_eq!(replace_log_body(&redacted.unwrap_or(record), &body).unwrap(), expected);
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = redact_span(&bytes, decide);
        let _ = redact_log(&bytes, decide);
        let _ = replace_log_body(&bytes, 1);
    }
}

#[test]
fn what_is_cut_off_is_refused_and_not_taken_for_clean() {
    let mut span = SpanData::new(SpanContext::default(), "s", 1, 2);
    span.attributes = vec![KeyValue::new("kept", "x")];
    let mut record = Vec::new();
    encode_span(&span, &Limits::default(), &mut record);
    assert_eq!(redact_span(&record, decide).unwrap(), None);
    for len in 0..record.len() {
        assert!(redact_span(&record[..len], decide).is_err(), "{len}");
    }
}

#[test]
fn a_tag_with_more_bytes_than_it_needs_hides_nothing() {
    // The attribute "a", once as field 9 in two bytes, once in five that are field 9 for who reads 32 bits of them.
    let longer = [0x12, 6, 0xca, 0x00, 3, 0x0a, 1, b'a'];
    assert_eq!(redact_span(&longer, decide).unwrap(), Some(vec![0x12, 0]));
    let beyond = [0x12, 9, 0xca, 0x80, 0x80, 0x80, 0x10, 3, 0x0a, 1, b'a'];
    assert!(redact_span(&beyond, decide).is_err());
}
