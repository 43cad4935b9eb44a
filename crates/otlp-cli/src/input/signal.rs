//! Which signal a request in protobuf carries: the three look alike down to their items, which differ in their fields.
//!
//! Used for input in protobuf, which does not say. Pure.

use otlp_model::view::{Field, Message, Wire};
use otlp_model::{DecodeError, Signal};

/// How many items are looked at: the first that is not nearly empty decides.
const LOOKED_AT: usize = 64;

/// Reads a signal's name.
pub(crate) fn parse(text: &str) -> Result<Signal, String> {
    let named = Signal::ALL.into_iter().find(|signal| signal.as_str() == text);
    named.ok_or_else(|| "is none of traces, metrics, logs".to_owned())
}

/// The only signal that the items of `protobuf` can be of, or where they are of none and why.
pub(crate) fn of(protobuf: &[u8]) -> Result<Signal, (usize, String)> {
    let mut fitting = Signal::ALL.to_vec();
    for item in items(Message::new(protobuf)).take(LOOKED_AT) {
        let (offset, item) = item.map_err(malformed)?;
        let fields: Vec<Field<'_>> = item.fields().collect::<Result<_, _>>().map_err(malformed)?;
        fitting.retain(|signal| fields.iter().all(|field| fits(*signal, field)));
        match fitting.as_slice() {
            [] => return Err((offset, "is no span, metric or log record; is this OTLP?".to_owned())),
            [only] => return Ok(*only),
            _ => {}
        }
    }
    let fitting: Vec<&str> = fitting.into_iter().map(Signal::as_str).collect();
    Err((0, format!("could be {}: say which with --signal", fitting.join(" or "))))
}

/// Where the bytes are wrong, and why: the place is told once.
fn malformed(error: DecodeError) -> (usize, String) {
    let reason = error.to_string().replacen(&format!(" at byte {}", error.offset()), "", 1);
    (error.offset(), format!("{reason}; nor does it begin with {{, as OTLP/JSON does"))
}

/// The items of the request, each with its offset: field 2 of field 2 of field 1.
fn items(request: Message<'_>) -> impl Iterator<Item = Result<(usize, Message<'_>), DecodeError>> {
    below(Ok((0, request)), 1)
        .into_iter()
        .flat_map(|resource| below(resource, 2))
        .flat_map(|scope| below(scope, 2))
}

/// The messages in field `number` of `outer`, or the error in their place.
fn below<'a>(
    outer: Result<(usize, Message<'a>), DecodeError>,
    number: u32,
) -> Vec<Result<(usize, Message<'a>), DecodeError>> {
    match outer {
        Err(error) => vec![Err(error)],
        Ok((_, message)) => message
            .fields()
            .filter_map(|field| match field {
                Ok(field) if field.number == number => {
                    Some(field.message().map(|message| (field.offset(), message)))
                }
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            })
            .collect(),
    }
}

/// Whether `field` is one of an item of `signal`, by its number and what is in it.
fn fits(signal: Signal, field: &Field<'_>) -> bool {
    let id = |length: usize| matches!(field.value, Wire::Bytes(bytes) if [0, length].contains(&bytes.len()));
    let text = || field.string().is_ok();
    let bytes = matches!(field.value, Wire::Bytes(_));
    let varint = matches!(field.value, Wire::Varint(_));
    let fixed64 = matches!(field.value, Wire::Fixed64(_));
    let fixed32 = matches!(field.value, Wire::Fixed32(_));
    match signal {
        Signal::Traces => match field.number {
            1 => id(16),
            2 | 4 => id(8),
            3 | 5 => text(),
            6 | 10 | 12 | 14 => varint,
            7 | 8 => fixed64,
            16 => fixed32,
            _ => bytes,
        },
        Signal::Metrics => match field.number {
            1..=3 => text(),
            _ => bytes,
        },
        _ => match field.number {
            1 | 11 => fixed64,
            2 | 7 => varint,
            8 => fixed32,
            9 => id(16),
            10 => id(8),
            3 | 12 => text(),
            _ => bytes,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::json::request_from_json;

    fn told(signal: Signal, json: &str) -> Result<Signal, (usize, String)> {
        of(&request_from_json(signal, json.as_bytes()).unwrap())
    }

    #[test]
    fn items_tell_their_signal() {
        let span = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{"name":"x"},"spans":[{
            "traceId":"11111111111111111111111111111111","spanId":"2222222222222222","name":"GET","kind":2}]}]}]}"#;
        let metric = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"queue.length","unit":"1",
            "gauge":{"dataPoints":[{"asInt":"3"}]}}]}]}]}"#;
        let log = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{"severityNumber":9,"body":{"stringValue":"x"}}]}]}]}"#;
        assert_eq!(told(Signal::Traces, span), Ok(Signal::Traces));
        assert_eq!(told(Signal::Metrics, metric), Ok(Signal::Metrics));
        assert_eq!(told(Signal::Logs, log), Ok(Signal::Logs));
    }

    #[test]
    fn what_can_not_be_told_is_asked() {
        let (_, reason) = told(Signal::Traces, r#"{"resourceSpans":[{}]}"#).unwrap_err();
        assert_eq!(reason, "could be traces or metrics or logs: say which with --signal");
        // A request around a request: an item with a field 1 that no signal has.
        let (at, reason) = of(b"\x0a\x06\x12\x04\x12\x02\x08\x01").unwrap_err();
        assert_eq!((at, reason.as_str()), (6, "is no span, metric or log record; is this OTLP?"));
        assert_eq!(of(b"\x0a\x06\x12").unwrap_err().0, 1);
    }
}
