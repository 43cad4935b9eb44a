//! `google.rpc.Status`: what `grpc-status-details-bin` and the bodies of HTTP errors hold.

use super::capped;
use crate::DecodeError;
use crate::view::Message;
use std::time::Duration;

/// A receiver's error: its code and message, and how long it asks to wait.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RpcStatus {
    /// A gRPC status code. In an HTTP body it may be anything; nothing may depend on it there (HTTP-10).
    pub code: i32,
    /// The receiver's message, cut at [`MAX_MESSAGE_CHARS`](super::MAX_MESSAGE_CHARS) characters.
    pub message: String,
    /// The delay of `google.rpc.RetryInfo`. Zero is a delay (RETRY-07: retryable, no minimum); absent, negative,
    /// out-of-range or undecodable ones are `None`. Not clamped: the retry policy does that.
    pub retry_delay: Option<Duration>,
}

/// Reads a protobuf `google.rpc.Status`.
///
/// A detail that cannot be decoded counts as absent (GRPC-10); of several `RetryInfo` the first readable one counts.
///
/// ```
/// use otlp_model::response::decode_rpc_status;
/// let status = decode_rpc_status(b"\x08\x0e\x12\x04busy")?;
/// assert_eq!((status.code, status.message.as_str(), status.retry_delay), (14, "busy", None));
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
///
/// # Errors
/// The bytes are not protobuf, or `code`, `message`, `details` have the wrong wire type.
pub fn decode_rpc_status(bytes: &[u8]) -> Result<RpcStatus, DecodeError> {
    let mut status = RpcStatus::default();
    for field in Message::new(bytes).fields() {
        let field = field?;
        match field.number {
            1 => status.code = field.int32()?,
            2 => status.message = capped(&String::from_utf8_lossy(field.bytes()?)),
            3 => {
                let detail = field.message()?;
                status.retry_delay = status.retry_delay.or_else(|| retry_info(detail).ok().flatten());
            }
            _ => {}
        }
    }
    Ok(status)
}

/// The delay in an `Any` that holds a `RetryInfo`.
fn retry_info(any: Message<'_>) -> Result<Option<Duration>, DecodeError> {
    let (mut is_retry_info, mut value) = (false, None);
    for field in any.fields() {
        let field = field?;
        match field.number {
            1 => is_retry_info = is_retry_info_type(field.string()?),
            2 => value = Some(field.message()?),
            _ => {}
        }
    }
    if !is_retry_info {
        return Ok(None);
    }
    // Proto3: a RetryInfo of default values encodes to nothing at all.
    let mut delay = None;
    for field in value.unwrap_or(Message::new(&[])).fields() {
        let field = field?;
        if field.number == 1 {
            let (seconds, nanos) = delay.get_or_insert((0, 0));
            for field in field.message()?.fields() {
                let field = field?;
                match field.number {
                    1 => *seconds = field.varint()?.cast_signed(),
                    2 => *nanos = field.int32()?,
                    _ => {}
                }
            }
        }
    }
    // A RetryInfo without a delay says "retryable" and no more, like one of zero (RETRY-07).
    let (seconds, nanos) = delay.unwrap_or((0, 0));
    Ok(duration(seconds, nanos))
}

/// Whether a type URL, `type.googleapis.com/google.rpc.RetryInfo` or with another prefix, means `RetryInfo`.
pub(super) fn is_retry_info_type(url: &str) -> bool {
    url.rsplit('/').next() == Some("google.rpc.RetryInfo")
}

/// A `google.protobuf.Duration` that is valid and not negative.
pub(super) fn duration(seconds: i64, nanos: i32) -> Option<Duration> {
    // The bound is the schema's: 10,000 years.
    let seconds = u64::try_from(seconds).ok().filter(|seconds| *seconds <= 315_576_000_000)?;
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds, nanos))
}
