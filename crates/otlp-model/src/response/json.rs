//! The same answers in JSON: what an OTLP/HTTP receiver sends to a request in JSON.

use super::status::{duration, is_retry_info_type};
use super::{RpcStatus, capped, decode_export_response};
use crate::json::{Error, Parser, Scalar, integer, message_from_json, response_schema};
use crate::{ExportResponse, Signal};
use std::time::Duration;

/// Reads the JSON body of a successful export; the twin of [`decode_export_response`] in all else.
///
/// An empty body, `{}`, and a `partialSuccess` that is missing, `null` or `{}` mean full success (JSON-21).
///
/// ```
/// use otlp_model::{ExportResponse, Signal, response::decode_export_response_json};
/// let body = br#"{"partialSuccess":{}}"#;
/// assert_eq!(decode_export_response_json(Signal::Logs, body, 10)?, ExportResponse::success());
/// let body = br#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"full"}}"#;
/// assert_eq!(decode_export_response_json(Signal::Logs, body, 10)?.rejected, 3);
/// # Ok::<(), otlp_model::json::Error>(())
/// ```
///
/// # Errors
/// The body is not JSON or no export response. The request was delivered all the same (PART-08): never retry it because
/// of this.
pub fn decode_export_response_json(
    signal: Signal,
    json: &[u8],
    sent_items: u64,
) -> Result<ExportResponse, Error> {
    if json.trim_ascii().is_empty() {
        return Ok(ExportResponse::success());
    }
    let protobuf = message_from_json(response_schema(signal), json)?;
    Ok(decode_export_response(signal, &protobuf, sent_items)?)
}

/// Reads a `google.rpc.Status` in JSON, such as the body of an HTTP error; the twin of
/// [`decode_rpc_status`](super::decode_rpc_status).
///
/// Members of unexpected kinds count as absent: the status is for reading, nothing depends on it (HTTP-10).
///
/// ```
/// use otlp_model::response::decode_rpc_status_json;
/// let status = decode_rpc_status_json(
///     br#"{"code":14,"message":"busy","details":[
///         {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}"#,
/// )?;
/// assert_eq!((status.code, status.message.as_str()), (14, "busy"));
/// assert_eq!(status.retry_delay, Some(std::time::Duration::from_millis(3500)));
/// # Ok::<(), otlp_model::json::Error>(())
/// ```
///
/// # Errors
/// The body is not a JSON object.
pub fn decode_rpc_status_json(json: &[u8]) -> Result<RpcStatus, Error> {
    let mut status = RpcStatus::default();
    let mut parser = Parser::new(json)?;
    parser.object(|parser, name| {
        match name {
            "code" => {
                let code =
                    scalar(parser)?.and_then(|code| integer(&code, i32::MIN.into(), i32::MAX.into()).ok());
                status.code = code.map_or(0, |code| code as i32);
            }
            "message" => status.message = text(parser)?.as_deref().map(capped).unwrap_or_default(),
            "details" => status.retry_delay = details(parser)?,
            _ => parser.skip()?,
        }
        Ok(())
    })?;
    parser.end()?;
    Ok(status)
}

/// The delay of the first readable `RetryInfo` in a list of details.
fn details(parser: &mut Parser<'_>) -> Result<Option<Duration>, Error> {
    let mut delay = None;
    if !parser.is_list() {
        parser.skip()?;
        return Ok(None);
    }
    parser.list(|parser| {
        if !parser.is_object() {
            return parser.skip();
        }
        // A RetryInfo without a delay says "retryable" and no more, like one of zero (RETRY-07).
        let (mut is_retry_info, mut this) = (false, Some(Duration::ZERO));
        parser.object(|parser, name| {
            match name {
                "@type" => is_retry_info = text(parser)?.as_deref().is_some_and(is_retry_info_type),
                "retryDelay" | "retry_delay" if !parser.null()? => {
                    this = text(parser)?.as_deref().and_then(json_duration);
                }
                "retryDelay" | "retry_delay" => {}
                _ => parser.skip()?,
            }
            Ok(())
        })?;
        if is_retry_info {
            delay = delay.or(this);
        }
        Ok(())
    })?;
    Ok(delay)
}

/// A `google.protobuf.Duration` in JSON: decimal seconds with up to nine places and an `s`.
fn json_duration(text: &str) -> Option<Duration> {
    let decimal = text.strip_suffix('s')?;
    let (seconds, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.is_empty() || !is_digits(seconds) || !is_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    duration(seconds.parse().ok()?, format!("{fraction:0<9}").parse().ok()?)
}

/// The next value if it is a scalar; anything else is skipped.
fn scalar<'a>(parser: &mut Parser<'a>) -> Result<Option<Scalar<'a>>, Error> {
    if parser.is_object() || parser.is_list() {
        return parser.skip().map(|()| None);
    }
    parser.scalar("a value").map(Some)
}

/// The next value if it is a string; anything else is skipped.
fn text<'a>(parser: &mut Parser<'a>) -> Result<Option<std::borrow::Cow<'a, str>>, Error> {
    Ok(match scalar(parser)? {
        Some(Scalar::String(text)) => Some(text),
        _ => None,
    })
}
