//! OTLP over gRPC: paths, frames, compression, and the status in the trailers.
//!
//! Called for every request of the gRPC listener. Framed by hand, as the client does it: one message, one answer.

use super::answer::{self, Body};
use super::body::{self, Packed, Unreadable};
use super::intake::{Intake, Partial, Refusal};
use crate::wire;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use otlp_model::Signal;
use otlp_transport::GrpcCode;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The largest message, before and after decompression: a Collector's default (SURV-01).
const LIMIT: usize = 4 << 20;

/// The flag and the length before a message.
const HEAD: usize = 5;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

pub(crate) async fn answer(intake: &Intake, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if !is_grpc(request.headers()) {
        let reason = "this is a port for gRPC; OTLP over HTTP has another, usually 4318";
        intake.refused(&path, &Refusal::new(GrpcCode::Unimplemented, reason));
        return answer::response(StatusCode::UNSUPPORTED_MEDIA_TYPE, "text/plain; charset=utf-8", reason);
    }
    match take(intake, request).await {
        Ok(partial) => success(&partial),
        Err(refusal) => {
            intake.refused(&path, &refusal);
            failure(&refusal)
        }
    }
}

async fn take(intake: &Intake, request: Request<Incoming>) -> Result<Partial, Refusal> {
    let signal = signal(request.uri().path())?;
    let packed = packed(request.headers())?;
    let body = body::read(request.into_body(), LIMIT + HEAD).await.map_err(unreadable)?;
    let (is_packed, message) = unframe(&body)?;
    let packed = match (is_packed, packed) {
        (false, _) => Packed::No,
        (true, Packed::No) => {
            let reason = "the message is marked as compressed, and grpc-encoding does not say how";
            return Err(Refusal::new(GrpcCode::Internal, reason));
        }
        (true, packed) => packed,
    };
    let message = body::unpack(packed, message, LIMIT).map_err(unreadable)?;
    intake.take(signal, &message)
}

/// gRPC-Web, which begins alike, is none.
fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

fn signal(path: &str) -> Result<Signal, Refusal> {
    let of_path = Signal::ALL.into_iter().find(|signal| wire::method(*signal) == path);
    of_path.ok_or_else(|| Refusal::new(GrpcCode::Unimplemented, format!("unknown method {path}")))
}

fn packed(headers: &HeaderMap) -> Result<Packed, Refusal> {
    let name = headers.get("grpc-encoding").map_or(&b""[..], HeaderValue::as_bytes);
    Packed::named(name).ok_or_else(|| {
        let name = String::from_utf8_lossy(name);
        Refusal::new(
            GrpcCode::Unimplemented,
            format!("unsupported grpc-encoding {name}; gzip and zstd are taken"),
        )
    })
}

/// Whether the one message of a body is compressed, and the message.
fn unframe(body: &Bytes) -> Result<(bool, Bytes), Refusal> {
    let broken = || Refusal::new(GrpcCode::Internal, "the body is not one gRPC message");
    let (head, message) = body.split_first_chunk::<HEAD>().ok_or_else(broken)?;
    let [flag, length @ ..] = *head;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| broken())?;
    if length != message.len() || flag > 1 {
        return Err(broken());
    }
    Ok((flag == 1, body.slice(HEAD..)))
}

fn unreadable(error: Unreadable) -> Refusal {
    match error {
        Unreadable::Broken => Refusal::new(GrpcCode::Cancelled, "the client broke off"),
        Unreadable::TooSlow => Refusal::new(GrpcCode::DeadlineExceeded, "the body did not come in time"),
        // What the client reads to tell a size from a quota (SURV-02).
        Unreadable::TooLarge => {
            let reason = format!(
                "grpc: received message larger than max ({LIMIT} bytes, before or after decompression)"
            );
            Refusal::new(GrpcCode::ResourceExhausted, reason)
        }
        Unreadable::Corrupt(error) => {
            Refusal::new(GrpcCode::InvalidArgument, format!("the message does not decompress: {error}"))
        }
    }
}

fn success(partial: &Partial) -> Response<Body> {
    let message = answer::success(partial);
    let mut frame = vec![0];
    // A few bytes: the length fits.
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from(frame)).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.boxed());
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

/// Headers that are trailers at the same time, and no body.
fn failure(refusal: &Refusal) -> Response<Body> {
    /// What gRPC has percent-encoded; the rest of ASCII goes as it is.
    const ENCODED: &AsciiSet = &CONTROLS.add(b'%');
    let mut response = Response::new(answer::whole(Bytes::new()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert("grpc-status", HeaderValue::from(refusal.code as i32));
    let reason = utf8_percent_encode(&refusal.reason, ENCODED).to_string();
    if let Ok(reason) = HeaderValue::try_from(reason) {
        headers.insert("grpc-message", reason);
    }
    headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip,zstd"));
    response
}
