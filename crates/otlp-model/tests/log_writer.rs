//! The live log writer against a naive model: any order of calls, one writer for many records.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/strategies.rs"]
mod strategies;

use opentelemetry_proto::tonic::logs::v1::{self as logs, ScopeLogs};
use otlp_model::*;
use proptest::prelude::*;
use prost::Message;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One call of a record's maker.
#[derive(Debug, Clone)]
enum Call {
    Attribute(KeyValue),
    Displayed(String, String),
    Body(AnyValue),
    DisplayedBody(String),
    SeverityText(String),
    EventName(String),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let key = || strategies::key().prop_map(String::from);
    let call = prop_oneof![
        6 => (strategies::key(), strategies::value()).prop_map(|(key, value)| Call::Attribute(KeyValue { key, value })),
        2 => (key(), strategies::text()).prop_map(|(key, text)| Call::Displayed(key, text)),
        2 => strategies::value().prop_map(Call::Body),
        1 => strategies::text().prop_map(Call::DisplayedBody),
        1 => strategies::text().prop_map(Call::SeverityText),
        1 => strategies::text().prop_map(Call::EventName),
    ];
    proptest::collection::vec(call, 0..24)
}

fn apply(writer: &mut LogWriter, call: &Call) {
    match call {
        Call::Attribute(attribute) => writer.set_attribute(&attribute.key, attribute.value.to_value()),
        Call::Displayed(key, text) => writer.set_attribute_text(key, format_args!("{text}")),
        Call::Body(body) => writer.set_body(body.into()),
        Call::DisplayedBody(text) => writer.set_body_text(format_args!("{text}")),
        Call::SeverityText(text) => writer.set_severity_text(text),
        Call::EventName(name) => writer.set_event_name(name),
    }
}

/// What the calls mean, on plain data.
fn model(log: &mut LogRecord, call: &Call) {
    match call {
        Call::Attribute(attribute) => log.attributes.push(attribute.clone()),
        Call::Displayed(key, text) => log.attributes.push(KeyValue::new(key.clone(), text.clone())),
        Call::Body(body) => log.body = Some(body.clone()),
        Call::DisplayedBody(text) => log.body = Some(text.clone().into()),
        Call::SeverityText(text) => log.severity_text = text.clone().into(),
        Call::EventName(name) => log.event_name = name.clone().into(),
    }
}

fn decode(record: &[u8]) -> logs::LogRecord {
    ScopeLogs::decode(record).unwrap().log_records.remove(0)
}

fn finish(writer: &mut LogWriter) -> logs::LogRecord {
    decode(writer.finish(Severity::Info, 1, 2, &SpanContext::default()))
}

fn started() -> LogWriter {
    let mut writer = LogWriter::new();
    writer.start(&Limits::default());
    writer
}

proptest! {
    #[test]
    fn any_order_of_calls_is_what_the_model_says_and_a_used_writer_leaks_nothing(
        logs in proptest::collection::vec((strategies::log(), strategies::limits(), calls()), 1..4),
    ) {
        // conf: MODEL-08, LIM-04, LIM-05, LIM-06, LIM-07, LIM-10, LIM-13, LOG-05, LOG-06, LOG-07
        let mut writer = LogWriter::new();
        for (log, limits, calls) in logs {
            let (mut expected, mut fresh) = (log.clone(), LogWriter::new());
            writer.put(&log, &limits);
            fresh.put(&log, &limits);
            for call in &calls {
                apply(&mut writer, call);
                apply(&mut fresh, call);
                model(&mut expected, call);
            }
            let context = SpanContext::new(log.trace_id, log.span_id, log.flags);
            let times = (log.time_unix_nano, log.observed_time_unix_nano);
            let record = writer.finish(log.severity, times.0, times.1, &context).to_vec();
            prop_assert_eq!(&record, fresh.finish(log.severity, times.0, times.1, &context));
            let decoded = decode(&record);
            prop_assert_eq!(writer.has_dropped(), decoded.dropped_attributes_count > 0);
            prop_assert_eq!(decoded, oracle::log(&expected, &limits));
        }
    }
}

/// Short texts take a way of their own, if the buffer has room.
#[test]
fn every_length_is_written_alike_in_a_new_buffer_and_a_used_one() {
    let mut used = LogWriter::new();
    for len in (0..=60).chain(118..=132).chain(16_370..=16_390) {
        let text = "x".repeat(len);
        let write = |writer: &mut LogWriter| {
            writer.start(&Limits::default());
            writer.set_body(ValueRef::String(&text));
            writer.set_event_name(&text);
            writer.set_severity_text(&text);
            writer.set_attribute("k", ValueRef::String(&text));
            writer.set_attribute_text("shown", format_args!("{text}{text}"));
            writer.finish(Severity::Warn, 1, 2, &SpanContext::default()).to_vec()
        };
        let record = write(&mut used);
        assert_eq!(record, write(&mut LogWriter::new()), "{len}");
        let expected = LogRecord {
            time_unix_nano: 1,
            severity_text: text.clone().into(),
            event_name: text.clone().into(),
            attributes: vec![KeyValue::new("k", text.clone()), KeyValue::new("shown", text.repeat(2))],
            ..LogRecord::new(2, Severity::Warn, text.clone())
        };
        assert_eq!(decode(&record), oracle::log(&expected, &Limits::default()), "{len}");
    }
}

#[test]
fn nothing_happens_before_the_start_and_after_the_end() {
    let all = [
        Call::Attribute(KeyValue::new("late", 1)),
        Call::Displayed("late".into(), "late".into()),
        Call::Body("late".into()),
        Call::DisplayedBody("late".into()),
        Call::SeverityText("late".into()),
        Call::EventName("late".into()),
    ];
    let late = |writer: &mut LogWriter| {
        all.iter().for_each(|call| apply(writer, call));
        writer.add_dropped(1);
    };
    let mut writer = LogWriter::new();
    late(&mut writer);
    assert!(!writer.is_recording() && !writer.has_dropped());
    assert_eq!(writer.finish(Severity::Info, 1, 1, &SpanContext::default()), b"");

    writer.start(&Limits::default());
    assert!(writer.is_recording());
    assert_eq!(finish(&mut writer), finish(&mut started()));
    late(&mut writer);
    assert_eq!(writer.finish(Severity::Info, 1, 1, &SpanContext::default()), b"", "a record is made once");
}

#[test]
fn what_panics_while_it_is_shown_leaves_the_record_as_it_was() {
    struct Bomb;
    impl fmt::Display for Bomb {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half of it")?;
            panic!("in a Display");
        }
    }
    let mut writer = started();
    writer.set_attribute("kept", 1.into());
    writer.set_body("kept".into());
    for bomb in [
        catch_unwind(AssertUnwindSafe(|| writer.set_body_text(format_args!("{Bomb}")))),
        catch_unwind(AssertUnwindSafe(|| writer.set_attribute_text("kept", format_args!("{Bomb}")))),
        catch_unwind(AssertUnwindSafe(|| writer.set_attribute_text("new", format_args!("{Bomb}")))),
    ] {
        assert!(bomb.is_err());
    }
    assert!(!writer.has_attribute("new") && writer.has_attribute("kept"));
    writer.set_attribute("new", 2.into());
    let mut whole = started();
    whole.set_attribute("kept", 1.into());
    whole.set_body("kept".into());
    whole.set_attribute("new", 2.into());
    assert_eq!(finish(&mut writer), finish(&mut whole));
}

#[test]
fn what_is_shown_obeys_the_limits_of_texts() {
    // conf: LIM-06, LIM-13
    let limits = Limits { attribute_value_length: Some(3), ..Limits::default() };
    let mut writer = LogWriter::new();
    writer.start(&limits);
    writer.set_attribute_text("a", format_args!("{}{}{}", "ä", "bc", "d"));
    writer.set_attribute_text("b", format_args!("{}{}", "ab", "c"));
    writer.set_body_text(format_args!("{}{}", "abcdef", "gh"));
    let expected = LogRecord {
        time_unix_nano: 1,
        attributes: vec![KeyValue::new("a", "äbc"), KeyValue::new("b", "abc")],
        ..LogRecord::new(2, Severity::Info, "abcdefgh")
    };
    assert_eq!(finish(&mut writer), oracle::log(&expected, &limits));
}

#[test]
fn an_unusual_record_need_not_be_paid_for_forever() {
    let mut writer = started();
    writer.set_body(ValueRef::String(&"x".repeat(1 << 20)));
    writer.shrink_to(4_096);
    assert!(writer.capacity() >= 1 << 20, "not while recording");
    finish(&mut writer);
    writer.shrink_to(4_096);
    assert!(writer.capacity() <= 4_096);
    writer.start(&Limits::default());
    assert_eq!(finish(&mut writer), finish(&mut started()));
}
