//! What both layers can be told, and how a span is begun by it. Knows neither the attributes of a server nor those of a
//! client; see `server` and `client`.

use crate::attributes::Captured;
use crate::failure::foreign;
use crate::headers::{HeaderExtractor, HeaderInjector};
use crate::method::KnownMethods;
use crate::name::Name;
use crate::redact::Sensitive;
use crate::{grpc, keys, method};
use http::request::Parts;
use http::{HeaderMap, HeaderName, response};
use otlp::propagation::TextMapPropagator;
use otlp::{Client, InstrumentationScope, KeyValue, Span, SpanKind, TraceContext, Tracer};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

type Admits = dyn Fn(&Parts) -> bool + Send + Sync;
type Label = dyn for<'a> Fn(&'a Parts) -> Option<Cow<'a, str>> + Send + Sync;
type OnRequest = dyn Fn(&mut Span, &Parts) + Send + Sync;
type OnResponse = dyn Fn(&mut Span, &response::Parts) + Send + Sync;

#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) tracer: Tracer,
    propagator: Arc<dyn TextMapPropagator>,
    /// The headers that the propagator may set.
    fields: Vec<HeaderName>,
    pub(crate) filter: Option<Arc<Admits>>,
    /// The route of a server, the template of a client.
    pub(crate) label: Option<Arc<Label>>,
    pub(crate) on_request: Option<Arc<OnRequest>>,
    pub(crate) on_response: Option<Arc<OnResponse>>,
    pub(crate) request_headers: Vec<Captured>,
    pub(crate) response_headers: Vec<Captured>,
    pub(crate) sensitive: Sensitive,
    pub(crate) methods: KnownMethods,
}

impl Options {
    pub(crate) fn new(client: &Client) -> Self {
        let scope = InstrumentationScope {
            schema_url: keys::SCHEMA_URL.into(),
            ..InstrumentationScope::new(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION"))
        };
        Self {
            tracer: client.tracer_with_scope(&scope),
            propagator: Arc::clone(client.propagator()),
            fields: fields(&**client.propagator()),
            filter: None,
            label: None,
            on_request: None,
            on_response: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            sensitive: Sensitive::default(),
            methods: KnownMethods::default(),
        }
    }

    pub(crate) fn set_propagator(&mut self, propagator: Arc<dyn TextMapPropagator>) {
        self.fields = fields(&*propagator);
        self.propagator = propagator;
    }

    /// Whether the request is to be traced.
    pub(crate) fn admits(&self, request: &Parts) -> bool {
        self.filter.as_ref().is_none_or(|filter| foreign(|| filter(request)).unwrap_or(true))
    }

    pub(crate) fn label<'a>(&self, request: &'a Parts) -> Option<Cow<'a, str>> {
        self.label.as_ref().and_then(|label| foreign(|| label(request)).flatten())
    }

    /// What the request's span is called: by its method, and the label where there is one.
    pub(crate) fn name<'a>(&self, request: &'a Parts, is_call: bool, label: Option<&str>) -> Name<'a> {
        if is_call {
            return Name::new(grpc::method(request.uri.path()), None);
        }
        Name::new(self.methods.known(&request.method).unwrap_or(method::OTHER_IN_NAME), label)
    }

    /// The context in these headers, or an empty one.
    pub(crate) fn extract(&self, headers: &HeaderMap) -> TraceContext {
        let none = TraceContext::default();
        foreign(|| self.propagator.extract(&none, &HeaderExtractor(headers))).unwrap_or(none)
    }

    /// Writes the context, in the place of another: a request that is passed on has the headers it came with.
    pub(crate) fn inject(&self, context: &TraceContext, headers: &mut HeaderMap) {
        foreign(|| {
            if context.is_valid() && !headers.is_empty() {
                self.fields.iter().for_each(|field| drop(headers.remove(field)));
            }
            self.propagator.inject(context, &mut HeaderInjector(headers));
        });
    }

    /// Begins a span. It is described only if somebody is going to see that: the receiver, or the sampler.
    pub(crate) fn begin<D: Describe>(
        &self,
        name: &Name<'_>,
        kind: SpanKind,
        parent: &TraceContext,
        describe: &D,
    ) -> Span {
        if !self.tracer.sampler_looks_at_span() {
            let mut span = self.tracer.start_with_context(name, kind, parent);
            if span.is_recording() {
                describe.describe(&mut span);
            }
            return span;
        }
        let mut attributes: Vec<KeyValue> = Vec::new();
        describe.describe(&mut attributes);
        let builder = self.tracer.span(name.as_ref()).kind(kind).parent(parent);
        let builder = attributes
            .into_iter()
            .fold(builder, |builder, KeyValue { key, value }| builder.attribute(key, value));
        builder.start()
    }
}

/// Says what a request is like.
pub(crate) trait Describe {
    fn describe(&self, to: &mut impl crate::attributes::Attributes);
}

/// What may have to be removed of a request that is passed on.
fn fields(propagator: &dyn TextMapPropagator) -> Vec<HeaderName> {
    let fields = foreign(|| propagator.fields().into_iter().filter_map(|field| field.parse().ok()).collect());
    fields.unwrap_or_default()
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("request_headers", &self.request_headers)
            .field("response_headers", &self.response_headers)
            .field("sensitive", &self.sensitive)
            .field("methods", &self.methods)
            .finish_non_exhaustive()
    }
}

/// The builder methods that the layers of servers and clients have in common.
macro_rules! common_options {
    () => {
        /// The tracer that starts the spans, instead of one whose scope is this crate.
        #[must_use]
        pub fn with_tracer(self, tracer: otlp::Tracer) -> Self {
            self.with(|options| options.tracer = tracer)
        }

        /// The propagator, instead of the client's.
        #[must_use]
        pub fn with_propagator(
            self,
            propagator: impl otlp::propagation::TextMapPropagator + 'static,
        ) -> Self {
            self.with(|options| options.set_propagator(std::sync::Arc::new(propagator)))
        }

        /// Which requests are traced; the others pass as though this layer were not there. Default: all.
        #[must_use]
        pub fn with_filter(
            self,
            filter: impl Fn(&http::request::Parts) -> bool + Send + Sync + 'static,
        ) -> Self {
            self.with(|options| options.filter = Some(std::sync::Arc::new(filter)))
        }

        /// Is called with each span that records, after its attributes are set and before the request goes on. Default:
        /// nothing.
        #[must_use]
        pub fn with_on_request(
            self,
            hook: impl Fn(&mut otlp::Span, &http::request::Parts) + Send + Sync + 'static,
        ) -> Self {
            self.with(|options| options.on_request = Some(std::sync::Arc::new(hook)))
        }

        /// Is called with each span that records when the head of the response is there, after its attributes are set.
        /// What an inner service puts into the response's extensions can become attributes here. Default: nothing.
        #[must_use]
        pub fn with_on_response(
            self,
            hook: impl Fn(&mut otlp::Span, &http::response::Parts) + Send + Sync + 'static,
        ) -> Self {
            self.with(|options| options.on_response = Some(std::sync::Arc::new(hook)))
        }

        /// Headers of requests that become attributes, `http.request.header.<name>`; in gRPC
        /// `rpc.request.metadata.<name>`. They may hold secrets. Default: none.
        #[must_use]
        pub fn with_request_headers(self, names: impl IntoIterator<Item = http::HeaderName>) -> Self {
            let wanted = names.into_iter().map(crate::attributes::Captured::request).collect();
            self.with(|options| options.request_headers = wanted)
        }

        /// Headers of responses that become attributes, `http.response.header.<name>`; in gRPC
        /// `rpc.response.metadata.<name>`. They may hold secrets. Default: none.
        #[must_use]
        pub fn with_response_headers(self, names: impl IntoIterator<Item = http::HeaderName>) -> Self {
            let wanted = names.into_iter().map(crate::attributes::Captured::response).collect();
            self.with(|options| options.response_headers = wanted)
        }

        /// Query parameters whose values are replaced by `REDACTED` in `url.query` and `url.full`. Letter case counts.
        /// Default: the conventions' list, which this replaces: `AWSAccessKeyId`, `Signature`, `X-Amz-Credential`,
        /// `X-Amz-Security-Token`, `X-Amz-Signature`, `X-Goog-Signature`, `sig`.
        #[must_use]
        pub fn with_sensitive_query_parameters(
            self,
            names: impl IntoIterator<Item = impl Into<String>>,
        ) -> Self {
            self.with(|options| options.sensitive = crate::redact::Sensitive::new(names))
        }

        /// The HTTP methods that are known; any other is `_OTHER` and `HTTP` in the span's name, so that no caller can make
        /// names without end. Default: those of RFC 9110, and `PATCH`.
        #[must_use]
        pub fn with_known_methods(self, methods: impl IntoIterator<Item = impl Into<String>>) -> Self {
            self.with(|options| options.methods = crate::method::KnownMethods::new(methods))
        }

        fn with(mut self, change: impl FnOnce(&mut crate::options::Options)) -> Self {
            change(std::sync::Arc::make_mut(&mut self.options));
            self
        }
    };
}

pub(crate) use common_options;
