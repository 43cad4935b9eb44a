//! OTLP/JSON: transcoding between the protobuf and the JSON form of the messages, driven by one schema table.
//!
//! For `otlp-transport` (JSON over HTTP), the testkit and tools. Reads what any OpenTelemetry sender may write and writes
//! what the specification wants (conformance JSON-01 to JSON-22). Works on bytes: no typed value is ever built, so
//! nothing is lost on the way that a type would not hold. Never panics, never recurses deeper than 100 messages.

mod error;
mod from_json;
mod parser;
mod scalar;
mod schema;
mod tables;
mod to_json;
mod write;

pub use error::Error;
pub(crate) use from_json::message_from_json;
pub(crate) use parser::{Parser, Scalar};
pub(crate) use scalar::integer;
pub(crate) use tables::response_schema;

use crate::Signal;

/// The JSON form of an encoded `Export…ServiceRequest`.
///
/// Fields stand in the order of the schema, those at their default are left out unless their presence means something,
/// unknown fields are skipped. There is no white space.
///
/// ```
/// use otlp_model::{Signal, json::request_to_json};
/// let request = b"\x0a\x0b\x12\x09\x12\x07\x2a\x03GET\x30\x02";
/// let json = request_to_json(Signal::Traces, request)?;
/// assert_eq!(json, br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"GET","kind":2}]}]}]}"#);
/// # Ok::<(), otlp_model::json::Error>(())
/// ```
///
/// # Errors
/// The bytes are no such protobuf message: cut off, of the wrong wire type, with text that is not UTF-8, or with
/// messages nested deeper than 100 levels.
pub fn request_to_json(signal: Signal, protobuf: &[u8]) -> Result<Vec<u8>, Error> {
    to_json::message_to_json(tables::request_schema(signal), protobuf)
}

/// The protobuf form of an `Export…ServiceRequest` (or `TracesData`, `MetricsData`, `LogsData`) in JSON.
///
/// Lenient where the specification or practice asks for it: ids in either case, integers as numbers or text, base64 of
/// both alphabets padded or not, `null` for absent, members in snake case, enumerations by name; unknown members are
/// skipped; of a repeated member the last one counts.
///
/// ```
/// use otlp_model::{Signal, json::request_from_json};
/// let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"GET","kind":"SPAN_KIND_SERVER"}]}]}]}"#;
/// assert_eq!(request_from_json(Signal::Traces, json)?, b"\x0a\x0b\x12\x09\x12\x07\x2a\x03GET\x30\x02");
///
/// let error = request_from_json(Signal::Logs, br#"{"resourceLogs":[{},{"scopeLogs":[7]}]}"#).unwrap_err();
/// assert_eq!(error.to_string(), "resourceLogs[1].scopeLogs[0]: expected an object, found a number (at byte 34)");
/// # Ok::<(), otlp_model::json::Error>(())
/// ```
///
/// # Errors
/// The text is not JSON or not that message; the error names the path and the byte.
pub fn request_from_json(signal: Signal, json: &[u8]) -> Result<Vec<u8>, Error> {
    message_from_json(tables::request_schema(signal), json)
}
