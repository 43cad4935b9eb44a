//! The layer for servers: a span of kind server for each request, under the caller's span.

use crate::attributes::{Attributes, Captured, text};
use crate::body::ResponseBody;
use crate::exchange::{Exchange, Side, put_version};
use crate::failure::foreign;
use crate::future::ResponseFuture;
use crate::host::{Forwarded, Host};
use crate::options::{Describe, Options, common_options};
use crate::{grpc, keys, method};
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use otlp::{Client, SpanKind};
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

type Peer = dyn Fn(&Parts) -> Option<SocketAddr> + Send + Sync;

/// Traces the requests of an HTTP or gRPC server.
///
/// The span continues the caller's trace, if the request's headers name one; otherwise it begins a new one, whatever is
/// current where the server runs. It is current while the inner service works, and while the body of the response is made.
/// It ends when the body has ended, has failed, or is dropped: that is when the client has it all, or has gone away.
///
/// | | HTTP | gRPC |
/// |---|---|---|
/// | name | `GET /users/{id}`; without a route `GET` | `package.Service/Method` |
/// | an error | status 5xx, an error of the inner service or body, a panic, a dropped response | `UNKNOWN`, `DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE`, `DATA_LOSS`, an error of the inner service or body, a panic |
/// | `error.type` | `500`, the error's type, `panic`, `cancelled` | the code, the error's type, `panic` |
///
/// A request is gRPC if it is a `POST` whose content type is `application/grpc`.
///
/// - **Position**: as far out as possible, outside of timeouts and of what catches panics, so that their answers are seen;
///   but inside of what finds the route, if the span is to be named by it. In axum that is `Router::layer`.
/// - **Clone**: clones share what they were told.
/// - **Readiness**: that of the inner service; a service that fails to become ready makes no span.
///
/// ```
/// use http::header::HeaderName;
/// use otlp_tower::TraceServerLayer;
/// use tower::ServiceBuilder;
/// # #[derive(Clone)] struct MatchedPath(String);
/// # impl MatchedPath { fn as_str(&self) -> &str { &self.0 } }
/// # #[derive(Clone)] struct ConnectInfo<T>(T);
/// # use std::net::SocketAddr;
/// # fn f(client: otlp::Client) {
/// let layer = TraceServerLayer::new(&client)
///     .with_filter(|request| request.uri.path() != "/healthz")
///     // axum::extract::MatchedPath
///     .with_route(|request| request.extensions.get::<MatchedPath>().map(|path| path.as_str().into()))
///     // axum::extract::ConnectInfo
///     .with_peer(|request| request.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0))
///     .with_request_headers([HeaderName::from_static("x-request-id")])
///     .with_response_headers([http::header::ETAG])
///     .with_sensitive_query_parameters(["token", "sig"])
///     .with_known_methods(["GET", "POST", "PURGE"])
///     .with_scheme("https")
///     .with_forwarded_headers(true)
///     .with_tracer(client.tracer("shop"))
///     .with_propagator(otlp::propagation::TraceContextPropagator)
///     .with_on_request(|span, request| {
///         span.set_attribute("url.path.length", request.uri.path().len());
///     })
///     .with_on_response(|span, response| {
///         span.set_attribute("cached", response.headers.contains_key("age"));
///     });
/// let service = ServiceBuilder::new().layer(layer).service_fn(|_: http::Request<String>| async {
///     Ok::<_, std::convert::Infallible>(http::Response::new(String::from("hello")))
/// });
/// # drop(service);
/// # }
/// ```
#[derive(Clone)]
pub struct TraceServerLayer {
    options: Arc<Options>,
    server: Arc<ServerOptions>,
}

/// What only a server can be told.
#[derive(Clone)]
struct ServerOptions {
    peer: Option<Arc<Peer>>,
    scheme: Cow<'static, str>,
    is_forwarded: bool,
}

impl TraceServerLayer {
    /// Traces with this client: a tracer of it whose scope is this crate, and its propagator.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        let server = ServerOptions { peer: None, scheme: Cow::Borrowed("http"), is_forwarded: false };
        Self { options: Arc::new(Options::new(client)), server: Arc::new(server) }
    }

    /// How to find the route of a request, a template such as `/users/{id}`, among what a router left in the request's
    /// extensions. It becomes `http.route` and a part of the span's name. The path itself is no route: there are too many.
    /// Default: no route.
    #[must_use]
    pub fn with_route(
        self,
        route: impl for<'a> Fn(&'a Parts) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.label = Some(Arc::new(route)))
    }

    /// How to find the address of the peer, which the server left in the request's extensions. It becomes
    /// `network.peer.address` and `.port`, and `client.address` unless a proxy tells better. Default: none.
    #[must_use]
    pub fn with_peer(self, peer: impl Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static) -> Self {
        self.with_server(|server| server.peer = Some(Arc::new(peer)))
    }

    /// The `url.scheme` of requests that do not tell theirs, as those of HTTP/1.1 do not. Default `http`.
    #[must_use]
    pub fn with_scheme(self, scheme: impl Into<Cow<'static, str>>) -> Self {
        self.with_server(|server| server.scheme = scheme.into())
    }

    /// Whether to believe `Forwarded` and `X-Forwarded-…` headers about client, host and scheme: right behind a proxy that
    /// sets them, wrong where clients connect themselves, since they can write anything there. Default: no.
    #[must_use]
    pub fn with_forwarded_headers(self, believed: bool) -> Self {
        self.with_server(|server| server.is_forwarded = believed)
    }

    common_options!();

    fn with_server(mut self, change: impl FnOnce(&mut ServerOptions)) -> Self {
        change(Arc::make_mut(&mut self.server));
        self
    }
}

impl fmt::Debug for TraceServerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceServerLayer")
            .field("options", &self.options)
            .field("scheme", &self.server.scheme)
            .field("is_forwarded", &self.server.is_forwarded)
            .finish_non_exhaustive()
    }
}

impl<S> Layer<S> for TraceServerLayer {
    type Service = TraceServer<S>;

    fn layer(&self, inner: S) -> TraceServer<S> {
        TraceServer { inner, layer: self.clone() }
    }
}

/// The service of [`TraceServerLayer`].
#[derive(Debug, Clone)]
pub struct TraceServer<S> {
    inner: S,
    layer: TraceServerLayer,
}

impl<S, Q, B> Service<Request<Q>> for TraceServer<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
    S::Error: fmt::Display + 'static,
    B: Body,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let exchange = self.layer.begin(&parts);
        ResponseFuture::of(exchange, || self.inner.call(Request::from_parts(parts, body)))
    }
}

impl TraceServerLayer {
    fn begin(&self, request: &Parts) -> Option<Exchange> {
        let options = &self.options;
        if !options.admits(request) {
            return None;
        }
        // Nothing that is current counts as a parent: on a connection's task that would be what the server was started
        // with, and all requests would be its children.
        let parent = options.extract(&request.headers);
        let is_call = grpc::is_call(request);
        let route = if is_call { None } else { options.label(request) };
        let route = route.as_deref();
        let name = options.name(request, is_call, route);
        let describe = Incoming { layer: self, request, is_call, route };
        let span = options.begin(&name, SpanKind::Server, &parent, &describe);
        Some(Exchange::new(span, options, Side::Server, is_call, request))
    }
}

/// A request as its server sees it.
struct Incoming<'a> {
    layer: &'a TraceServerLayer,
    request: &'a Parts,
    is_call: bool,
    route: Option<&'a str>,
}

impl Describe for Incoming<'_> {
    fn describe(&self, to: &mut impl Attributes) {
        let Self { layer, request, .. } = *self;
        let forwarded = if layer.server.is_forwarded { Forwarded::of(request) } else { Forwarded::default() };
        if self.is_call {
            to.text(&keys::RPC_SYSTEM_NAME, "grpc");
            to.text(&keys::RPC_METHOD, grpc::method(request.uri.path()));
        } else {
            self.describe_http(&forwarded, to);
        }
        let host = forwarded.host.and_then(Host::parse);
        if let Some(host) = host.or_else(|| Host::of(&request.uri, &request.headers)) {
            to.text(&keys::SERVER_ADDRESS, host.address);
            if let Some(port) = host.port {
                to.number(&keys::SERVER_PORT, port);
            }
        }
        self.describe_peer(&forwarded, to);
        Captured::put(&layer.options.request_headers, &request.headers, self.is_call, to);
    }
}

impl Incoming<'_> {
    fn describe_http(&self, forwarded: &Forwarded<'_>, to: &mut impl Attributes) {
        let Self { layer, request, .. } = *self;
        method::put(&layer.options.methods, &request.method, to);
        if let Some(route) = self.route {
            to.text(&keys::HTTP_ROUTE, route);
        }
        let scheme = forwarded.scheme.or_else(|| request.uri.scheme_str()).unwrap_or(&layer.server.scheme);
        to.text(&keys::URL_SCHEME, scheme);
        to.text(&keys::URL_PATH, request.uri.path());
        if let Some(query) = request.uri.query() {
            to.text(&keys::URL_QUERY, &layer.options.sensitive.query(query));
        }
        put_version(request.version, to);
        if let Some(agent) = request.headers.get(USER_AGENT).and_then(text) {
            to.text(&keys::USER_AGENT_ORIGINAL, agent);
        }
    }

    fn describe_peer(&self, forwarded: &Forwarded<'_>, to: &mut impl Attributes) {
        let peer = self.layer.server.peer.as_ref().and_then(|peer| foreign(|| peer(self.request)).flatten());
        let address = peer.map(|peer| peer.ip().to_string());
        if let Some(client) = forwarded.client.or(address.as_deref()).filter(|_| !self.is_call) {
            to.text(&keys::CLIENT_ADDRESS, client);
        }
        if let (Some(peer), Some(address)) = (peer, &address) {
            to.text(&keys::NETWORK_PEER_ADDRESS, address);
            to.number(&keys::NETWORK_PEER_PORT, peer.port());
        }
    }
}
