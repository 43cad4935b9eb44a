//! The live span writer against a naive model: any order of calls, one writer for many spans.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/strategies.rs"]
mod strategies;

use opentelemetry_proto::tonic::trace::v1::{ScopeSpans, Span};
use otlp_model::*;
use proptest::prelude::*;
use prost::Message;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One call of a span's user.
#[derive(Debug, Clone)]
enum Call {
    Attribute(KeyValue),
    Name(String),
    Event(Event),
    Link(Link),
    Status(Status),
    Identity(SpanContext, SpanId, bool),
    Kind(SpanKind),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let attribute = (strategies::key(), strategies::value());
    let call = prop_oneof![
        6 => attribute.prop_map(|(key, value)| Call::Attribute(KeyValue { key, value })),
        2 => strategies::text().prop_map(Call::Name),
        2 => strategies::event().prop_map(|event| Call::Event(Event { dropped_attributes_count: 0, ..event })),
        1 => strategies::link().prop_map(|link| Call::Link(Link { dropped_attributes_count: 0, ..link })),
        2 => strategies::status().prop_map(Call::Status),
        1 => (strategies::context(), strategies::span_id(), any::<bool>()).prop_map(|(context, parent, remote)| {
            Call::Identity(context.with_remote(false), parent, remote && parent.is_valid())
        }),
        1 => strategies::kind().prop_map(Call::Kind),
    ];
    proptest::collection::vec(call, 0..24)
}

fn begin(writer: &mut SpanWriter, span: &SpanData, limits: &Limits) {
    let SpanData { context, parent_span_id, parent_is_remote, name, kind, .. } = span;
    writer.start(limits, context, *parent_span_id, *parent_is_remote, name, *kind, span.start_time_unix_nano);
}

fn apply(writer: &mut SpanWriter, call: &Call) {
    let pairs = |attributes: &[KeyValue]| -> Vec<(Cow<'static, str>, AnyValue)> {
        attributes.iter().map(|attribute| (attribute.key.clone(), attribute.value.clone())).collect()
    };
    match call {
        Call::Attribute(attribute) => writer.set_attribute(&attribute.key, attribute.value.to_value()),
        Call::Name(name) => writer.set_name(name),
        Call::Event(event) => writer.add_event(&event.name, event.time_unix_nano, pairs(&event.attributes)),
        Call::Link(link) => writer.add_link(&link.context, pairs(&link.attributes)),
        Call::Status(status) => writer.set_status(status.code, &status.description),
        Call::Identity(context, parent, remote) => writer.set_identity(context, *parent, *remote),
        Call::Kind(kind) => {
            writer.set_kind(*kind);
            let view = view::SpanView::from_record(writer.so_far()).unwrap();
            assert_eq!(view.kind, *kind, "what is written so far can be read");
        }
    }
}

/// What the calls mean, on plain data.
fn model(span: &mut SpanData, call: &Call) {
    match call {
        Call::Attribute(attribute) => span.attributes.push(attribute.clone()),
        Call::Name(name) => span.name = name.clone().into(),
        Call::Event(event) => span.events.push(event.clone()),
        Call::Link(link) => span.links.push(link.clone()),
        Call::Status(status) => match (span.status.code, status.code) {
            (StatusCode::Ok, _) | (_, StatusCode::Unset) => {}
            _ => span.status = status.clone(),
        },
        Call::Identity(context, parent, remote) => {
            (span.context, span.parent_span_id, span.parent_is_remote) = (context.clone(), *parent, *remote);
        }
        Call::Kind(kind) => span.kind = *kind,
    }
}

fn decode(record: &[u8]) -> Span {
    ScopeSpans::decode(record).unwrap().spans.remove(0)
}

fn any_context() -> SpanContext {
    SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED)
}

fn started(writer: &mut SpanWriter) {
    writer.start(&Limits::default(), &any_context(), SpanId::INVALID, false, "name", SpanKind::Client, 1);
}

#[test]
fn an_event_or_link_whose_attributes_panic_was_never_begun() {
    let mut writer = SpanWriter::new();
    started(&mut writer);
    let first = [("a", 1)];
    writer.add_event("first", 2, first);
    let broken = || [("b", 1), ("c", 2)].into_iter().inspect(|(key, _)| assert_ne!(*key, "c", "on purpose"));
    catch_unwind(AssertUnwindSafe(|| writer.add_event("broken", 3, broken()))).unwrap_err();
    catch_unwind(AssertUnwindSafe(|| writer.add_link(&any_context(), broken()))).unwrap_err();
    writer.set_attribute("b", ValueRef::Int(1));
    writer.add_event("last", 4, first);
    writer.add_link(&any_context(), first);
    let span = decode(writer.finish(5));
    assert_eq!(span.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["first", "last"]);
    assert_eq!((span.links.len(), span.attributes.len(), span.dropped_events_count), (1, 1, 0));
    assert!(!writer.has_dropped());
}

proptest! {
    #[test]
    fn any_order_of_calls_is_what_the_model_says_and_a_used_writer_leaks_nothing(
        spans in proptest::collection::vec((strategies::span(), strategies::limits(), calls()), 1..4),
        end in any::<u64>(),
    ) {
        // conf: MODEL-08, LIM-04, LIM-09, LIM-10, SPAN-13, SPAN-14, SPAN-15, SPAN-16, SPAN-17, SPAN-20
        let mut writer = SpanWriter::new();
        for (span, limits, calls) in spans {
            let mut expected = SpanData {
                parent_span_id: span.parent_span_id,
                parent_is_remote: span.parent_is_remote,
                kind: span.kind,
                ..SpanData::new(span.context, span.name, span.start_time_unix_nano, end)
            };
            let mut fresh = SpanWriter::new();
            begin(&mut writer, &expected, &limits);
            begin(&mut fresh, &expected, &limits);
            for call in &calls {
                apply(&mut writer, call);
                apply(&mut fresh, call);
                model(&mut expected, call);
                prop_assert_eq!(writer.name(), &*expected.name);
            }
            let record = writer.finish(end).to_vec();
            prop_assert_eq!(&record, fresh.finish(end));
            let (decoded, expected) = (decode(&record), oracle::span(&expected, &limits));
            let inner = decoded.events.iter().map(|event| event.dropped_attributes_count)
                .chain(decoded.links.iter().map(|link| link.dropped_attributes_count)).any(|count| count > 0);
            let outer = [decoded.dropped_attributes_count, decoded.dropped_events_count, decoded.dropped_links_count];
            prop_assert_eq!(writer.has_dropped(), inner || outer != [0; 3]);
            prop_assert_eq!(decoded, expected);
        }
    }

    #[test]
    fn a_key_set_again_and_again_is_written_once_in_its_first_place(
        values in proptest::collection::vec((0..40usize, strategies::value()), 0..120),
        padding in 0..300usize,
    ) {
        // conf: MODEL-08, SPAN-13
        let keys: Vec<String> = (0..40).map(|at| format!("{}{at}", "k".repeat(padding % (at + 1)))).collect();
        let mut writer = SpanWriter::new();
        started(&mut writer);
        let mut model: Vec<(&str, AnyValue)> = Vec::new();
        for (at, value) in &values {
            writer.set_attribute(&keys[*at], value.into());
            match model.iter_mut().find(|(key, _)| *key == keys[*at]) {
                Some((_, earlier)) => *earlier = value.clone(),
                None => model.push((&keys[*at], value.clone())),
            }
        }
        let span = decode(writer.finish(2));
        let model: Vec<_> = model.into_iter().map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect();
        prop_assert_eq!(span.attributes, oracle::attributes(&model, 128, &Limits::default()).0);
    }
}

/// Short names, keys and texts take a way of their own, if the buffer has room.
#[test]
fn every_length_is_written_alike_in_a_new_buffer_and_a_used_one() {
    let letters = |len: usize| "abcdefghijklmnopqrstuvwxyz".chars().cycle().take(len).collect::<String>();
    let mut used = SpanWriter::new();
    for len in (0..=40).chain(120..=130) {
        for key_len in [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 127, 128] {
            let (key, text) = (letters(key_len), letters(len));
            let write = |writer: &mut SpanWriter, name: &str| {
                writer.start(
                    &Limits::default(),
                    &any_context(),
                    SpanId::INVALID,
                    false,
                    name,
                    SpanKind::Client,
                    1,
                );
                writer.set_attribute(&key, ValueRef::String(&text));
                writer.set_attribute("number", ValueRef::Int(1 << (len % 63)));
                writer.set_attribute(format!("{key}."), ValueRef::Double(0.5));
                writer.add_event(&text, 3, [(&key, &text)]);
                writer.finish(2).to_vec()
            };
            let record = write(&mut used, &text);
            assert_eq!(record, write(&mut SpanWriter::new(), &text), "{key_len} {len}");
            let span = decode(&record);
            let expected = SpanData {
                kind: SpanKind::Client,
                attributes: vec![
                    KeyValue::new(key.clone(), text.clone()),
                    KeyValue::new("number", 1i64 << (len % 63)),
                    KeyValue::new(format!("{key}."), 0.5),
                ],
                events: vec![Event {
                    name: text.clone().into(),
                    time_unix_nano: 3,
                    attributes: vec![KeyValue::new(key.clone(), text.clone())],
                    dropped_attributes_count: 0,
                }],
                ..SpanData::new(any_context(), text.clone(), 1, 2)
            };
            assert_eq!(span, oracle::span(&expected, &Limits::default()), "{key_len} {len}");
        }
    }
}

#[test]
fn nothing_happens_before_the_start_and_after_the_end() {
    // conf: SPAN-10
    let all = [
        Call::Attribute(KeyValue::new("late", 1)),
        Call::Name("late".into()),
        Call::Event(Event { name: "late".into(), ..Event::default() }),
        Call::Link(Link { context: any_context(), ..Link::default() }),
        Call::Status(Status { code: StatusCode::Error, description: "late".into() }),
    ];
    let mut writer = SpanWriter::new();
    all.iter().for_each(|call| apply(&mut writer, call));
    writer.add_dropped(1, 1, 1);
    assert!(writer.is_empty() && !writer.is_recording() && writer.name().is_empty());
    assert!(!writer.has_dropped());
    assert_eq!(writer.finish(1), b"");
    assert_eq!(writer.len(), 0);

    started(&mut writer);
    assert!(writer.is_recording() && !writer.is_empty());
    let record = writer.finish(2).to_vec();
    let len = writer.len();
    all.iter().for_each(|call| apply(&mut writer, call));
    writer.add_dropped(1, 1, 1);
    assert_eq!((writer.len(), writer.name(), writer.is_recording()), (len, "name", false));
    assert_eq!(writer.finish(3), b"", "a span ends once");
    assert_eq!(decode(&record).end_time_unix_nano, 2);
}

#[test]
fn an_abandoned_span_leaves_no_trace_in_the_next() {
    let mut writer = SpanWriter::new();
    started(&mut writer);
    writer.set_attribute("old", ValueRef::Int(1));
    writer.add_event("old", 1, [("k", "v")]);
    writer.set_status(StatusCode::Error, "old");
    started(&mut writer);
    let record = writer.finish(2).to_vec();
    let mut fresh = SpanWriter::new();
    started(&mut fresh);
    assert_eq!(record, fresh.finish(2));
}

#[test]
fn the_status_only_rises_and_the_latest_error_counts() {
    // conf: SPAN-14, SPAN-15
    use StatusCode::{Error, Ok, Unset};
    let status = |calls: &[(StatusCode, &str)]| {
        let mut writer = SpanWriter::new();
        started(&mut writer);
        calls.iter().for_each(|(code, description)| writer.set_status(*code, description));
        decode(writer.finish(2)).status.map(|status| (status.code, status.message))
    };
    assert_eq!(status(&[(Unset, "x")]), None);
    assert_eq!(status(&[(Error, "first"), (Error, "second")]), Some((2, "second".into())));
    assert_eq!(status(&[(Error, "first"), (Error, "")]), Some((2, String::new())));
    assert_eq!(status(&[(Error, "kept"), (Unset, "x")]), Some((2, "kept".into())));
    assert_eq!(status(&[(Error, "gone"), (Ok, "x")]), Some((1, String::new())));
    assert_eq!(status(&[(Ok, ""), (Error, "late"), (Unset, "")]), Some((1, String::new())));
}

#[test]
fn values_need_no_conversion_and_large_unsigned_ones_are_text() {
    // conf: MODEL-10, MODEL-34
    let mut writer = SpanWriter::new();
    started(&mut writer);
    writer.set_attribute("u", ValueRef::Uint(7));
    writer.set_attribute("U", ValueRef::Uint(u64::MAX));
    writer.set_attribute("s", ["a", "", "c"].as_slice().to_value());
    writer.add_event("e", 1, [("u", u64::MAX)]);
    let span = decode(writer.finish(2));
    let large = || AnyValue::from("18446744073709551615");
    let expected = [
        KeyValue::new("u", 7),
        KeyValue::new("U", large()),
        KeyValue::new("s", AnyValue::Array(vec!["a".into(), "".into(), "c".into()])),
    ];
    assert_eq!(span.attributes, oracle::attributes(&expected, 128, &Limits::default()).0);
    let expected = [KeyValue::new("u", large())];
    assert_eq!(span.events[0].attributes, oracle::attributes(&expected, 128, &Limits::default()).0);
}

#[test]
fn an_unusual_span_need_not_be_paid_for_forever() {
    let mut writer = SpanWriter::new();
    started(&mut writer);
    writer.set_attribute("large", ValueRef::String(&"x".repeat(1 << 20)));
    writer.shrink_to(4_096);
    assert!(writer.capacity() >= 1 << 20, "not while recording");
    assert!(writer.finish(2).len() > 1 << 20);
    writer.shrink_to(4_096);
    assert!(writer.capacity() <= 4_096 && writer.name().is_empty());
    started(&mut writer);
    assert_eq!(decode(writer.finish(2)).name, "name");
}

#[test]
fn a_span_given_up_was_never_there() {
    let mut writer = SpanWriter::new();
    started(&mut writer);
    writer.set_attribute("a", ValueRef::Int(1));
    writer.discard();
    writer.set_attribute("b", ValueRef::Int(2));
    assert!(writer.so_far().is_empty() && writer.finish(2).is_empty());
    started(&mut writer);
    assert!(decode(writer.finish(2)).attributes.is_empty());
}
