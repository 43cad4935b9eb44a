//! The OTLP/gRPC terminal: one unary call per request, in our own framing over HTTP/2.
//!
//! The innermost service of the stack when the protocol is gRPC. Sends the encoded request as it is: it neither encodes,
//! nor compresses, nor retries, nor measures time; the layers above do.

mod answer;

use crate::client::{Client, Unprocessed, unprocessed};
use crate::connect::Checked;
use crate::payload::Payload;
use crate::pool::Protocol;
use crate::{
    Alpn, BoxError, Connect, Connector, Endpoint, ExportFuture, PoolConfig, PoolConfigError, PoolHandle,
    RequestTooLarge, UnsupportedFormat, metadata, status,
};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT};
use http::{Method, Request, Uri, Version};
use otlp_model::{DropReason, Encoding, ExportRequest, ExportResponse, Format, Signal, Undelivered};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Service, ServiceExt};

/// How often a call is sent again because the server refused its stream: it has said how many it takes by then.
const MAX_REFUSALS: usize = 1;

/// How often a call is sent again because the server closed the connection before looking at it.
const MAX_GOODBYES: usize = 3;

/// Sends requests over OTLP/gRPC.
///
/// Each request is one call of `…TraceService/Export`, `…MetricsService/Export` or `…LogsService/Export` (GRPC-01), with
/// the body and encoding the request has. Headers of the request become metadata (GRPC-11). The answer is a success
/// only when `grpc-status` says so (GRPC-06); everything else is an error that [`classify`](crate::classify) reads.
///
/// Connections are opened at the first request, shared by concurrent ones and opened again after a failure (GRPC-19,
/// GRPC-29), within the bounds of a [`PoolConfig`]. A call that the server refuses unseen is sent again at once, which is
/// no retry: once if it has too many, up to three times if it is closing the connection (GRPC-22, SURV-15). Dropping a
/// call's future cancels the call; the connection is then not used for new calls.
///
/// - **Position**: innermost.
/// - **Clone**: shares the connections.
/// - **Readiness**: always ready; a call waits for its connection in its future. Bound the calls in flight with a layer
///   above.
///
/// Must be called within a tokio runtime.
///
/// ```
/// use otlp_model::{ExportRequest, Signal};
/// use otlp_transport::{ConnectError, Endpoint, Grpc};
/// use tower::ServiceExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint: Endpoint = "unix:///nowhere/otlp.sock".parse()?;
/// let request = ExportRequest::new(Signal::Traces, 0, bytes::Bytes::new());
/// let error = Grpc::new(endpoint).oneshot(request).await.unwrap_err();
/// assert!(error.is::<ConnectError>(), "{error}");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Grpc<C = Connector> {
    client: Client<Checked<C>>,
    options: Arc<Options>,
}

#[derive(Debug, Clone)]
struct Options {
    endpoint: Endpoint,
    /// Our own headers, the same for every request.
    headers: HeaderMap,
    max_request_size: usize,
    max_response_size: usize,
}

impl Grpc {
    /// A terminal for `endpoint`, over TCP or a unix domain socket. Does not connect yet.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self::with_connector(endpoint, Connector::new())
    }
}

impl<C: Connect> Grpc<C> {
    /// A terminal for `endpoint` over the connections of `connector`. Does not connect yet.
    pub fn with_connector(endpoint: Endpoint, connector: C) -> Self {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(USER_AGENT, metadata::AGENT);
        if let Some(encodings) = metadata::DECODABLE
            && let Ok(value) = HeaderValue::from_str(&format!("identity,{encodings}"))
        {
            headers.insert(HeaderName::from_static("grpc-accept-encoding"), value);
        }
        let connector = Checked::new(&endpoint, Alpn::H2, connector);
        let client = Client::new(endpoint.clone(), connector, Protocol::Http2);
        let options = Options {
            endpoint,
            headers,
            max_request_size: crate::DEFAULT_MAX_REQUEST_SIZE,
            max_response_size: crate::DEFAULT_MAX_RESPONSE_SIZE,
        };
        Self { client, options: Arc::new(options) }
    }

    /// Bounds the connections otherwise; to be called before the first request, since it begins with none.
    ///
    /// # Errors
    ///
    /// The first option out of its range, by name.
    ///
    /// ```
    /// use otlp_transport::{Endpoint, Grpc, PoolConfig};
    /// let config = PoolConfig { min_connections: 1, ..PoolConfig::default() };
    /// let grpc = Grpc::new(Endpoint::default_grpc()).with_pool(config)?;
    /// assert_eq!(grpc.pool().stats().idle_connections, 0, "nothing is opened yet");
    /// # Ok::<(), otlp_transport::PoolConfigError>(())
    /// ```
    pub fn with_pool(mut self, config: PoolConfig) -> Result<Self, PoolConfigError> {
        self.client = self.client.with_pool(config)?;
        Ok(self)
    }
}

impl<C> Grpc<C> {
    /// A view on the connections: their numbers, and a way to open some ahead of the first request.
    #[must_use]
    pub fn pool(&self) -> PoolHandle {
        self.client.pool()
    }

    /// Tells the server with `grpc-timeout` how long an attempt waits for it (GRPC-05); unset by default.
    ///
    /// This only tells: an [`AttemptTimeoutLayer`](crate::AttemptTimeoutLayer) with the same limit above keeps the time
    /// here. Zero means none.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        let name = HeaderName::from_static("grpc-timeout");
        let headers = &mut Arc::make_mut(&mut self.options).headers;
        match HeaderValue::from_str(&status::timeout_value(timeout)) {
            Ok(value) if !timeout.is_zero() => headers.insert(name, value),
            _ => headers.remove(name),
        };
        self
    }

    /// The largest request sent, in bytes before compression; 64 MiB by default (GRPC-12). A larger one fails with
    /// [`RequestTooLarge`] and is not sent.
    #[must_use]
    pub fn with_max_request_size(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.options).max_request_size = bytes;
        self
    }

    /// The largest response read, in bytes before and after decompression; 4 MiB by default (GRPC-13). A larger one
    /// fails with [`ResponseTooLarge`](crate::ResponseTooLarge).
    #[must_use]
    pub fn with_max_response_size(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.options).max_response_size = bytes;
        self
    }
}

impl<C: Connect> Service<ExportRequest> for Grpc<C> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let client = self.client.clone();
        let options = Arc::clone(&self.options);
        ExportFuture::new(async move {
            // Not a retry: the server says that it has not looked at the call (SURV-15, GRPC-22).
            let (mut refusals, mut goodbyes) = (MAX_REFUSALS, MAX_GOODBYES);
            let response = loop {
                let error = match client.clone().oneshot(to_http(&options, &request)?).await {
                    Ok(response) => break response,
                    Err(error) => error,
                };
                let left = match unprocessed(&*error) {
                    Some(Unprocessed::Refused) => &mut refusals,
                    Some(Unprocessed::Goodbye) => &mut goodbyes,
                    None => return Err(error),
                };
                *left = usize::checked_sub(*left, 1).ok_or(error)?;
            };
            answer::read(response, &request, &options.endpoint, options.max_response_size).await
        })
    }
}

/// `request` as a call of its signal's service.
fn to_http(options: &Options, request: &ExportRequest) -> Result<Request<Payload>, BoxError> {
    let unsendable = |error: BoxError| BoxError::from(Undelivered::new(DropReason::EncodeFailed, error));
    if request.raw_len() > options.max_request_size {
        let error = RequestTooLarge { size: request.raw_len(), limit: options.max_request_size };
        return Err(Undelivered::new(DropReason::TooLarge, error).into());
    }
    if request.format() != Format::Protobuf {
        return Err(unsendable(UnsupportedFormat { format: request.format() }.into()));
    }
    let uri = Uri::builder()
        .scheme(options.endpoint.scheme())
        .authority(options.endpoint.authority())
        .path_and_query(service_path(request.signal()).map_err(unsendable)?)
        .build()
        .map_err(|error| unsendable(error.into()))?;
    let compressed = request.encoding() != Encoding::Identity;
    let mut headers = options.headers.clone();
    if compressed {
        let encoding = HeaderValue::from_static(request.encoding().as_str());
        headers.insert(HeaderName::from_static("grpc-encoding"), encoding);
    }
    metadata::add_user_headers(&mut headers, request.headers()).map_err(|error| unsendable(error.into()))?;
    let payload = Payload::framed(compressed, request.body().clone())
        .ok_or_else(|| unsendable("a gRPC message is at most 4 GiB".into()))?;
    let mut call = Request::new(payload);
    *call.method_mut() = Method::POST;
    *call.uri_mut() = uri;
    *call.version_mut() = Version::HTTP_2;
    *call.headers_mut() = headers;
    Ok(call)
}

/// The path of a signal's service (GRPC-01). The endpoint's own path has no part in it (URL-10).
fn service_path(signal: Signal) -> Result<&'static str, BoxError> {
    Ok(match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        _ => return Err(format!("there is no OTLP/gRPC service for {signal}").into()),
    })
}
