//! One empty OTLP request on one connection, over HTTP/1.1 or as a gRPC call, and the head of whatever answers.
//!
//! For what the transport's terminals do not show: which protocol answers at all, and headers such as `Date` and `Server`.
//! Reads at most 64 KiB; exports go through the terminals.

use super::case::Route;
use crate::wire;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TE, USER_AGENT};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use otlp_transport::{BoxConnector, BoxError, Headers};
use std::time::Duration;
use tokio::time::Instant;
use tower::ServiceExt;

const MOST: usize = 64 * 1024;

/// What answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The gRPC status, from trailers or headers.
    pub(crate) grpc: Option<i32>,
    /// From the request to the head of the answer, on a connection that stood.
    pub(crate) elapsed: Duration,
}

impl Answer {
    /// A header as text, without what could write lines of its own.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let value = String::from_utf8_lossy(self.headers.get(name)?.as_bytes()).into_owned();
        let clean = |c| if otlp_model::response::is_deceptive(c) { ' ' } else { c };
        Some(value.chars().take(200).map(clean).collect())
    }
}

/// Posts an empty request for the route's signal to `path`, over HTTP/1.1.
pub(crate) async fn post(connector: BoxConnector, route: &Route, path: String) -> Result<Answer, BoxError> {
    let Route { endpoint, headers, .. } = route;
    let stream = TokioIo::new(connector.oneshot(endpoint.target().clone()).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
    let driver = tokio::spawn(connection);
    let request = request(headers)
        .uri(path)
        .header(HOST, endpoint.authority())
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header(CONTENT_LENGTH, 0)
        .body(Full::new(Bytes::new()))?;
    let started = Instant::now();
    let response = sender.send_request(request).await;
    let answer = read(response?, started).await;
    driver.abort();
    answer
}

/// Calls the export of the route's signal with an empty request, over HTTP/2.
pub(crate) async fn call(connector: BoxConnector, route: &Route) -> Result<Answer, BoxError> {
    let Route { signal, endpoint, headers, .. } = route;
    let stream = TokioIo::new(connector.oneshot(endpoint.target().clone()).await?);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await?;
    let driver = tokio::spawn(connection);
    let scheme = if endpoint.is_secure() { "https" } else { "http" };
    let request = request(headers)
        .uri(format!("{scheme}://{}{}", endpoint.authority(), wire::method(*signal)))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        // A frame: not compressed, no bytes.
        .body(Full::new(Bytes::from_static(&[0; 5])))?;
    let started = Instant::now();
    let response = sender.send_request(request).await;
    let answer = read(response?, started).await;
    driver.abort();
    answer
}

fn request(headers: &Headers) -> http::request::Builder {
    let agent = concat!("otlp-doctor/", env!("CARGO_PKG_VERSION"));
    let request = Request::builder().method(Method::POST).header(USER_AGENT, agent);
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

async fn read(response: Response<Incoming>, started: Instant) -> Result<Answer, BoxError> {
    let elapsed = started.elapsed();
    let (parts, mut body) = response.into_parts();
    let status = |headers: &HeaderMap| headers.get("grpc-status")?.to_str().ok()?.parse().ok();
    let mut grpc = status(&parts.headers);
    let mut left = MOST;
    // The head has said what matters: a body that breaks off changes nothing.
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(trailers) = frame.trailers_ref() {
            grpc = grpc.or_else(|| status(trailers));
        }
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            break;
        }
    }
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, grpc, elapsed })
}
