//! Log records with every field, with odd values, and with next to nothing.

use super::{SPAN_ID, TIME, TRACE_ID, any, every_kind_of_value, odd_values, text};
use otlp_model::proto::generated::common::v1::any_value::Value;
use otlp_model::proto::generated::common::v1::{AnyValue, KeyValueList};
use otlp_model::proto::generated::logs::v1::LogRecord;

pub(super) fn full() -> Vec<LogRecord> {
    vec![LogRecord {
        time_unix_nano: TIME,
        severity_number: 17,
        severity_text: "ERROR".to_owned(),
        attributes: every_kind_of_value(),
        dropped_attributes_count: 3,
        flags: 1,
        trace_id: TRACE_ID.to_vec(),
        span_id: SPAN_ID.to_vec(),
        event_name: "cart.lost".to_owned(),
        ..record(1, Some(text("cart lost")))
    }]
}

/// A body of each kind, every severity, and a trace without a span.
pub(super) fn odd() -> Vec<LogRecord> {
    let map = Value::KvlistValue(KeyValueList { values: [every_kind_of_value(), odd_values()].concat() });
    let bodies =
        [map, Value::BytesValue(vec![0xff, 0]), Value::IntValue(i64::MIN), Value::BoolValue(false), text("")];
    let mut odd: Vec<LogRecord> = bodies.into_iter().map(|body| record(2, Some(body))).collect();
    odd.push(LogRecord { body: Some(AnyValue::default()), ..record(3, None) });
    odd.extend((0..=24).map(|severity_number| LogRecord { severity_number, ..record(4, None) }));
    odd.push(LogRecord { trace_id: TRACE_ID.to_vec(), ..record(5, Some(text("of a trace"))) });
    odd.push(LogRecord { attributes: odd_values(), ..record(6, None) });
    odd
}

pub(super) fn few() -> Vec<LogRecord> {
    vec![record(7, Some(text("hello")))]
}

fn record(offset: u64, body: Option<Value>) -> LogRecord {
    LogRecord { observed_time_unix_nano: TIME + offset, body: body.map(any), ..LogRecord::default() }
}
