//! Values, times and durations as people read them.
//!
//! Used by everything that shows what was received. Pure; nothing here is a format that programs read.

use super::store::PointValue;
use otlp_model::response::is_deceptive;
use otlp_model::{AnyValue, KeyValue, SpanKind, StatusCode};
use std::fmt::Write as _;

/// A value in one line: a text as it is, what is nested as JSON would have it.
pub(crate) fn value(of: &AnyValue) -> String {
    let mut text = String::new();
    write_value(&mut text, of, false);
    text
}

fn write_value(text: &mut String, of: &AnyValue, quoted: bool) {
    // Writing to a string does not fail.
    let _ = match of {
        AnyValue::Empty => Ok(()),
        AnyValue::String(value) if quoted => write!(text, "{value:?}"),
        AnyValue::String(value) => write!(text, "{value}"),
        AnyValue::Bool(value) => write!(text, "{value}"),
        AnyValue::Int(value) => write!(text, "{value}"),
        AnyValue::Double(value) => write!(text, "{value}"),
        AnyValue::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}")),
        AnyValue::Array(values) => {
            text.push('[');
            for (number, value) in values.iter().enumerate() {
                text.push_str(if number == 0 { "" } else { "," });
                write_value(text, value, true);
            }
            text.push(']');
            Ok(())
        }
        AnyValue::Map(entries) => {
            text.push('{');
            for (number, KeyValue { key, value }) in entries.iter().enumerate() {
                let _ = write!(text, "{}{key:?}:", if number == 0 { "" } else { "," });
                write_value(text, value, true);
            }
            text.push('}');
            Ok(())
        }
    };
}

/// Attributes as `{key=value,…}`; nothing for none.
pub(crate) fn labels(attributes: &[KeyValue]) -> String {
    let mut text = String::new();
    for KeyValue { key, value: of } in attributes {
        let _ = write!(text, "{}{key}=", if text.is_empty() { "{" } else { "," });
        write_value(&mut text, of, false);
    }
    text.push_str(if text.is_empty() { "" } else { "}" });
    text
}

/// What a data point says, with its unit.
pub(crate) fn point(of: &PointValue, unit: &str) -> String {
    let unit = match unit {
        "" | "1" => String::new(),
        unit => format!(" {unit}"),
    };
    match of {
        PointValue::Number(value) => format!("{value}{unit}"),
        PointValue::Distribution { count, sum: Some(sum), .. } => format!("count {count}  sum {sum}{unit}"),
        PointValue::Distribution { count, .. } => format!("count {count}"),
        PointValue::Missing => "no value".to_owned(),
    }
}

pub(crate) const fn kind(of: SpanKind) -> &'static str {
    match of {
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        _ => "internal",
    }
}

pub(crate) const fn status(of: StatusCode) -> &'static str {
    match of {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    }
}

/// The time of day, in UTC, to the millisecond.
pub(crate) fn time(unix_nano: u64) -> String {
    let millis = unix_nano / 1_000_000;
    let (seconds, millis) = (millis / 1000 % 86_400, millis % 1000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A duration in three or four digits.
pub(crate) fn duration(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos}ns"),
        1_000..1_000_000 => format!("{:.1}µs", nanos as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1}ms", nanos as f64 / 1e6),
        _ => format!("{:.2}s", nanos as f64 / 1e9),
    }
}

/// The beginning of a text that many items share: all of it told with each of them may be many times the request.
pub(crate) fn cut(text: &str) -> &str {
    /// Characters; nobody reads more in a name.
    const MOST: usize = 1000;
    text.char_indices().nth(MOST).map_or(text, |(end, _)| text.split_at(end).0)
}

/// `text` in one line: whatever could write lines of its own, or command a terminal, is a blank.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_deceptive(c) { ' ' } else { c }).collect()
}

/// A JSON document that prints as nothing but itself: what [`one_line`] takes out is escaped.
pub(crate) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_deceptive(c) {
            // All of them have four digits.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_times_and_durations_are_readable() {
        let nested = AnyValue::Map(vec![
            KeyValue::new("a", vec![AnyValue::from("x\"y"), AnyValue::Int(-1)]),
            KeyValue::new("b", vec![0xab_u8, 1]),
        ]);
        assert_eq!(value(&nested), r#"{"a":["x\"y",-1],"b":ab01}"#);
        assert_eq!(value(&AnyValue::from("as it is")), "as it is");
        assert_eq!(time(1_700_000_000_123_456_789), "22:13:20.123");
        assert_eq!([0, 1_500, 2_250_000, 61_000_000_000].map(duration), ["0ns", "1.5µs", "2.2ms", "61.00s"]);
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a b [31m");
    }
}
