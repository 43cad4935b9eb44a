//! OTLP over HTTP: `/v1/{traces,metrics,logs}`, protobuf and JSON, with the refusals of a Collector's receiver.
//!
//! Called for every request of the HTTP listener. Nothing that was received can be read here, and no page of a browser is
//! given leave to send: there are no CORS headers, a form's content types are refused, and so is a site that calls us by its
//! own name.

use super::answer::{self, Body};
use super::body::{self, Packed, Unreadable};
use super::host;
use super::intake::{Intake, Partial, Refusal};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use otlp_model::{Format, Signal, json};
use otlp_transport::GrpcCode;
use std::net::SocketAddr;

/// The largest body, before and after decompression: a Collector's default (SURV-01).
const LIMIT: usize = 20 << 20;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// What is no export call, and is answered in plain text (SURV-09).
struct NoCall {
    status: StatusCode,
    reason: &'static str,
}

/// Answers a request that came to `local`.
pub(crate) async fn answer(intake: &Intake, local: SocketAddr, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let (signal, format) = match negotiate(&parts, local) {
        Ok(agreed) => agreed,
        Err(NoCall { status, reason }) => {
            let refusal = Refusal::new(GrpcCode::from_http_status(status.as_u16()), reason);
            intake.refused(parts.uri.path(), &refusal);
            let mut response = answer::response(status, "text/plain; charset=utf-8", reason);
            if status == StatusCode::METHOD_NOT_ALLOWED {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            }
            return response;
        }
    };
    match take(intake, signal, format, &parts, body).await {
        Ok(partial) if format == Format::Json => {
            answer::response(StatusCode::OK, JSON, answer::success_json(signal, &partial))
        }
        Ok(partial) => answer::response(StatusCode::OK, PROTOBUF, answer::success(&partial)),
        Err((status, refusal)) => {
            intake.refused(parts.uri.path(), &refusal);
            let (code, reason) = (refusal.code as i32, refusal.reason.as_str());
            match format {
                Format::Json => answer::response(status, JSON, answer::status_json(code, reason)),
                _ => answer::response(status, PROTOBUF, answer::status(code, reason)),
            }
        }
    }
}

/// Whether a page asks whose site has a name that leads to this port (DNS rebinding): no browser asks us for leave then. That of
/// an application behind a proxy has the proxy's port.
fn is_rebound(headers: &HeaderMap, local: SocketAddr) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(ORIGIN), text(HOST)) else { return false };
    origin.strip_prefix("http://").is_some_and(|site| site.eq_ignore_ascii_case(host))
        && host.rsplit_once(':').is_some_and(|(_, port)| port.parse() == Ok(local.port()))
        && !host::is_ours(host, local.ip())
}

/// Who asks, path, method and content type, in this order.
fn negotiate(parts: &Parts, local: SocketAddr) -> Result<(Signal, Format), NoCall> {
    let no = |status, reason| Err(NoCall { status, reason });
    if is_rebound(&parts.headers, local) {
        return no(StatusCode::FORBIDDEN, "a page may not send to this machine by another name");
    }
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let signal = match parts.uri.path() {
        "/v1/traces" => Signal::Traces,
        "/v1/metrics" => Signal::Metrics,
        "/v1/logs" => Signal::Logs,
        _ if content_type.starts_with("application/grpc") => {
            return no(
                StatusCode::NOT_FOUND,
                "this is a port for HTTP; OTLP over gRPC has another, usually 4317",
            );
        }
        _ => return no(StatusCode::NOT_FOUND, "404 page not found"),
    };
    if parts.method != Method::POST {
        return no(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed, supported: [POST]");
    }
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    if media_type.eq_ignore_ascii_case(PROTOBUF) {
        Ok((signal, Format::Protobuf))
    } else if media_type.eq_ignore_ascii_case(JSON) {
        Ok((signal, Format::Json))
    } else {
        no(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "415 unsupported media type, supported: [application/json, application/x-protobuf]",
        )
    }
}

async fn take(
    intake: &Intake,
    signal: Signal,
    format: Format,
    parts: &Parts,
    body: Incoming,
) -> Result<Partial, (StatusCode, Refusal)> {
    let encoding = parts.headers.get(CONTENT_ENCODING).map_or(&b""[..], HeaderValue::as_bytes);
    let packed = Packed::named(encoding).ok_or_else(|| {
        // SURV-11
        let name = String::from_utf8_lossy(encoding);
        bad_request(format!("unsupported content-encoding {name}; gzip and zstd are taken"))
    })?;
    let body = body::read(body, LIMIT).await.map_err(unreadable)?;
    let body = body::unpack(packed, body, LIMIT).map_err(unreadable)?;
    let taken = match format {
        Format::Json => {
            let protobuf =
                json::request_from_json(signal, &body).map_err(|error| bad_request(error.to_string()))?;
            intake.take(signal, &protobuf)
        }
        _ => intake.take(signal, &body),
    };
    taken.map_err(|refusal| {
        let status = match refusal.code {
            GrpcCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, refusal)
    })
}

fn bad_request(reason: String) -> (StatusCode, Refusal) {
    (StatusCode::BAD_REQUEST, Refusal::new(GrpcCode::InvalidArgument, reason))
}

fn unreadable(error: Unreadable) -> (StatusCode, Refusal) {
    match error {
        Unreadable::Broken => bad_request("the client broke off".to_owned()),
        Unreadable::TooSlow => {
            let reason = "the body did not come in time";
            (StatusCode::REQUEST_TIMEOUT, Refusal::new(GrpcCode::DeadlineExceeded, reason))
        }
        Unreadable::TooLarge => {
            let reason =
                format!("request body too large: more than {LIMIT} bytes, before or after decompression");
            (StatusCode::PAYLOAD_TOO_LARGE, Refusal::new(GrpcCode::ResourceExhausted, reason))
        }
        Unreadable::Corrupt(error) => bad_request(format!("the body does not decompress: {error}")),
    }
}
