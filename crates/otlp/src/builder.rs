//! The client's builder: every option, its default, and what it may be.
//!
//! `build` checks everything and touches no network: a receiver that is down is no reason to fail (conformance
//! SURV-23). A value that can't work is refused with an error that names the option.

use crate::client::Client;
use crate::config::{
    BatchConfig, CircuitBreakerConfig, Concurrency, MemoryPoolConfig, Protocol, RetryBudgetConfig,
    RetryConfig, SerializationFormat,
};
use crate::connection_pool::PoolOptions;
use crate::decision::Decider;
use crate::error::Error;
use crate::slot::{ConnectorSlot, ServiceSlot};
use otlp_batch::OverflowPolicy;
use otlp_model::{AnyValue, ExportRequest, ExportResponse, Limits, Resource};
use otlp_sampling::Sampler;
use otlp_transport::{
    AuthLayer, BearerTokenFile, BoxConnector, BoxError, BoxExportService, Compression, Connection,
    Credentials, Endpoint, Target,
};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tower::{Layer, Service};

/// Builds a [`Client`].
///
/// ```
/// use otlp::{BatchConfig, Client, Compression};
/// use std::time::Duration;
/// # async fn f() -> Result<(), otlp::Error> {
/// let client = Client::builder()
///     .with_endpoint("http://localhost:4317")
///     .with_service_name("checkout")
///     .with_compression(Compression::Gzip)
///     .with_request_timeout(Duration::from_secs(10))
///     .with_batch_config(BatchConfig { max_batch_size: 500, ..BatchConfig::default() })
///     .build()
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "the client starts with `build`"]
pub struct ClientBuilder {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) format: SerializationFormat,
    pub(crate) service_name: Option<Cow<'static, str>>,
    pub(crate) resource: Option<Resource>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) credentials: Option<AuthLayer>,
    pub(crate) token_file: Option<BearerTokenFile>,
    pub(crate) compression: Compression,
    pub(crate) proxy: ProxyChoice,
    #[cfg(feature = "_tls")]
    pub(crate) tls: crate::tls::TlsOptions,
    pub(crate) pool: PoolOptions,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) export_timeout: Duration,
    pub(crate) flush_timeout: Duration,
    pub(crate) drop_timeout: Duration,
    pub(crate) batch: BatchConfig,
    pub(crate) max_request_bytes: usize,
    pub(crate) max_in_flight: usize,
    pub(crate) concurrency: Concurrency,
    pub(crate) retry: RetryConfig,
    pub(crate) retry_budget: RetryBudgetConfig,
    pub(crate) circuit_breaker: CircuitBreakerConfig,
    pub(crate) max_server_delay: Duration,
    pub(crate) memory: MemoryPoolConfig,
    pub(crate) overflow: OverflowPolicy,
    pub(crate) async_export: bool,
    pub(crate) sampler: Decider,
    pub(crate) limits: Limits,
    pub(crate) batch_layers: ServiceSlot,
    pub(crate) attempt_layers: ServiceSlot,
    pub(crate) connector_layers: ConnectorSlot,
}

/// Where the client's proxy comes from.
pub(crate) enum ProxyChoice {
    Environment,
    Off,
    /// May hold a password.
    Url(String),
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            endpoint: None,
            protocol: None,
            format: SerializationFormat::default(),
            service_name: None,
            resource: None,
            headers: Vec::new(),
            credentials: None,
            token_file: None,
            compression: Compression::None,
            proxy: ProxyChoice::Environment,
            #[cfg(feature = "_tls")]
            tls: crate::tls::TlsOptions::default(),
            pool: PoolOptions::default(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            export_timeout: Duration::from_secs(300),
            flush_timeout: Duration::from_secs(30),
            drop_timeout: Duration::from_secs(5),
            batch: BatchConfig::default(),
            max_request_bytes: 2 * 1024 * 1024,
            max_in_flight: 8,
            concurrency: Concurrency::default(),
            retry: RetryConfig::default(),
            retry_budget: RetryBudgetConfig::default(),
            circuit_breaker: CircuitBreakerConfig::default(),
            max_server_delay: Duration::from_secs(120),
            memory: MemoryPoolConfig::default(),
            overflow: OverflowPolicy::DropNewest,
            async_export: true,
            sampler: Decider::default(),
            limits: Limits::default(),
            batch_layers: ServiceSlot::default(),
            attempt_layers: ServiceSlot::default(),
            connector_layers: ConnectorSlot::default(),
        }
    }
}

impl ClientBuilder {
    /// Where to send: `https://host:port`, `http://host:port`, `host:port`, or `unix:///path/to.sock`.
    ///
    /// Default `http://localhost:4317` for gRPC and `http://localhost:4318` for HTTP. Over HTTP a path is the base to
    /// which `v1/traces`, `v1/metrics` and `v1/logs` are appended. The scheme decides
    /// on TLS (conformance GRPC-15, HTTP-21); `host:port` is clear text unless
    /// [`with_tls_config`](Self::with_tls_config) is there. Without a TLS feature `https` is refused.
    pub fn with_endpoint(self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(endpoint.into()), ..self }
    }

    /// gRPC or HTTP. Default: HTTP if [`with_serialization_format`](Self::with_serialization_format) asks for JSON,
    /// else gRPC (HTTP if the feature `grpc` is off).
    pub fn with_protocol(self, protocol: Protocol) -> Self {
        Self { protocol: Some(protocol), ..self }
    }

    /// Protobuf, the default, or JSON (over HTTP only).
    pub fn with_serialization_format(self, format: SerializationFormat) -> Self {
        Self { format, ..self }
    }

    /// The `service.name` of the resource, whatever else the resource holds. Default
    /// `unknown_service:<executable>` (conformance RES-03).
    pub fn with_service_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { service_name: Some(name.into()), ..self }
    }

    /// The resource, used as given: the default one is not merged in (conformance RES-14); see
    /// [`default_resource`](crate::default_resource).
    pub fn with_resource(self, resource: Resource) -> Self {
        Self { resource: Some(resource), ..self }
    }

    /// A header (over gRPC: metadata) of every request, for example an API key. Values are secrets: no log, `Debug`
    /// output or error shows them. Headers that frame the request can't be set.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Where to get tokens that expire: a closure, or a type of your own. Default: none.
    ///
    /// A token is fetched with the first request and kept, renewed ahead of its end while requests go on with the old
    /// one, and replaced when the receiver refuses it (401, `UNAUTHENTICATED`). Until there is one, requests wait, within
    /// their [`with_request_timeout`](Self::with_request_timeout), half of which a fetch may take; none is sent without.
    /// What can't be fetched is a failure that is retried, so the data is kept. Tokens are secrets, as headers are, and go
    /// before a [`with_header`](Self::with_header) of their name.
    ///
    /// The fetch runs on the client's own thread, where `tracing` is silent: it must not block.
    ///
    /// ```
    /// use otlp::{BoxError, Client, Token};
    /// use std::time::Duration;
    /// # async fn ask_the_token_endpoint() -> Result<(String, u64), BoxError> { Ok((String::new(), 3600)) }
    /// let builder = Client::builder().with_credentials(|| async {
    ///     let (access_token, expires_in) = ask_the_token_endpoint().await?;
    ///     Ok::<_, BoxError>(Token::bearer(&access_token)?.with_lifetime(Duration::from_secs(expires_in)))
    /// });
    /// ```
    pub fn with_credentials(self, credentials: impl Credentials) -> Self {
        Self { credentials: Some(AuthLayer::new(credentials)), ..self }
    }

    /// A file with the bearer token of every request, for something else to rotate. Default: none.
    ///
    /// It is read again every 10 s while requests are sent, and when the receiver refuses the token; a file that is missing
    /// or bad by then leaves the old token in use. When the client is built there must be a token in it. Use
    /// [`BearerTokenFile`] with [`with_credentials`](Self::with_credentials) to have neither.
    pub fn with_bearer_token_file(self, path: impl Into<PathBuf>) -> Self {
        Self { token_file: Some(BearerTokenFile::new(path)), ..self }
    }

    /// How requests are compressed. Default: not at all. Needs the feature `gzip` or `zstd`.
    pub fn with_compression(self, compression: Compression) -> Self {
        Self { compression, ..self }
    }

    /// The HTTP proxy to go through: `http://proxy:3128`, or `http://user:password@proxy:3128` with both percent-encoded.
    ///
    /// Default: as the environment says when the client is built, like other exporters. `HTTPS_PROXY` is for `https`
    /// endpoints, `HTTP_PROXY` for others, `ALL_PROXY` for both, also in lower case; endpoints in `NO_PROXY`, at `localhost`
    /// or at a loopback address have none. A proxy that is set here holds for every endpoint; only unix sockets never have one.
    ///
    /// The proxy is asked for a tunnel (CONNECT) to the endpoint, over which gRPC and HTTP go as without it. The password
    /// is a secret, as headers are.
    pub fn with_proxy(self, url: impl Into<String>) -> Self {
        Self { proxy: ProxyChoice::Url(url.into()), ..self }
    }

    /// No proxy, whatever the environment says; see [`with_proxy`](Self::with_proxy).
    pub fn without_proxy(self) -> Self {
        Self { proxy: ProxyChoice::Off, ..self }
    }

    /// How long making a connection may take, a proxy's answer and the TLS handshake included; above zero. Default 10 s.
    pub fn with_connect_timeout(self, timeout: Duration) -> Self {
        Self { connect_timeout: timeout, ..self }
    }

    /// How long one attempt may take, connecting included; above zero. Default 10 s.
    pub fn with_request_timeout(self, timeout: Duration) -> Self {
        Self { request_timeout: timeout, ..self }
    }

    /// How long a batch may be tried, all attempts and pauses together; above zero. Default 5 min.
    pub fn with_export_timeout(self, timeout: Duration) -> Self {
        Self { export_timeout: timeout, ..self }
    }

    /// How long [`Client::flush`] waits; above zero. Default 30 s.
    pub fn with_flush_timeout(self, timeout: Duration) -> Self {
        Self { flush_timeout: timeout, ..self }
    }

    /// How long dropping the last handle of the client may wait for delivery. Default 5 s; zero: not at all.
    pub fn with_drop_timeout(self, timeout: Duration) -> Self {
        Self { drop_timeout: timeout, ..self }
    }

    /// Batch size, delay, queue bound and strategy.
    pub fn with_batch_config(self, config: BatchConfig) -> Self {
        Self { batch: config, ..self }
    }

    /// The most bytes of a request before compression; between 1 KiB and 64 MiB. Default 2 MiB, half of what receivers
    /// take. A single item that is larger is dropped (`too_large`).
    pub fn with_max_request_bytes(self, bytes: usize) -> Self {
        Self { max_request_bytes: bytes, ..self }
    }

    /// How many requests of a signal may be under way at once, those waiting for a retry included; between 1
    /// and 1024. Default 8.
    pub fn with_max_in_flight(self, requests: usize) -> Self {
        Self { max_in_flight: requests, ..self }
    }

    /// Whether fewer attempts than that are made at once while the receiver is slow or pushes back. Default: they are.
    pub fn with_concurrency(self, concurrency: Concurrency) -> Self {
        Self { concurrency, ..self }
    }

    /// How failed exports are retried.
    pub fn with_retry_config(self, config: RetryConfig) -> Self {
        Self { retry: config, ..self }
    }

    /// How much load retries may add to what is sent anyway.
    pub fn with_retry_budget(self, config: RetryBudgetConfig) -> Self {
        Self { retry_budget: config, ..self }
    }

    /// When to stop sending to a receiver that is down, and how often to look whether it is back.
    pub fn with_circuit_breaker(self, config: CircuitBreakerConfig) -> Self {
        Self { circuit_breaker: config, ..self }
    }

    /// How long a receiver may tell the client to wait (`Retry-After`, `RetryInfo`); what it asks beyond that is not
    /// obeyed (conformance RETRY-11). Default 2 min; zero: such orders are ignored.
    pub fn with_max_server_delay(self, delay: Duration) -> Self {
        Self { max_server_delay: delay, ..self }
    }

    /// How much memory waiting telemetry may take.
    pub fn with_memory_pool_config(self, config: MemoryPoolConfig) -> Self {
        Self { memory: config, ..self }
    }

    /// What happens when the queue is full. Default: the newest item is dropped and counted.
    pub fn with_overflow_policy(self, policy: OverflowPolicy) -> Self {
        Self { overflow: policy, ..self }
    }

    /// `false`: `Span::end` waits until the span is delivered, at most for the flush timeout. Default `true`.
    pub fn with_async_export(self, asynchronous: bool) -> Self {
        Self { async_export: asynchronous, ..self }
    }

    /// Which spans are recorded and sent. Default: all, but children follow their parent. Which sampler to take is the
    /// subject of a page of its own, docs/sampling.md. A sampler's decision to record
    /// without sampling is the same as to drop: nothing in this client reads what is not sent.
    pub fn with_sampler(self, sampler: impl Sampler + 'static) -> Self {
        Self { sampler: Decider::new(sampler), ..self }
    }

    /// Limits of attributes, events and links. Default: the specification's. Values may nest at most
    /// [`Limits::MAX_DEPTH`] levels deep. Whatever the limits, a text or byte array in an attribute is cut where it would take
    /// more than half of a request ([`with_max_request_bytes`](Self::with_max_request_bytes); 1 MiB by default, counted in
    /// characters): one such value would cost its whole span, which could not be sent.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// A layer around the whole export of a batch: it sees the plain request once, whatever the number of attempts.
    /// The first one added is the outermost.
    ///
    /// Layers run on the client's own thread: one that blocks holds up everything, flushes too. `tracing` is silent
    /// there, so that exporting makes no telemetry about itself (conformance BATCH-26). Each signal has a stack of its
    /// own, so a layer is applied three times; what they share is what the layer shares between its services.
    ///
    /// ```
    /// use otlp::{Client, ExportRequest};
    /// let tag = tower::util::MapRequestLayer::new(|mut request: ExportRequest| {
    ///     request.add_header("x-team", "payments");
    ///     request
    /// });
    /// let builder = Client::builder().with_layer(tag);
    /// ```
    pub fn with_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxExportService> + Send + Sync + 'static,
        L::Service: Service<ExportRequest, Response = ExportResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<ExportRequest>>::Error: Into<BoxError>,
        <L::Service as Service<ExportRequest>>::Future: Send,
    {
        self.batch_layers.push(layer);
        self
    }

    /// A layer around every attempt: fault injection, rate limits; health checks pass it, too. The first one
    /// added is the outermost. What is said at [`with_layer`](Self::with_layer) holds here as well.
    pub fn with_attempt_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxExportService> + Send + Sync + 'static,
        L::Service: Service<ExportRequest, Response = ExportResponse> + Clone + Send + Sync + 'static,
        <L::Service as Service<ExportRequest>>::Error: Into<BoxError>,
        <L::Service as Service<ExportRequest>>::Future: Send,
    {
        self.attempt_layers.push(layer);
        self
    }

    /// A layer around the making of a connection: name resolution, sockets, counting. It stands above the proxy. The first one added is the
    /// outermost. It is applied once, for all signals, and runs on the client's own thread.
    pub fn with_connector_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<BoxConnector> + Send + Sync + 'static,
        L::Service: Service<Target, Response = Connection> + Clone + Send + Sync + 'static,
        <L::Service as Service<Target>>::Error: Into<BoxError>,
        <L::Service as Service<Target>>::Future: Send,
    {
        self.connector_layers.push(layer);
        self
    }

    /// Checks the options and starts the client: its thread, but no connection yet.
    ///
    /// # Errors
    ///
    /// A [`Configuration`](crate::ErrorKind::Configuration) error that names the option, or a
    /// [`Startup`](crate::ErrorKind::Startup) error if the thread could not be started.
    #[expect(clippy::unused_async, reason = "asynchronous for later: credentials and files may be read here")]
    pub async fn build(self) -> Result<Client, Error> {
        self.build_blocking()
    }

    /// The same outside of async code. It does not wait for anything either.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_blocking(self) -> Result<Client, Error> {
        self.check()?;
        Client::start(self)
    }

    fn check(&self) -> Result<(), Error> {
        self.batch.check()?;
        for (name, value) in [
            ("with_connect_timeout", self.connect_timeout),
            ("with_request_timeout", self.request_timeout),
            ("with_export_timeout", self.export_timeout),
            ("with_flush_timeout", self.flush_timeout),
        ] {
            if value.is_zero() {
                return Err(Error::option(name, "must be longer than zero"));
            }
        }
        if !(1024..=64 * 1024 * 1024).contains(&self.max_request_bytes) {
            let problem = format!("must be between 1024 and 67108864 bytes, got {}", self.max_request_bytes);
            return Err(Error::option("with_max_request_bytes", problem));
        }
        if !(1..=1024).contains(&self.max_in_flight) {
            let problem = format!("must be between 1 and 1024, got {}", self.max_in_flight);
            return Err(Error::option("with_max_in_flight", problem));
        }
        if self.limits.attribute_value_depth > Limits::MAX_DEPTH {
            let (max, got) = (Limits::MAX_DEPTH, self.limits.attribute_value_depth);
            return Err(Error::option(
                "with_limits: attribute_value_depth",
                format!("must be at most {max}, got {got}"),
            ));
        }
        if self.overflow == (OverflowPolicy::Block { timeout: Duration::ZERO }) {
            let problem = "Block must wait longer than zero; DropNewest does not wait";
            return Err(Error::option("with_overflow_policy", problem));
        }
        if self.service_name.as_deref() == Some("") {
            return Err(Error::option("with_service_name", "must not be empty"));
        }
        let keys = self.resource.iter().flat_map(|resource| &resource.attributes);
        if keys.into_iter().any(|attribute| attribute.key.is_empty()) {
            return Err(Error::option("with_resource", "attribute keys must not be empty"));
        }
        Ok(())
    }

    /// The resource that every item carries.
    pub(crate) fn resolve_resource(&self) -> Resource {
        let resource = self.resource.clone().unwrap_or_else(crate::default_resource);
        match &self.service_name {
            Some(name) => resource.with("service.name", AnyValue::String(name.clone())),
            None => resource,
        }
    }
}

impl fmt::Debug for ClientBuilder {
    /// Header values and what of an endpoint may be secret are left out (conformance HDR-09).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("endpoint", &self.endpoint.as_ref().map(|text| text.parse::<Endpoint>().ok()))
            .field("protocol", &self.protocol)
            .field("format", &self.format)
            .field("compression", &self.compression)
            .field("headers", &self.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
            .field("batch", &self.batch)
            .field("pool", &self.pool)
            .field("retry", &self.retry)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
