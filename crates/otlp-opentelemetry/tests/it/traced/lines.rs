//! A span as lines, one for each thing it says: so that two can be compared for what only one of them says.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;

pub(super) fn of(span: &Span) -> Vec<String> {
    let status = span.status.clone().unwrap_or_default();
    let mut lines = vec![
        format!("name {}", span.name),
        format!("kind {}", span.kind),
        format!("status {} {:?}", status.code, status.message),
    ];
    lines.extend(span.attributes.iter().map(shown));
    for (number, event) in span.events.iter().enumerate() {
        lines.push(format!("event {number}: {}", event.name));
        lines.extend(event.attributes.iter().map(|one| format!("event {number}: {}", shown(one))));
    }
    lines.extend(span.links.iter().map(|link| format!("link {:?}", link.span_id)));
    lines
}

/// The lines of `one` that `other` does not have, or not as often.
pub(crate) fn missing(one: &[String], other: &[String]) -> Vec<String> {
    let mut other = other.to_vec();
    let mut is_missing = |line: &&String| match other.iter().position(|found| found == *line) {
        Some(position) => {
            other.swap_remove(position);
            false
        }
        None => true,
    };
    one.iter().filter(&mut is_missing).cloned().collect()
}

pub(crate) fn shown(attribute: &KeyValue) -> String {
    format!("{} = {}", attribute.key, value(attribute.value.as_ref()))
}

pub(crate) fn value(of: Option<&AnyValue>) -> String {
    match of.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("{text:?}"),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => format!("{number:?}"),
        Some(Value::BoolValue(truth)) => truth.to_string(),
        Some(Value::BytesValue(bytes)) => format!("bytes {bytes:?}"),
        Some(Value::ArrayValue(array)) => {
            let values: Vec<String> = array.values.iter().map(|one| value(Some(one))).collect();
            format!("[{}]", values.join(", "))
        }
        other => format!("{other:?}"),
    }
}
