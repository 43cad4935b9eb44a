//! Whole answers, through the terminals: any status, header, body and trailer that a peer can send ends in a judgement that
//! follows the specification's tables, with a wait that is bounded. Covers what is read of an answer and is private:
//! `Retry-After`, `grpc-status`, `grpc-message` and `grpc-status-details-bin`.
//!
//! The server is hyper's, on a pipe in memory.

use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use otlp_fuzz::Edited;
use otlp_model::response::is_deceptive;
use otlp_model::{DropReason, ExportRequest, Signal};
use otlp_transport::{BoxConnector, Connection, Disposition, Endpoint, Grpc, Http, Target, classify};
use std::convert::Infallible;
use std::time::{Duration, SystemTime};
use tower::ServiceExt;

const SENT: u64 = 10;
/// The longest `Retry-After` that is understood.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the server says.
#[derive(Debug, Clone, Default)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(&'static str, Vec<u8>)>,
}

/// Headers as far as HTTP can carry them; what it can't, no server can send.
fn headers(of: &[(&'static str, Vec<u8>)]) -> HeaderMap {
    let valid = of.iter().filter_map(|(name, value)| {
        Some((HeaderName::from_static(name), HeaderValue::from_bytes(value).ok()?))
    });
    valid.collect()
}

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, Infallible>;

impl Answer {
    fn response(&self) -> Response<Body> {
        let data = Bytes::from(self.body.clone());
        let body = if self.trailers.is_empty() {
            Full::new(data).boxed_unsync()
        } else {
            Full::new(data)
                .with_trailers(std::future::ready(Some(Ok(headers(&self.trailers)))))
                .boxed_unsync()
        };
        let mut response = Response::new(body);
        *response.status_mut() = http::StatusCode::from_u16(self.status).expect("a status that can be sent");
        *response.headers_mut() = headers(&self.headers);
        response
    }

    /// A connector to a server that answers this.
    fn connector(&self, http2: bool) -> BoxConnector {
        let answer = self.clone();
        BoxConnector::new(tower::service_fn(move |_: Target| {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let answer = answer.clone();
                    async move {
                        // To its end, or the connection would be closed too early.
                        let mut body = request.into_body();
                        while body.frame().await.is_some() {}
                        Ok::<_, Infallible>(answer.response())
                    }
                });
                let io = TokioIo::new(theirs);
                // The client is gone when it has what it wants.
                if http2 {
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(io, service).await;
                } else {
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                }
            });
            async move { Ok::<_, Infallible>(Connection::new(ours)) }
        }))
    }
}

/// What the client makes of an answer, and the text of the error if there is one.
fn judge(answer: &Answer, grpc: bool) -> (Disposition, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let endpoint: Endpoint = "http://receiver:4317".parse().expect("an endpoint");
        let request = ExportRequest::new(Signal::Traces, SENT, Bytes::from_static(b"\x0a\x00"));
        let connector = answer.connector(grpc);
        let result = if grpc {
            Grpc::with_connector(endpoint, connector).oneshot(request).await
        } else {
            Http::with_connector(endpoint, connector).oneshot(request).await
        };
        let text = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
        (classify(&result), text)
    })
}

/// What holds whatever was answered.
fn check(disposition: Disposition, text: &str) {
    match disposition {
        Disposition::Delivered { rejected } => assert!(rejected <= SENT),
        // An answer was read, so the network is not what is wrong.
        Disposition::Retryable { .. } => {}
        Disposition::Permanent { reason } => {
            let reasons = [DropReason::NotRetryable, DropReason::TooLarge];
            assert!(reasons.contains(&reason), "{reason}: {text}");
        }
    }
    assert!(text.len() < 4 * 1024 && !text.contains(is_deceptive), "{text:?}");
}

const RETRY_AFTER: [&str; 6] =
    ["120", "99999999999999999999", "-5", "1.5", "Wed, 21 Oct 2065 07:28:00 GMT", ""];
const COMMON: [u16; 10] = [200, 204, 400, 404, 413, 429, 500, 502, 503, 504];
const BODIES: [&[u8]; 4] = [
    b"\x0a\x08\x08\x03\x12\x04full",
    b"\x08\x0e\x12\x04busy",
    br#"{"partialSuccess":{"rejectedSpans":"3"}}"#,
    b"<html>502</html>",
];
const TYPES: [&str; 4] = ["application/x-protobuf", "application/json", "text/html; charset=utf-8", ""];

#[test]
fn http() {
    bolero::check!().with_iterations(iterations()).with_type::<(u16, Edited, Edited, u8)>().for_each(
        |(status, after, body, kind)| {
            let status = match status % 20 {
                index @ 0..10 => COMMON[usize::from(index)],
                _ => 200 + status % 400,
            };
            let (after, body) = (after.text(&RETRY_AFTER), body.bytes(&BODIES));
            let kind = TYPES[usize::from(*kind) % TYPES.len()].as_bytes().to_vec();
            let given = vec![("retry-after", after.clone().into_bytes()), ("content-type", kind)];
            let answer = Answer { status, headers: given, body, ..Answer::default() };
            let (disposition, text) = judge(&answer, false);
            check(disposition, &text);
            match (status, disposition) {
                (200..=299, found) => assert!(found.is_delivered(), "{status}: {found}"),
                (429 | 502 | 503 | 504, Disposition::Retryable { after: wait, .. }) => {
                    assert!(wait.is_none_or(|wait| !wait.is_zero() && wait <= DAY), "{wait:?}");
                    let sent = HeaderValue::from_str(&after).is_ok().then(|| after.trim());
                    let seconds =
                        sent.and_then(|text| text.parse::<u64>().ok()).filter(|_| !after.contains('+'));
                    if let Some(seconds) = seconds.filter(|seconds| *seconds > 0) {
                        assert_eq!(wait, Some(Duration::from_secs(seconds).min(DAY)), "{after:?}");
                    }
                    let date = sent.and_then(|text| httpdate::parse_http_date(text).ok());
                    let past = date.is_some_and(|date| date < SystemTime::now());
                    assert!(!past || wait.is_none(), "{after:?}: {wait:?}");
                }
                (429 | 502 | 503 | 504, found) => panic!("{status}: {found}"),
                (_, found) => assert!(matches!(found, Disposition::Permanent { .. }), "{status}: {found}"),
            }
        },
    );
}

const STATUS: [&[u8]; 3] = [
    b"\x08\x0e\x12\x04busy",
    b"\x08\x08\x1a\x2e\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x02\x0a\x00",
    b"\x08\x08\x1a\x30\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x03",
];

#[test]
fn grpc() {
    bolero::check!()
        .with_iterations(iterations())
        .with_type::<(Edited, Edited, Edited, Edited, bool)>()
        .for_each(|(code, message, details, body, padded)| {
            let code = code.text(&["0", "8", "14", "4", "13", "99", ""]);
            let details = details.bytes(&STATUS);
            let details = if *padded {
                base64::engine::general_purpose::STANDARD.encode(&details).into_bytes()
            } else {
                base64::engine::general_purpose::STANDARD_NO_PAD.encode(&details).into_bytes()
            };
            let message = message.bytes(&[b"busy", b"caf%C3%A9 %zz", b"%1b%0d%0a"]);
            let body =
                body.bytes(&[b"\0\0\0\0\0", b"\0\0\0\0\x0a\x0a\x08\x08\x03\x12\x04full", b"\x01\0\0\0\0"]);
            let answer = Answer {
                status: 200,
                headers: vec![("content-type", b"application/grpc".to_vec())],
                body,
                trailers: vec![
                    ("grpc-status", code.clone().into_bytes()),
                    ("grpc-message", message),
                    ("grpc-status-details-bin", details),
                ],
            };
            let (disposition, text) = judge(&answer, true);
            check(disposition, &text);
            match (code.as_str(), disposition) {
                // Delivered, even if the message cannot be read (PART-08).
                ("0", found) => assert!(found.is_delivered(), "{found}: {text}"),
                ("1" | "4" | "10" | "11" | "14" | "15", found) => {
                    assert!(found.is_retryable(), "{code}: {found}")
                }
                // With RetryInfo only.
                ("8", Disposition::Retryable { after, .. }) => assert!(after.is_some(), "{text}"),
                ("2" | "3" | "5" | "6" | "7" | "9" | "12" | "13" | "16", found) => {
                    assert!(matches!(found, Disposition::Permanent { .. }), "{code}: {found}");
                }
                // Digits that make the same number are the same code: 1*DIGIT, as the protocol says.
                (_, found) => {
                    let ok = code.trim().parse::<u32>() == Ok(0);
                    assert!(!found.is_delivered() || ok, "{code:?}: {found}");
                }
            }
        });
}

/// Each is a connection of its own, so there are fewer than of the others in the same time.
fn iterations() -> usize {
    500
}
