//! What is below an attempt, and what signals that go to one receiver share: its connections, its pause, its budget, its
//! circuit, and how many attempts at once it takes.
//!
//! Used by the stack only. Signals differ in destination when their endpoint, protocol or TLS files differ.

use crate::builder::{ClientBuilder, ProxyChoice};
use crate::config::{Concurrency, Protocol};
use crate::env;
use crate::error::Error;
use crate::resolve::SignalOptions;
#[cfg(feature = "_tls")]
use crate::tls::{self, TlsConfig};
use otlp_transport::{
    AdaptiveConcurrencyLayer, BoxConnector, BoxExportService, CircuitBreaker, Connector, Endpoint, Pause,
    PoolHandle, PoolStats, ProxyLayer, RetryBudget, RetryLayer, RetryPolicy, RetryPolicyError,
};
#[cfg(feature = "_tls")]
use otlp_transport::{TlsLayer, TlsStatus};
use std::time::Duration;
use tower::ServiceBuilder;

/// The destinations of a client, none twice.
#[derive(Default)]
pub(crate) struct Destinations(Vec<Destination>);

/// One receiver as one protocol sees it.
pub(super) struct Destination {
    endpoint: Endpoint,
    protocol: Protocol,
    #[cfg(feature = "_tls")]
    files: Option<TlsConfig>,
    #[cfg(feature = "_tls")]
    tls: Option<TlsLayer>,
    terminal: Terminal,
    pool: PoolHandle,
    pause: Pause,
    budget: RetryBudget,
    circuit: Option<CircuitBreaker>,
    pub(super) concurrency: Option<AdaptiveConcurrencyLayer>,
}

/// The end of the stack, before it knows how long an attempt may take.
enum Terminal {
    #[cfg(feature = "grpc")]
    Grpc(otlp_transport::Grpc<BoxConnector>),
    #[cfg(feature = "http")]
    Http(otlp_transport::Http<BoxConnector>),
}

impl Destinations {
    /// The destination of a signal, and whether it is the first that goes there.
    pub(super) fn of(
        &mut self,
        options: &ClientBuilder,
        signal: &SignalOptions,
    ) -> Result<(&Destination, bool), Error> {
        let known = self.0.iter().position(|destination| destination.is_of(signal));
        let (index, is_new) = (known.unwrap_or(self.0.len()), known.is_none());
        if is_new {
            self.0.push(Destination::new(options, signal)?);
        }
        Ok((&self.0[index], is_new))
    }

    /// Opens the connections that are to be kept, in the background. Must be called within a runtime.
    pub(crate) fn warm_up(&self) {
        self.0.iter().for_each(|destination| destination.pool.warm_up());
    }

    /// Warns of those whose certificate is not verified, in one line: signals may have their own, and the danger is the same.
    #[cfg(feature = "_tls")]
    pub(crate) fn warn_of_unverified(&self) {
        let is_unverified = |destination: &&Destination| {
            destination.tls.is_some() && destination.files.as_ref().is_some_and(|files| !files.verify_server)
        };
        let unverified = self.0.iter().filter(is_unverified);
        let endpoints: Vec<_> = unverified.map(|destination| destination.endpoint.to_string()).collect();
        if !endpoints.is_empty() {
            tracing::warn!(
                target: "otlp",
                "the certificate of {} is not verified (with_tls_config: verify_server is false): whoever is on the way \
                 can read and change all telemetry; this is for development only",
                endpoints.join(", ")
            );
        }
    }

    /// The connections to all of them together.
    pub(crate) fn pool_stats(&self) -> PoolStats {
        let mut sum = PoolStats::default();
        for stats in self.0.iter().map(|destination| destination.pool.stats()) {
            sum.active_connections += stats.active_connections;
            sum.idle_connections += stats.idle_connections;
            sum.draining_connections += stats.draining_connections;
            sum.opening_connections += stats.opening_connections;
            sum.waiting_connections += stats.waiting_connections;
            sum.requests_in_flight += stats.requests_in_flight;
            sum.connections_opened += stats.connections_opened;
            sum.connections_closed += stats.connections_closed;
            sum.connections_failed += stats.connections_failed;
            sum.keep_alive_interval = sum.keep_alive_interval.max(stats.keep_alive_interval);
        }
        sum
    }

    /// The TLS files of all of them together: all reloads, and the first problem.
    #[cfg(feature = "_tls")]
    pub(crate) fn tls_status(&self) -> Option<TlsStatus> {
        self.0.iter().filter_map(|destination| destination.tls.as_ref()).map(TlsLayer::status).reduce(
            |mut sum, status| {
                sum.reloads += status.reloads;
                sum.problem = sum.problem.or(status.problem);
                sum
            },
        )
    }

    /// Where they are, for people.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter().map(|destination| &destination.endpoint)
    }
}

impl Destination {
    fn new(options: &ClientBuilder, signal: &SignalOptions) -> Result<Self, Error> {
        let (endpoint, protocol) = (&signal.endpoint, signal.protocol);
        #[cfg(feature = "_tls")]
        let tls = tls::layer(&signal.tls, options.connect_timeout, protocol, endpoint)?;
        let connector = BoxConnector::new(
            ServiceBuilder::new()
                // Below what is said to the receiver, and the user's: the tunnel is a connection like another.
                .option_layer(proxy(options, endpoint)?)
                .service(
                    Connector::new()
                        .with_timeout(options.connect_timeout)
                        .with_keep_alive(options.pool.keep_alive()),
                ),
        );
        let connector = options.connector_layers.wrap(connector);
        #[cfg(feature = "_tls")]
        let connector = BoxConnector::new(ServiceBuilder::new().option_layer(tls.clone()).service(connector));
        let (terminal, pool) = terminal(options, protocol, endpoint.clone(), connector)?;
        let budget = &options.retry_budget;
        let budget = RetryBudget::new(budget.ratio, budget.min_per_second)
            .map_err(|e| refused(&format!("with_retry_budget: {}", e.field()), &e))?;
        Ok(Self {
            endpoint: endpoint.clone(),
            protocol,
            #[cfg(feature = "_tls")]
            files: signal.tls.config().cloned(),
            #[cfg(feature = "_tls")]
            tls,
            terminal,
            pool,
            pause: Pause::default(),
            budget,
            circuit: circuit(options)?,
            concurrency: (options.concurrency == Concurrency::Adaptive)
                .then(|| AdaptiveConcurrencyLayer::new(options.max_in_flight)),
        })
    }

    fn is_of(&self, signal: &SignalOptions) -> bool {
        #[cfg(feature = "_tls")]
        if self.files.as_ref() != signal.tls.config() {
            return false;
        }
        self.endpoint == signal.endpoint && self.protocol == signal.protocol
    }

    /// The end of a signal's stack, over the connections that all share.
    pub(super) fn terminal(&self, request_timeout: Duration) -> BoxExportService {
        match &self.terminal {
            #[cfg(feature = "grpc")]
            Terminal::Grpc(grpc) => BoxExportService::new(grpc.clone().with_timeout(request_timeout)),
            #[cfg(feature = "http")]
            Terminal::Http(http) => {
                // Only gRPC tells the receiver.
                let _ = request_timeout;
                BoxExportService::new(http.clone())
            }
        }
    }

    /// A signal's policy with what all that go here share.
    pub(super) fn retry(&self, options: &ClientBuilder, signal: &SignalOptions) -> Result<RetryLayer, Error> {
        let config = &options.retry;
        let policy = RetryPolicy::builder()
            .initial_interval(config.initial_interval)
            .multiplier(config.multiplier)
            .max_interval(config.max_interval)
            .randomization_factor(config.randomization_factor)
            .max_elapsed(signal.export_timeout)
            .max_attempts((config.max_attempts > 0).then_some(config.max_attempts))
            .max_server_delay(options.max_server_delay)
            .retryable(&config.retryable_errors)
            .build()
            .map_err(|e| refused(&format!("with_retry_config: {}", e.field()), &e))?;
        let layer = RetryLayer::new(policy).with_pause(self.pause.clone()).with_budget(self.budget.clone());
        Ok(match &self.circuit {
            Some(circuit) => layer.with_circuit(circuit.clone()),
            None => layer,
        })
    }
}

fn terminal(
    options: &ClientBuilder,
    protocol: Protocol,
    endpoint: Endpoint,
    connector: BoxConnector,
) -> Result<(Terminal, PoolHandle), Error> {
    let config = options.pool.pool(protocol)?;
    let refused = |error| Error::option("with_connection_pool_config", error);
    Ok(match protocol {
        #[cfg(feature = "grpc")]
        Protocol::Grpc => {
            let grpc = otlp_transport::Grpc::with_connector(endpoint, connector).with_pool(config);
            let grpc = grpc.map_err(refused)?;
            let pool = grpc.pool();
            (Terminal::Grpc(grpc), pool)
        }
        #[cfg(feature = "http")]
        Protocol::Http => {
            let http = otlp_transport::Http::with_connector(endpoint, connector).with_pool(config);
            let http = http.map_err(refused)?;
            let pool = http.pool();
            (Terminal::Http(http), pool)
        }
    })
}

/// The proxy asked for, or what the environment says.
fn proxy(options: &ClientBuilder, endpoint: &Endpoint) -> Result<Option<ProxyLayer>, Error> {
    let layer = match &options.proxy {
        ProxyChoice::Off => None,
        ProxyChoice::Url(url) => {
            Some(ProxyLayer::new(url.parse().map_err(|e| Error::option("with_proxy", e))?))
        }
        ProxyChoice::Environment => ProxyLayer::from_env(endpoint, env::of_process).map_err(|e| {
            let problem = format!("{}; with_proxy and without_proxy go before the environment", e.problem());
            Error::option(e.variable(), problem)
        })?,
    };
    // Less than TLS above and the socket below have, so that the error which names the proxy comes first.
    Ok(layer.map(|layer| layer.with_timeout(options.connect_timeout / 10 * 9)))
}

fn circuit(options: &ClientBuilder) -> Result<Option<CircuitBreaker>, Error> {
    let config = &options.circuit_breaker;
    if config.failure_threshold == 0 {
        return Ok(None);
    }
    CircuitBreaker::builder()
        .failure_threshold(config.failure_threshold)
        .initial_interval(config.initial_interval)
        .max_interval(config.max_interval)
        .build()
        .map(Some)
        .map_err(|e| refused(&format!("with_circuit_breaker: {}", e.field()), &e))
}

fn refused(option: &str, e: &RetryPolicyError) -> Error {
    Error::option(option, e.problem())
}
