//! Answers as bytes: the responses of OTLP and `google.rpc.Status`, in protobuf and JSON, and HTTP's responses around them.
//!
//! Used by both protocols. Never decides what the answer is.

use super::intake::Partial;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use otlp_model::Signal;
use std::convert::Infallible;

/// The body of every response.
pub(crate) type Body = BoxBody<Bytes, Infallible>;

pub(crate) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed()
}

pub(crate) fn response(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An `Export…ServiceResponse`. Never empty: as a Collector does it, it says a partial success of nothing (SURV-13).
pub(crate) fn success(partial: &Partial) -> Vec<u8> {
    let mut inner = Vec::new();
    if partial.rejected > 0 {
        varint_field(&mut inner, 1, partial.rejected);
        bytes_field(&mut inner, 2, partial.message.as_bytes());
    }
    let mut response = Vec::new();
    bytes_field(&mut response, 1, &inner);
    response
}

/// The same in JSON.
pub(crate) fn success_json(signal: Signal, partial: &Partial) -> Vec<u8> {
    let mut inner = serde_json::Map::new();
    if partial.rejected > 0 {
        let name = match signal {
            Signal::Metrics => "rejectedDataPoints",
            Signal::Logs => "rejectedLogRecords",
            _ => "rejectedSpans",
        };
        inner.insert(name.to_owned(), partial.rejected.to_string().into());
        inner.insert("errorMessage".to_owned(), partial.message.into());
    }
    serde_json::json!({ "partialSuccess": inner }).to_string().into_bytes()
}

/// A `google.rpc.Status`.
pub(crate) fn status(code: i32, message: &str) -> Vec<u8> {
    let mut status = Vec::new();
    varint_field(&mut status, 1, u64::from(code.unsigned_abs()));
    bytes_field(&mut status, 2, message.as_bytes());
    status
}

/// The same in JSON.
pub(crate) fn status_json(code: i32, message: &str) -> Vec<u8> {
    serde_json::json!({ "code": code, "message": message }).to_string().into_bytes()
}

fn varint_field(out: &mut Vec<u8>, number: u8, value: u64) {
    out.push(number << 3);
    varint(out, value);
}

fn bytes_field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::response;

    #[test]
    fn the_models_readers_read_them() {
        // conf: SURV-13
        assert_eq!(success(&Partial::default()), b"\x0a\x00");
        assert_eq!(success_json(Signal::Logs, &Partial::default()), br#"{"partialSuccess":{}}"#);
        let partial = Partial { rejected: 300, message: "too old" };
        let read = response::decode_export_response(Signal::Traces, &success(&partial), 1000).unwrap();
        assert_eq!((read.rejected, read.message.as_deref()), (300, Some("too old")));
        let read = response::decode_rpc_status(&status(14, "busy")).unwrap();
        assert_eq!((read.code, read.message.as_str()), (14, "busy"));
    }
}
