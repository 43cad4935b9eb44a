//! Reading the answer to an OTLP/HTTP request: the status decides, the body only adds to it.
//!
//! Used by the HTTP terminal. Never lets a missing, cut-off, oversized or foreign body of a failure change what the
//! status says (HTTP-09, SURV-18), nor undo a success (PART-08).

use crate::body::{self, DecompressError, ReadError};
use crate::{BoxError, Endpoint, HttpError, Redirected, ResponseTooLarge, status};
use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use http_body::Body;
use otlp_model::response::{decode_export_response, decode_rpc_status};
#[cfg(feature = "json")]
use otlp_model::response::{decode_export_response_json, decode_rpc_status_json};
use otlp_model::{ExportResponse, Format, Signal};
use std::time::SystemTime;

/// What was asked, as far as it matters to the answer.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) signal: Signal,
    pub(super) items: u64,
    pub(super) format: Format,
    pub(super) endpoint: &'a Endpoint,
}

/// Reads `response`, received at `now`, to a success or the error it stands for.
///
/// Cancel safety: dropping the future closes the connection.
pub(super) async fn read<B>(
    response: Response<B>,
    question: Question<'_>,
    limit: usize,
    now: SystemTime,
) -> Result<ExportResponse, BoxError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    let Question { signal, items, format, endpoint } = question;
    if head.status.is_success() {
        let text = match read_body(body, &head.headers, limit).await {
            Ok(bytes) if bytes.is_empty() => return Ok(ExportResponse::success()),
            Ok(bytes) => decode_success(&bytes, &head.headers, format, signal, items),
            Err(Unreadable::TooLarge) => return Err(ResponseTooLarge::new(limit).at(endpoint).into()),
            Err(Unreadable::Other(why)) => Err(why),
        };
        return Ok(text.unwrap_or_else(|why| crate::terminal::unreadable(&why)));
    }
    // What is left of a failure's body is read, so that the connection can be kept (HTTP-25).
    let error_limit = crate::terminal::ERROR_BODY_LIMIT.min(limit);
    let body = read_body(body, &head.headers, error_limit).await.unwrap_or_default();
    if head.status.is_redirection() {
        let location = head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
        return Err(Redirected::new(head.status.as_u16(), location).at(endpoint).into());
    }
    let retry_after =
        head.headers.get(RETRY_AFTER).and_then(|value| status::retry_after(value.as_bytes(), now));
    let message = decode_failure(&body, &head.headers, format).unwrap_or_default();
    // The Collector says it with 400, as Go's `http.MaxBytesReader` does, in a status or in plain text (SURV-03).
    let says_too_large = |text: &[u8]| {
        let said = b"request body too large";
        text.windows(said.len()).any(|window| window == said)
    };
    let is_too_large = match head.status.as_u16() {
        413 => true,
        400 => says_too_large(message.as_bytes()) || says_too_large(&body),
        _ => false,
    };
    Err(HttpError::new(head.status.as_u16())
        .with_too_large(is_too_large)
        .with_message(status::printable(&message))
        .with_retry_after(retry_after)
        .at(endpoint)
        .into())
}

/// Why the body of an answer tells nothing.
enum Unreadable {
    TooLarge,
    Other(String),
}

/// The body, decompressed. The status has said what matters, so the body is not waited for long.
async fn read_body<B>(body: B, headers: &HeaderMap, limit: usize) -> Result<Bytes, Unreadable>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let received = match tokio::time::timeout(crate::terminal::BODY_WAIT, body::read(body, limit)).await {
        Ok(Ok(received)) => received,
        Ok(Err(ReadError::TooLarge)) => return Err(Unreadable::TooLarge),
        Ok(Err(ReadError::Broken(error))) => return Err(Unreadable::Other(error.to_string())),
        Err(_elapsed) => return Err(Unreadable::Other("it did not arrive in time".to_owned())),
    };
    let encoding = headers.get(CONTENT_ENCODING).map_or(&b"identity"[..], |value| value.as_bytes());
    body::decompress(encoding, &received.bytes, limit).map_err(|error| match error {
        DecompressError::TooLarge => Unreadable::TooLarge,
        other => Unreadable::Other(other.as_str().to_owned()),
    })
}

/// The serialization format of the answer: what it says, or that of the request (HTTP-19).
fn format_of(headers: &HeaderMap, asked: Format) -> Option<Format> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Some(asked) };
    let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        Some(Format::Json)
    } else if essence.eq_ignore_ascii_case(b"application/x-protobuf") {
        Some(Format::Protobuf)
    } else {
        None
    }
}

fn decode_success(
    bytes: &[u8],
    headers: &HeaderMap,
    asked: Format,
    signal: Signal,
    items: u64,
) -> Result<ExportResponse, String> {
    match format_of(headers, asked) {
        Some(Format::Protobuf) => {
            decode_export_response(signal, bytes, items).map_err(|error| error.to_string())
        }
        #[cfg(feature = "json")]
        Some(Format::Json) => {
            decode_export_response_json(signal, bytes, items).map_err(|error| error.to_string())
        }
        _ => Err("its content type is not that of OTLP".to_owned()),
    }
}

/// The message of the `google.rpc.Status` in a failure's body, if there is one (HTTP-09). Its code is not looked at (HTTP-10).
fn decode_failure(bytes: &[u8], headers: &HeaderMap, asked: Format) -> Option<String> {
    match format_of(headers, asked) {
        Some(Format::Protobuf) => Some(decode_rpc_status(bytes).ok()?.message),
        #[cfg(feature = "json")]
        Some(Format::Json) => Some(decode_rpc_status_json(bytes).ok()?.message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types() {
        // conf: HTTP-19
        let with = |value: &'static str| {
            HeaderMap::from_iter([(CONTENT_TYPE, http::HeaderValue::from_static(value))])
        };
        assert_eq!(format_of(&HeaderMap::new(), Format::Json), Some(Format::Json));
        assert_eq!(format_of(&with("application/json; charset=utf-8"), Format::Protobuf), Some(Format::Json));
        assert_eq!(format_of(&with("Application/X-Protobuf"), Format::Json), Some(Format::Protobuf));
        assert_eq!(format_of(&with("text/html"), Format::Protobuf), None);
        assert_eq!(format_of(&with(""), Format::Protobuf), None);
    }
}
