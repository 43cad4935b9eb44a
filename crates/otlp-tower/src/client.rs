//! The layer for clients: a span of kind client for each request, and its context in the request's headers.

use crate::attributes::{Attributes, Captured};
use crate::body::ResponseBody;
use crate::exchange::{Exchange, Side};
use crate::future::ResponseFuture;
use crate::host::Host;
use crate::options::{Describe, Options, common_options};
use crate::{grpc, keys, method};
use http::header::HOST;
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use otlp::{Client, SpanKind, TraceContext};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// How many times this request was sent before, for `http.request.resend_count`: an extension of the request, for whoever
/// sends it again to set. None, or 0, is no attribute.
///
/// ```
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(otlp_tower::ResendCount(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResendCount(pub u32);

/// Traces the requests of an HTTP or gRPC client, and lets the server continue the trace.
///
/// The span is a child of the context that is current when the service is called, and current while the inner service works
/// and the response's body is read. It ends when the body has ended or failed; also when the response is dropped before,
/// which is no error, since an application may have read enough.
///
/// | | HTTP | gRPC |
/// |---|---|---|
/// | name | `GET`; with a template `GET /users/{id}` | `package.Service/Method` |
/// | an error | status 4xx and 5xx, an error of the inner service or body, a panic, a dropped future | every code but `OK`, and the same |
/// | `error.type` | `404`, the error's type, `panic`, `cancelled` | the code, the error's type, `panic`; when dropped `CANCELLED` |
///
/// A request is gRPC if it is a `POST` whose content type is `application/grpc`.
///
/// - **Position**: below retries and redirects there is a span for each time a request is sent, as the conventions prefer, for
///   which [`ResendCount`] counts; above them there is one span for all. Above timeouts, so that they are seen.
/// - **Clone**: clones share what they were told.
/// - **Readiness**: that of the inner service; a service that fails to become ready makes no span.
///
/// ```
/// use otlp_tower::TraceClientLayer;
/// use tower::ServiceBuilder;
/// # #[derive(Clone)] struct Template(&'static str);
/// # fn f(client: otlp::Client) {
/// let layer = TraceClientLayer::new(&client)
///     .with_filter(|request| request.uri.host() != Some("metadata.internal"))
///     .with_template(|request| request.extensions.get::<Template>().map(|template| template.0.into()))
///     .with_authority("inventory.internal:50051");
/// let service = ServiceBuilder::new().layer(layer).service_fn(|request: http::Request<String>| async move {
///     assert!(request.headers().contains_key("traceparent"));
///     Ok::<_, std::convert::Infallible>(http::Response::new(String::from("hello")))
/// });
/// # drop(service);
/// # }
/// ```
///
/// The other options are those of [`TraceServerLayer`](crate::TraceServerLayer).
#[derive(Debug, Clone)]
pub struct TraceClientLayer {
    options: Arc<Options>,
    authority: Option<Arc<str>>,
}

impl TraceClientLayer {
    /// Traces with this client: a tracer of it whose scope is this crate, and its propagator.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { options: Arc::new(Options::new(client)), authority: None }
    }

    /// How to find the template of a request's URL, such as `/users/{id}`, among its extensions. It becomes `url.template`
    /// and a part of the span's name. Default: none.
    #[must_use]
    pub fn with_template(
        self,
        template: impl for<'a> Fn(&'a Parts) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    ) -> Self {
        self.with(|options| options.label = Some(Arc::new(template)))
    }

    /// The server, `host` or `host:port`, of requests that do not name theirs, as those of a tonic client above its channel
    /// do not. Default: none, and such spans lack `server.address`.
    #[must_use]
    pub fn with_authority(self, authority: impl Into<Arc<str>>) -> Self {
        Self { authority: Some(authority.into()), ..self }
    }

    common_options!();
}

impl<S> Layer<S> for TraceClientLayer {
    type Service = TraceClient<S>;

    fn layer(&self, inner: S) -> TraceClient<S> {
        TraceClient { inner, layer: self.clone() }
    }
}

/// The service of [`TraceClientLayer`].
#[derive(Debug, Clone)]
pub struct TraceClient<S> {
    inner: S,
    layer: TraceClientLayer,
}

impl<S, Q, B> Service<Request<Q>> for TraceClient<S>
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
        let (mut parts, body) = request.into_parts();
        let exchange = self.layer.begin(&mut parts);
        ResponseFuture::of(exchange, || self.inner.call(Request::from_parts(parts, body)))
    }
}

impl TraceClientLayer {
    /// Begins the span of a request, unless it is not to be traced, and puts its context into the headers.
    pub(crate) fn begin(&self, request: &mut Parts) -> Option<Exchange> {
        let options = &self.options;
        if !options.admits(request) {
            return None;
        }
        let parent = TraceContext::current().unwrap_or_default();
        let is_call = grpc::is_call(request);
        let template = if is_call { None } else { options.label(request) };
        let template = template.as_deref();
        let name = options.name(request, is_call, template);
        let describe = Outgoing { layer: self, request, is_call, template };
        let span = options.begin(&name, SpanKind::Client, &parent, &describe);
        let exchange = Exchange::new(span, options, Side::Client, is_call, request);
        options.inject(exchange.context(), &mut request.headers);
        Some(exchange)
    }
}

/// A request as its client sees it.
struct Outgoing<'a> {
    layer: &'a TraceClientLayer,
    request: &'a Parts,
    is_call: bool,
    template: Option<&'a str>,
}

impl Describe for Outgoing<'_> {
    fn describe(&self, to: &mut impl Attributes) {
        let Self { layer, request, is_call, .. } = *self;
        if is_call {
            to.text(&keys::RPC_SYSTEM_NAME, "grpc");
            to.text(&keys::RPC_METHOD, grpc::method(request.uri.path()));
        } else {
            self.describe_http(to);
        }
        let configured = || layer.authority.as_deref().and_then(Host::parse);
        if let Some(host) = Host::of(&request.uri, &request.headers).or_else(configured) {
            to.text(&keys::SERVER_ADDRESS, host.address);
            let usual = if is_call { None } else { usual_port(request.uri.scheme_str()) };
            if let Some(port) = host.port.or(usual) {
                to.number(&keys::SERVER_PORT, port);
            }
        }
        Captured::put(&layer.options.request_headers, &request.headers, is_call, to);
    }
}

impl Outgoing<'_> {
    fn describe_http(&self, to: &mut impl Attributes) {
        let Self { layer, request, .. } = *self;
        method::put(&layer.options.methods, &request.method, to);
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or(layer.authority.as_deref());
        to.text(&keys::URL_FULL, &layer.options.sensitive.full(&request.uri, host));
        if let Some(template) = self.template {
            to.text(&keys::URL_TEMPLATE, template);
        }
        if let Some(ResendCount(count @ 1..)) = request.extensions.get() {
            to.number(&keys::HTTP_REQUEST_RESEND_COUNT, *count);
        }
    }
}

fn usual_port(scheme: Option<&str>) -> Option<u16> {
    match scheme {
        None | Some("http" | "ws") => Some(80),
        Some("https" | "wss") => Some(443),
        Some(_) => None,
    }
}
