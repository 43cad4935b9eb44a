//! OTLP/HTTP: `/v1/{traces,metrics,logs}` in protobuf and JSON, with the refusals of a Collector's receiver.
//!
//! Called for every request of an HTTP listener. JSON is read by `opentelemetry-proto`, not by the product's own reader.

use super::answer::{self, Answer};
use super::body::{self, Unreadable};
use super::exchange::{Arrival, Connection, Exchange};
use crate::reply::{Kind, Partial, Status};
use crate::status;
use crate::{Attempt, Payload, Protocol};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::{logs::v1 as logs, metrics::v1 as metrics, trace::v1 as trace};
use otlp_model::{Encoding, Format, Signal};
use prost::Message;
use std::sync::Arc;
use tonic::body::Body as BoxBody;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What is said to a request that is no export call.
struct Refusal {
    status: StatusCode,
    reason: String,
    /// The format of the `Status` that says it; plain text without.
    format: Option<Format>,
}

pub(crate) async fn answer(connection: Arc<Connection>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let limit = connection.shared.settings.http_limit;
    let (signal, format, encoding) = match negotiate(&parts) {
        Ok(agreed) => agreed,
        Err(refusal) => return refuse(&connection, &parts, refusal),
    };
    let body = match body::read(body, limit).await {
        Ok(body) => body,
        // Nobody is left to be answered.
        Err(Unreadable::Broken) => return Answer::NONE,
        Err(error) => return refuse(&connection, &parts, unreadable(format, &error)),
    };
    let arrival = Arrival {
        protocol: Protocol::Http,
        format,
        encoding,
        headers: parts.headers.clone(),
        wire_bytes: body.len() as u64,
    };
    let payload = body::decompress(encoding, body, limit).map_err(|error| unreadable(format, &error));
    match payload.and_then(|bytes| decode(signal, format, &bytes)) {
        Err(refusal) => refuse(&connection, &parts, refusal),
        Ok(payload) => match Exchange::new(connection).arrive(arrival, payload).await {
            Some(attempt) => carry_out(&attempt, format),
            None => Answer::NONE,
        },
    }
}

/// Path, method, content type and encoding, in this order (SURV-09, SURV-11).
fn negotiate(parts: &Parts) -> Result<(Signal, Format, Encoding), Refusal> {
    let text = |status, text: &str| Refusal { status, reason: text.to_owned(), format: None };
    let signal = match parts.uri.path() {
        "/v1/traces" => Signal::Traces,
        "/v1/metrics" => Signal::Metrics,
        "/v1/logs" => Signal::Logs,
        _ => return Err(text(StatusCode::NOT_FOUND, "404 page not found")),
    };
    if parts.method != Method::POST {
        return Err(text(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed, supported: [POST]"));
    }
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    let format = if media_type.eq_ignore_ascii_case(PROTOBUF) {
        Format::Protobuf
    } else if media_type.eq_ignore_ascii_case(JSON) {
        Format::Json
    } else {
        let what = "415 unsupported media type, supported: [application/json, application/x-protobuf]";
        return Err(text(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
    };
    let encoding = match parts.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Encoding::Identity,
        Some(b"gzip") => Encoding::Gzip,
        Some(b"zstd") => Encoding::Zstd,
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            return Err(bad_request(format, format!("unsupported Content-Encoding: {other}")));
        }
    };
    Ok((signal, format, encoding))
}

fn unreadable(format: Format, error: &Unreadable) -> Refusal {
    let reason = match error {
        Unreadable::TooLarge => "http: request body too large".to_owned(),
        Unreadable::Broken => "the body was broken off".to_owned(),
        Unreadable::Undecodable(error) => format!("the body does not decompress: {error}"),
    };
    bad_request(format, reason)
}

/// 400 with a `Status`: a Collector's answer also to bodies that are too large (SURV-03).
fn bad_request(format: Format, reason: String) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, reason, format: Some(format) }
}

fn refuse(connection: &Connection, parts: &Parts, refusal: Refusal) -> Answer {
    let Refusal { status, reason, format } = refusal;
    connection.malformed(Protocol::Http, parts, status, &reason);
    let mut response = match format {
        Some(format) => status_response(status, format, status::grpc_code(status), &reason, None),
        None => answer::plain(status, TEXT, reason),
    };
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    }
    Answer::Response(response)
}

fn decode(signal: Signal, format: Format, bytes: &Bytes) -> Result<Payload, Refusal> {
    fn parse<T: Message + Default + serde::de::DeserializeOwned>(
        format: Format,
        bytes: &Bytes,
    ) -> Result<T, Refusal> {
        match format {
            Format::Json => {
                serde_json::from_slice(bytes).map_err(|error| bad_request(format, error.to_string()))
            }
            _ => T::decode(bytes.clone()).map_err(|error| bad_request(format, error.to_string())),
        }
    }
    Ok(match signal {
        Signal::Metrics => Payload::Metrics(parse(format, bytes)?),
        Signal::Logs => Payload::Logs(parse(format, bytes)?),
        _ => Payload::Traces(parse(format, bytes)?),
    })
}

fn carry_out(attempt: &Attempt, format: Format) -> Answer {
    let mut response = match &attempt.reply.kind {
        Kind::Success { http, partial } => success(*http, attempt.call.signal, format, partial.as_ref()),
        Kind::Status(Status { grpc, http, message, retry_info }) => {
            let mut response = status_response(*http, format, *grpc, message, *retry_info);
            if let (429 | 503, Some(delay)) = (http.as_u16(), retry_info) {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(delay.as_secs()));
            }
            response
        }
        Kind::Body(body) => answer::raw(body),
        Kind::Invalid(reason) => answer::plain(StatusCode::INTERNAL_SERVER_ERROR, TEXT, reason.clone()),
        Kind::Reset(code) => return Answer::Reset(*code),
        Kind::Hang | Kind::Close => return Answer::NONE,
    };
    answer::add_headers(&mut response, &attempt.reply.headers);
    Answer::Response(response)
}

/// A success; its body is never empty (SURV-13).
fn success(http: StatusCode, signal: Signal, format: Format, partial: Option<&Partial>) -> Response<BoxBody> {
    let (rejected, error_message) =
        partial.map_or_else(Default::default, |partial| (partial.rejected, partial.message.clone()));
    if format == Format::Json {
        let mut fields = serde_json::Map::new();
        if rejected != 0 {
            let field = match signal {
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
                _ => "rejectedSpans",
            };
            fields.insert(field.to_owned(), rejected.to_string().into());
        }
        if !error_message.is_empty() {
            fields.insert("errorMessage".to_owned(), error_message.into());
        }
        return answer::plain(http, JSON, serde_json::json!({ "partialSuccess": fields }).to_string());
    }
    let body = match signal {
        Signal::Metrics => {
            let partial =
                metrics::ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message };
            metrics::ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
        Signal::Logs => {
            let partial = logs::ExportLogsPartialSuccess { rejected_log_records: rejected, error_message };
            logs::ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
        _ => {
            let partial = trace::ExportTracePartialSuccess { rejected_spans: rejected, error_message };
            trace::ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec()
        }
    };
    answer::plain(http, PROTOBUF, body)
}

fn status_response(
    http: StatusCode,
    format: Format,
    code: i32,
    message: &str,
    retry_info: Option<std::time::Duration>,
) -> Response<BoxBody> {
    match format {
        Format::Json => answer::plain(http, JSON, status::encode_json(code, message, retry_info)),
        _ => answer::plain(http, PROTOBUF, status::encode(code, message, retry_info)),
    }
}
