//! What receivers answer: export responses with their partial success, and `google.rpc.Status` of failures.
//!
//! Used by the terminal services of `otlp-transport` and by whoever reads a collector's answers. Never trusts the
//! receiver: counts are clamped, texts are capped, undecodable error details count as absent. How many bytes of a body
//! to read at all is the caller's to limit.

#[cfg(feature = "json")]
mod json;
mod status;

#[cfg(feature = "json")]
pub use json::{decode_export_response_json, decode_rpc_status_json};
pub use status::{RpcStatus, decode_rpc_status};

use crate::view::Message;
use crate::{DecodeError, ExportResponse, Signal};

/// How many characters of a receiver's message are kept.
pub const MAX_MESSAGE_CHARS: usize = 1024;

/// Reads the protobuf body of a successful export: `Export…ServiceResponse`.
///
/// `sent_items` is what the request held. An empty body, a missing and an empty `partial_success` all mean full success.
/// A rejected count below zero or above `sent_items` is clamped (PART-06) and the claim added to the message, so that
/// whoever logs the message logs the claim. The message is cut at [`MAX_MESSAGE_CHARS`] characters, and has blanks for what
/// [could deceive](is_deceptive).
///
/// ```
/// use otlp_model::{ExportResponse, Signal, response::decode_export_response};
/// assert_eq!(decode_export_response(Signal::Traces, b"\x0a\x00", 10)?, ExportResponse::success());
/// let partial = decode_export_response(Signal::Traces, b"\x0a\x08\x08\x03\x12\x04full", 10)?;
/// assert_eq!((partial.rejected, partial.message.as_deref()), (3, Some("full")));
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
///
/// # Errors
/// The bytes are not protobuf. The request was delivered all the same (PART-08): never retry it because of this.
pub fn decode_export_response(
    signal: Signal,
    bytes: &[u8],
    sent_items: u64,
) -> Result<ExportResponse, DecodeError> {
    let mut claimed = 0;
    let mut message = String::new();
    for field in Message::new(bytes).fields() {
        let field = field?;
        // Occurrences of a message merge: of each of its fields the last one counts.
        if field.number == 1 {
            for field in field.message()?.fields() {
                let field = field?;
                match field.number {
                    1 => claimed = field.varint()?.cast_signed(),
                    2 => message = capped(&String::from_utf8_lossy(field.bytes()?)),
                    _ => {}
                }
            }
        }
    }
    Ok(export_response(signal, claimed, message, sent_items))
}

fn export_response(signal: Signal, claimed: i64, mut message: String, sent_items: u64) -> ExportResponse {
    let rejected = u64::try_from(claimed).unwrap_or(0).min(sent_items);
    if i128::from(claimed) != i128::from(rejected) {
        let separator = if message.is_empty() { "" } else { " " };
        message += &format!("{separator}(the receiver claims to have rejected {claimed} of {sent_items} ");
        message += match signal {
            Signal::Traces => "spans)",
            Signal::Metrics => "data points)",
            Signal::Logs => "log records)",
        };
    }
    ExportResponse { rejected, message: (!message.is_empty()).then_some(message) }
}

/// Whether a character of a receiver's text could begin a new line of a log, colour it, or show it in another order.
///
/// Those that could are shown as blanks, so that no receiver writes lines into a log that are not its own.
///
/// ```
/// use otlp_model::response::is_deceptive;
/// assert!(['\n', '\r', '\x1b', '\u{2028}', '\u{202e}'].into_iter().all(is_deceptive));
/// assert!(!['a', ' ', 'é', '…'].into_iter().any(is_deceptive));
/// ```
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// `text` without [deceptive](is_deceptive) characters, cut at [`MAX_MESSAGE_CHARS`]; the last one then says so.
fn capped(text: &str) -> String {
    let mut kept = text.chars().map(|c| if is_deceptive(c) { ' ' } else { c });
    let mut message: String = kept.by_ref().take(MAX_MESSAGE_CHARS).collect();
    if kept.next().is_some() {
        message.pop();
        message.push('…');
    }
    message
}
