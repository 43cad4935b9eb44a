//! The client's builder: what it holds, the defaults, the checks. The options themselves are in the files of `builder/`,
//! one for each subject.
//!
//! `build` checks everything and touches no network: a receiver that is down is no reason to fail (conformance
//! SURV-23). A value that can't work is refused with an error that names the option.

mod batching;
mod connection;
mod delivery;
mod layers;
mod receiver;
mod telemetry;

use crate::client::Client;
use crate::config::{
    BatchConfig, CircuitBreakerConfig, Concurrency, MemoryPoolConfig, Protocol, RetryBudgetConfig,
    RetryConfig, SerializationFormat, TemporalityPreference,
};
use crate::connection_pool::PoolOptions;
use crate::decision::Decider;
use crate::env;
use crate::error::Error;
use crate::explain::{ResolvedConfig, ResolvedExporter};
use crate::hook::Hooks;
use crate::id_generator::IdGenerator;
use crate::loss::{LossCallback, LossLimit};
use crate::propagation::TextMapPropagator;
use crate::resolve::resolve;
use crate::settings::Settings;
use crate::signal_config::{PerSignal, SignalConfig};
use crate::slot::{ConnectorSlot, ServiceSlot};
use otlp_batch::OverflowPolicy;
use otlp_model::{Limits, Resource, Severity, Signal};
use otlp_transport::{AuthLayer, BearerTokenFile, Compression, Endpoint};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
    pub(crate) format: Option<SerializationFormat>,
    /// What is different for single signals.
    pub(crate) signals: PerSignal<SignalConfig>,
    pub(crate) disabled: Option<bool>,
    /// What the environment or a file says, for what code does not.
    pub(crate) settings: Settings,
    pub(crate) service_name: Option<Cow<'static, str>>,
    pub(crate) resource: Option<Resource>,
    pub(crate) detected: Option<Resource>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) credentials: Option<AuthLayer>,
    pub(crate) token_file: Option<BearerTokenFile>,
    pub(crate) compression: Option<Compression>,
    pub(crate) proxy: ProxyChoice,
    #[cfg(feature = "_tls")]
    pub(crate) tls: crate::tls::TlsOptions,
    pub(crate) pool: PoolOptions,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) export_timeout: Option<Duration>,
    pub(crate) flush_timeout: Duration,
    pub(crate) drop_timeout: Duration,
    pub(crate) batch: Option<BatchConfig>,
    pub(crate) max_request_bytes: usize,
    pub(crate) max_in_flight: usize,
    pub(crate) concurrency: Concurrency,
    pub(crate) retry: RetryConfig,
    pub(crate) retry_budget: RetryBudgetConfig,
    pub(crate) circuit_breaker: CircuitBreakerConfig,
    pub(crate) max_server_delay: Duration,
    pub(crate) loss_limit: LossLimit,
    pub(crate) loss_callback: Option<LossCallback>,
    pub(crate) memory: MemoryPoolConfig,
    pub(crate) overflow: OverflowPolicy,
    pub(crate) async_export: Option<bool>,
    pub(crate) propagator: Option<Arc<dyn TextMapPropagator>>,
    pub(crate) temporality: Option<TemporalityPreference>,
    pub(crate) sampler: Option<Decider>,
    pub(crate) log_severity_threshold: Option<Severity>,
    pub(crate) trace_based_logs: Option<bool>,
    pub(crate) hooks: Hooks,
    pub(crate) events_on_spans: Option<bool>,
    pub(crate) id_generator: Option<Box<dyn IdGenerator>>,
    pub(crate) limits: Option<Limits>,
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
            format: None,
            signals: PerSignal::default(),
            disabled: None,
            settings: Settings::default(),
            service_name: None,
            resource: None,
            detected: None,
            headers: Vec::new(),
            credentials: None,
            token_file: None,
            compression: None,
            proxy: ProxyChoice::Environment,
            #[cfg(feature = "_tls")]
            tls: crate::tls::TlsOptions::default(),
            pool: PoolOptions::default(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: None,
            export_timeout: None,
            flush_timeout: Duration::from_secs(30),
            drop_timeout: Duration::from_secs(5),
            batch: None,
            max_request_bytes: 2 * 1024 * 1024,
            max_in_flight: 8,
            concurrency: Concurrency::default(),
            retry: RetryConfig::default(),
            retry_budget: RetryBudgetConfig::default(),
            circuit_breaker: CircuitBreakerConfig::default(),
            max_server_delay: Duration::from_secs(120),
            loss_limit: LossLimit::default(),
            loss_callback: None,
            memory: MemoryPoolConfig::default(),
            overflow: OverflowPolicy::DropNewest,
            async_export: None,
            propagator: None,
            temporality: None,
            sampler: None,
            log_severity_threshold: None,
            trace_based_logs: None,
            hooks: Hooks::default(),
            events_on_spans: None,
            id_generator: None,
            limits: None,
            batch_layers: ServiceSlot::default(),
            attempt_layers: ServiceSlot::default(),
            connector_layers: ConnectorSlot::default(),
        }
    }
}

impl ClientBuilder {
    /// The most that a request can be allowed to have.
    pub(crate) const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

    /// A builder that also listens to the environment; see [`with_env`](Self::with_env).
    pub fn from_env() -> Self {
        Self::default().with_env()
    }

    /// Takes over what the `OTEL_` variables say, for everything that code does not, whether it does so before or after.
    /// docs/configuration.md has a table of them.
    ///
    /// Of a variable of one signal and one of all, the former holds; an empty one is not there. A value that is no good does no harm:
    /// it is as if it were not there, and [`ResolvedConfig::warnings`] and a line of `tracing` tell of it. Where the specification's
    /// defaults differ from ours, the variables' ones hold: without a protocol it is OTLP over HTTP, at `http://localhost:4318`.
    ///
    /// The environment is read now.
    pub fn with_env(self) -> Self {
        self.with_env_from(env::of_process)
    }

    /// The same with variables from somewhere else.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// let variables = HashMap::from([("OTEL_SERVICE_NAME", "checkout"), ("OTEL_BSP_MAX_QUEUE_SIZE", "many")]);
    /// let builder = otlp::ClientBuilder::default().with_env_from(|name| variables.get(name).map(|value| value.to_string()));
    /// let config = builder.resolve()?;
    /// let name = config.get("resource.service.name").unwrap();
    /// assert_eq!((name.value.as_str(), name.origin.to_string().as_str()), ("checkout", "OTEL_SERVICE_NAME"));
    /// assert!(config.warnings()[0].starts_with("OTEL_BSP_MAX_QUEUE_SIZE: \"many\" is not a whole number"));
    /// # Ok::<(), otlp::Error>(())
    /// ```
    pub fn with_env_from(self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        Self { settings: env::read(lookup), ..self }
    }

    /// Takes over what a file of OpenTelemetry's declarative configuration says, for everything that code does not; a program's own
    /// way to say `OTEL_CONFIG_FILE`, which [`with_env`](Self::with_env) obeys. Needs the feature `config-file`.
    ///
    /// It takes the place of the environment, which the file may refer to (`${NAME:-default}`). What of the schema is supported is
    /// in docs/configuration.md. The file is read now; what is wrong with it, and what is not supported, [`build`](Self::build)
    /// refuses, by its path in the file.
    ///
    /// ```
    /// let error = otlp::Client::builder().with_config_file("/nowhere/otel.yaml").resolve().unwrap_err();
    /// assert!(error.to_string().starts_with("with_config_file: /nowhere/otel.yaml: the file can't be read"));
    /// ```
    #[cfg(feature = "config-file")]
    pub fn with_config_file(self, path: impl AsRef<std::path::Path>) -> Self {
        Self { settings: env::file(path.as_ref(), "with_config_file", &env::of_process), ..self }
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
        let resolved = resolve(&self)?;
        Client::start(self, resolved)
    }

    /// What the client would do, and who said so, without making it. Touches neither files nor the network.
    ///
    /// # Errors
    ///
    /// A [`Configuration`](crate::ErrorKind::Configuration) error, as [`build`](Self::build). What only shows when the client is
    /// made, such as a file that is missing, is not found here.
    pub fn resolve(&self) -> Result<ResolvedConfig, Error> {
        resolve(self).map(|resolved| resolved.config)
    }

    /// Where the requests of a signal would go and which headers are configured for them, for tools that look at its receiver. What
    /// [`resolve`](Self::resolve) tells of it leaves out what is secret; this does not, but has no token of
    /// [`with_credentials`](Self::with_credentials), which is fetched when one is needed.
    ///
    /// ```
    /// let builder = otlp::Client::builder().with_endpoint("http://collector:4317?key=1").with_header("api-key", "hunter2");
    /// let exporter = builder.resolve_exporter(otlp::Signal::Logs)?;
    /// assert_eq!(exporter.endpoint.signal_path(otlp::Signal::Logs), "/v1/logs?key=1");
    /// assert_eq!(exporter.headers.get("api-key"), Some("hunter2"));
    /// assert!(!format!("{exporter:?}").contains("hunter2") && !format!("{exporter:?}").contains("key=1"));
    /// # Ok::<(), otlp::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub fn resolve_exporter(&self, signal: Signal) -> Result<ResolvedExporter, Error> {
        let resolved = resolve(self)?;
        let options = resolved.signals.get(signal);
        Ok(ResolvedExporter { endpoint: options.endpoint.clone(), headers: options.headers.clone() })
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(batch) = &self.batch {
            batch.check("with_batch_config: ")?;
        }
        for (name, value) in [
            ("with_connect_timeout", Some(self.connect_timeout)),
            ("with_request_timeout", self.request_timeout),
            ("with_export_timeout", self.export_timeout),
            ("with_flush_timeout", Some(self.flush_timeout)),
        ] {
            if value.is_some_and(|value| value.is_zero()) {
                return Err(Error::option(name, "must be longer than zero"));
            }
        }
        if !(1024..=Self::MAX_REQUEST_BYTES).contains(&self.max_request_bytes) {
            let (max, got) = (Self::MAX_REQUEST_BYTES, self.max_request_bytes);
            let problem = format!("must be between 1024 and {max} bytes, got {got}");
            return Err(Error::option("with_max_request_bytes", problem));
        }
        let LossLimit { threshold, window } = self.loss_limit;
        if !(0.0..=1.0).contains(&threshold) {
            let problem = format!("the share must be between 0 and 1, got {threshold}");
            return Err(Error::option("with_loss_threshold", problem));
        }
        if window.is_zero() {
            return Err(Error::option("with_loss_threshold", "the window must be longer than zero"));
        }
        if !(1..=1024).contains(&self.max_in_flight) {
            let problem = format!("must be between 1 and 1024, got {}", self.max_in_flight);
            return Err(Error::option("with_max_in_flight", problem));
        }
        let depth = self.limits.map_or(0, |limits| limits.attribute_value_depth);
        if depth > Limits::MAX_DEPTH {
            let (max, got) = (Limits::MAX_DEPTH, depth);
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
