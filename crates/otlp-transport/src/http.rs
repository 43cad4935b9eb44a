//! The OTLP/HTTP terminal: one POST per request, over HTTP/1.1 with keep-alive.
//!
//! The innermost service of the stack when the protocol is HTTP, for protobuf and JSON bodies alike. It neither encodes,
//! nor compresses, nor retries, nor measures time, and it never follows a redirect; the layers above do the former.

mod answer;

use crate::client::Client;
use crate::connect::Checked;
use crate::payload::Payload;
use crate::pool::Protocol;
use crate::{
    Alpn, BoxError, Connect, Connector, Endpoint, ExportFuture, PoolConfig, PoolConfigError, PoolHandle,
    RequestTooLarge, metadata,
};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT,
};
use http::{Method, Request, Uri};
use otlp_model::{DropReason, Encoding, ExportRequest, ExportResponse, Format, Undelivered};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;
use tower::{Service, ServiceExt};

/// Sends requests over OTLP/HTTP.
///
/// Each request is one POST (HTTP-01) to [`Endpoint::signal_path`], with the body, serialization format and encoding the
/// request has. Any 2xx is a success, whatever can be read of its body (DEC-16, PART-08); everything else is an error
/// that [`classify`](crate::classify) reads. Redirects are not followed (HTTP-20).
///
/// Connections are opened as needed, kept for 90 s of idleness and used again (HTTP-06), within the bounds of a
/// [`PoolConfig`]. Dropping a call's future closes its connection.
///
/// - **Position**: innermost.
/// - **Clone**: shares the connections.
/// - **Readiness**: always ready; a request waits for its connection in its future. Bound the requests in flight with a
///   layer above.
///
/// Must be called within a tokio runtime.
///
/// ```
/// use otlp_model::{ExportRequest, Signal};
/// use otlp_transport::{ConnectError, Endpoint, Http};
/// use tower::ServiceExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint: Endpoint = "unix:///nowhere/otlp.sock".parse()?;
/// let request = ExportRequest::new(Signal::Logs, 0, bytes::Bytes::new());
/// let error = Http::new(endpoint).oneshot(request).await.unwrap_err();
/// assert!(error.is::<ConnectError>(), "{error}");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Http<C = Connector> {
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

impl Http {
    /// A terminal for `endpoint`, over TCP or a unix domain socket. Does not connect yet.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self::with_connector(endpoint, Connector::new())
    }
}

impl<C: Connect> Http<C> {
    /// A terminal for `endpoint` over the connections of `connector`. Does not connect yet.
    pub fn with_connector(endpoint: Endpoint, connector: C) -> Self {
        let mut headers = HeaderMap::with_capacity(8);
        if let Ok(host) = HeaderValue::from_str(endpoint.authority()) {
            headers.insert(HOST, host);
        }
        headers.insert(USER_AGENT, metadata::AGENT);
        if let Some(encodings) = metadata::DECODABLE {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encodings));
        }
        let connector = Checked::new(&endpoint, Alpn::Http1, connector);
        let client = Client::new(endpoint.clone(), connector, Protocol::Http1);
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
    /// use otlp_transport::{Endpoint, Http, PoolConfig};
    /// let config = PoolConfig { max_connections: 4, ..PoolConfig::default() };
    /// let http = Http::new(Endpoint::default_http()).with_pool(config)?;
    /// assert_eq!(http.pool().stats().idle_connections, 0, "nothing is opened yet");
    /// # Ok::<(), otlp_transport::PoolConfigError>(())
    /// ```
    pub fn with_pool(mut self, config: PoolConfig) -> Result<Self, PoolConfigError> {
        self.client = self.client.with_pool(config)?;
        Ok(self)
    }
}

impl<C> Http<C> {
    /// A view on the connections: their numbers, and a way to open some ahead of the first request.
    #[must_use]
    pub fn pool(&self) -> PoolHandle {
        self.client.pool()
    }

    /// The largest request sent, in bytes before compression; 64 MiB by default (HTTP-18). A larger one fails with
    /// [`RequestTooLarge`] and is not sent.
    #[must_use]
    pub fn with_max_request_size(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.options).max_request_size = bytes;
        self
    }

    /// The largest response read, in bytes before and after decompression; 4 MiB by default (HTTP-17). A larger one
    /// fails with [`ResponseTooLarge`](crate::ResponseTooLarge).
    #[must_use]
    pub fn with_max_response_size(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.options).max_response_size = bytes;
        self
    }
}

impl<C: Connect> Service<ExportRequest> for Http<C> {
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
            let (signal, items, format) = (request.signal(), request.items(), request.format());
            let response = client.oneshot(to_http(&options, request)?).await?;
            let question = answer::Question { signal, items, format, endpoint: &options.endpoint };
            answer::read(response, question, options.max_response_size, wall_clock()).await
        })
    }
}

/// `request` as a POST to its signal's path.
fn to_http(options: &Options, request: ExportRequest) -> Result<Request<Payload>, BoxError> {
    let unsendable = |error: BoxError| BoxError::from(Undelivered::new(DropReason::EncodeFailed, error));
    if request.raw_len() > options.max_request_size {
        let error = RequestTooLarge { size: request.raw_len(), limit: options.max_request_size };
        return Err(Undelivered::new(DropReason::TooLarge, error).into());
    }
    // In origin form; the authority is in `Host`.
    let uri = Uri::try_from(options.endpoint.signal_path(request.signal()))
        .map_err(|error| unsendable(error.into()))?;
    let mut headers = options.headers.clone();
    let content_type = match request.format() {
        Format::Protobuf => "application/x-protobuf",
        Format::Json => "application/json",
        other => return Err(unsendable(format!("OTLP/HTTP has no content type for {other:?}").into())),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body().len()));
    if request.encoding() != Encoding::Identity {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(request.encoding().as_str()));
    }
    metadata::add_user_headers(&mut headers, request.headers()).map_err(|error| unsendable(error.into()))?;
    let mut post = Request::new(Payload::plain(request.body().clone()));
    *post.method_mut() = Method::POST;
    *post.uri_mut() = uri;
    *post.headers_mut() = headers;
    Ok(post)
}

/// The time against which a `Retry-After` date is read.
#[expect(
    clippy::disallowed_methods,
    reason = "an HTTP date means the wall clock; the pure decoder takes it as an argument"
)]
fn wall_clock() -> SystemTime {
    SystemTime::now()
}
