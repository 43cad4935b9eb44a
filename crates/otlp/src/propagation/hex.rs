//! Ids and flags in the hexadecimal digits of headers: strict where the format is, and quick to write.

use otlp_model::{SpanId, TraceId};

/// Whether a text is `len` lower-case hexadecimal digits.
pub(super) fn is_lower(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn push_trace_id(text: &mut String, id: TraceId) {
    id.as_bytes().iter().for_each(|byte| push(text, *byte));
}

pub(super) fn push_span_id(text: &mut String, id: SpanId) {
    id.as_bytes().iter().for_each(|byte| push(text, *byte));
}

pub(super) fn push(text: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 0xf] {
        text.push(char::from(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }));
    }
}
