//! The export stack, from batches at the top to sockets at the bottom, written once.
//!
//! The same can be built by hand from the single crates: `examples/stack_by_hand.rs`.

use crate::builder::{ClientBuilder, ProxyChoice};
#[cfg(feature = "json")]
use crate::config::SerializationFormat;
use crate::config::{BatchStrategy, Concurrency, Protocol};
use crate::error::Error;
use crate::observe::Failures;
use crate::runtime::Work;
use crate::shared::Shared;
use crate::slot::ServiceSlot;
#[cfg(feature = "_tls")]
use crate::tls;
use otlp_batch::{Batch, BatchConfig, BatchHandle, ChunkPool, Strategy, Worker};
use otlp_model::{Groups, Limits, Outcome, RequestLimits, Signal};
#[cfg(feature = "_tls")]
use otlp_transport::TlsLayer;
use otlp_transport::{
    AdaptiveConcurrencyLayer, AttemptTimeoutLayer, AuthLayer, BoxConnector, BoxError, BoxExportService,
    CircuitBreaker, CompressLayer, Compressor, Connector, Endpoint, Headers, HeadersLayer, Pause, PoolHandle,
    ProxyLayer, RetryBudget, RetryLayer, RetryPolicy, RetryPolicyError, ServiceBuilderExt, ShutdownTrigger,
    SplitLayer, shutdown,
};
use std::sync::Arc;
use std::time::Duration;
use tower::util::BoxService;
use tower::{ServiceBuilder, ServiceExt};

/// Answers a health check: the part of the stack that every attempt passes.
pub(crate) type Probe = BoxExportService;

/// What a client is made of.
pub(crate) struct Stack {
    pub(crate) shared: Shared,
    pub(crate) workers: Vec<Work>,
    pub(crate) probe: Probe,
    pub(crate) shutdown: ShutdownTrigger,
    pub(crate) endpoint: String,
    pub(crate) pool: PoolHandle,
    #[cfg(feature = "_tls")]
    pub(crate) tls: Option<TlsLayer>,
}

/// Checks what the layers check and stacks them, for each signal. Connects nothing and spawns nothing.
pub(crate) fn build(options: ClientBuilder) -> Result<Stack, Error> {
    let protocol = protocol(&options)?;
    let endpoint = endpoint(&options, protocol)?;
    #[cfg(feature = "_tls")]
    let tls = tls::layer(&options, protocol, &endpoint)?;
    let pool = ChunkPool::new(options.memory.pool())
        .map_err(|e| Error::option(&format!("with_memory_pool_config: {}", e.field()), e.problem()))?;
    let batching = batching(&options);
    let (trigger, signal) = shutdown::channel();
    let groups = Arc::new(Groups::new());
    let failures = Failures::default();
    let (terminal, connections) = terminal(
        &options,
        protocol,
        endpoint.clone(),
        #[cfg(feature = "_tls")]
        tls.clone(),
    )?;
    let parts = Parts {
        groups: Arc::clone(&groups),
        failures: failures.clone(),
        batch_layers: options.batch_layers.clone(),
        attempt_layers: options.attempt_layers.clone(),
        max_request_bytes: options.max_request_bytes,
        max_in_flight: options.max_in_flight,
        #[cfg(feature = "json")]
        json: options.format == SerializationFormat::Json,
        compress: compress(&options)?,
        retry: retry(&options)?.with_shutdown(signal),
        concurrency: (options.concurrency == Concurrency::Adaptive)
            .then(|| AdaptiveConcurrencyLayer::new(options.max_in_flight)),
        request_timeout: options.request_timeout,
        auth: auth(&options)?,
        headers: headers(&options.headers)?,
        terminal,
    };
    let probe = parts.probe();
    let mut workers = Vec::new();
    let mut lane = |signal| -> Result<BatchHandle, Error> {
        let (worker, handle) = Worker::new(&batching, &pool, parts.pipeline(signal))
            .map_err(|e| Error::option(&format!("with_batch_config: {}", e.field()), e.problem()))?;
        workers.push(Box::pin(worker) as Work);
        Ok(handle)
    };
    let lanes = [lane(Signal::Traces)?, lane(Signal::Metrics)?, lane(Signal::Logs)?];
    let wait = (!options.async_export).then_some(options.flush_timeout);
    let shared = Shared::new(limits(&options), groups, failures, options.sampler, lanes, wait);
    Ok(Stack {
        shared,
        workers,
        probe,
        shutdown: trigger,
        endpoint: endpoint.to_string(),
        pool: connections,
        #[cfg(feature = "_tls")]
        tls,
    })
}

struct Parts {
    groups: Arc<Groups>,
    failures: Failures,
    batch_layers: ServiceSlot,
    attempt_layers: ServiceSlot,
    max_request_bytes: usize,
    max_in_flight: usize,
    #[cfg(feature = "json")]
    json: bool,
    compress: CompressLayer,
    retry: RetryLayer,
    concurrency: Option<AdaptiveConcurrencyLayer>,
    request_timeout: Duration,
    auth: Option<AuthLayer>,
    headers: Headers,
    terminal: BoxExportService,
}

impl Parts {
    fn pipeline(&self, signal: Signal) -> BoxService<Batch, Outcome, BoxError> {
        let limits = RequestLimits { max_bytes: self.max_request_bytes, ..RequestLimits::default() };
        ServiceBuilder::new()
            // The last place that knows groups; from here on there are only encoded requests.
            .assemble(Arc::clone(&self.groups), signal, limits)
            // Sees the final outcome of every batch exactly once, whatever happens below.
            .observe(self.failures.clone())
            // The user's: sees the plain request, before it is limited, compressed or repeated.
            .layer(self.batch_layers.clone())
            // Bounds memory, that of requests asleep in a back-off too, however many attempts the receiver takes at once;
            // above it, data waits in the queue.
            .concurrency_limit(self.max_in_flight)
            // What the receiver finds too large goes in parts; cut while it is protobuf still. The parts share the room of
            // the whole.
            .layer(SplitLayer::new())
            // JSON and compression once per batch, never per attempt.
            .option_layer(self.json_layer())
            .layer(self.compress.clone())
            // Above the connections, so that another attempt may take another one.
            // All signals of the client share its pause, its budget and its circuit: they have one destination. Not ready
            // while that is paused or down: then data waits in the queue, and grows no older.
            .layer(self.retry.clone())
            // Below retry, where it sees each attempt and its time; what sleeps in a back-off is none.
            .option_layer(self.concurrency.clone())
            // Sees every attempt.
            .observe(self.failures.clone())
            // The user's: fault injection, rate limits.
            .layer(self.attempt_layers.clone())
            // Below retry, so that an attempt that hangs becomes one that can be repeated.
            .attempt_timeout(self.request_timeout)
            // Per attempt, since tokens expire; within the attempt's time, which bounds the wait for one.
            .option_layer(self.auth.clone())
            // Last: what is configured for all requests fills in what nothing above has set.
            .export_headers(self.headers.clone())
            // gRPC or HTTP, over the pool of connections that all signals share; below it TLS, the user's connector layers, the proxy, then TCP or unix sockets.
            .service(self.terminal.clone())
            .boxed()
    }

    #[cfg(feature = "json")]
    fn json_layer(&self) -> Option<otlp_transport::JsonLayer> {
        self.json.then(otlp_transport::JsonLayer::new)
    }

    #[cfg(not(feature = "json"))]
    fn json_layer(&self) -> Option<tower::layer::util::Identity> {
        None
    }

    fn probe(&self) -> Probe {
        BoxExportService::new(
            ServiceBuilder::new()
                .option_layer(self.json_layer())
                .layer(self.attempt_layers.clone())
                .layer(AttemptTimeoutLayer::new(self.request_timeout))
                .option_layer(self.auth.clone())
                .layer(HeadersLayer::new(self.headers.clone()))
                .service(self.terminal.clone()),
        )
    }
}

fn terminal(
    options: &ClientBuilder,
    protocol: Protocol,
    endpoint: Endpoint,
    #[cfg(feature = "_tls")] tls: Option<TlsLayer>,
) -> Result<(BoxExportService, PoolHandle), Error> {
    let connector = BoxConnector::new(
        ServiceBuilder::new()
            // Below what is said to the receiver, and the user's: the tunnel is a connection like another.
            .option_layer(proxy(options, &endpoint)?)
            .service(
                Connector::new()
                    .with_timeout(options.connect_timeout)
                    .with_keep_alive(options.pool.keep_alive()),
            ),
    );
    let connector = options.connector_layers.wrap(connector);
    #[cfg(feature = "_tls")]
    let connector = BoxConnector::new(ServiceBuilder::new().option_layer(tls).service(connector));
    let config = options.pool.pool(protocol)?;
    let refused = |error| Error::option("with_connection_pool_config", error);
    Ok(match protocol {
        #[cfg(feature = "grpc")]
        Protocol::Grpc => {
            let grpc = otlp_transport::Grpc::with_connector(endpoint, connector).with_pool(config);
            let grpc = grpc.map_err(refused)?.with_timeout(options.request_timeout);
            let pool = grpc.pool();
            (BoxExportService::new(grpc), pool)
        }
        #[cfg(feature = "http")]
        Protocol::Http => {
            let http = otlp_transport::Http::with_connector(endpoint, connector).with_pool(config);
            let http = http.map_err(refused)?;
            let pool = http.pool();
            (BoxExportService::new(http), pool)
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
        ProxyChoice::Environment => {
            let lookup = |name: &str| std::env::var(name).ok();
            ProxyLayer::from_env(endpoint, lookup).map_err(|e| {
                let problem =
                    format!("{}; with_proxy and without_proxy go before the environment", e.problem());
                Error::option(e.variable(), problem)
            })?
        }
    };
    // Less than TLS above and the socket below have, so that the error which names the proxy comes first.
    Ok(layer.map(|layer| layer.with_timeout(options.connect_timeout / 10 * 9)))
}

/// The protocol asked for, or what the format and the features leave.
fn protocol(options: &ClientBuilder) -> Result<Protocol, Error> {
    #[cfg(feature = "json")]
    if options.format == SerializationFormat::Json {
        return match options.protocol {
            None | Some(Protocol::Http) => Ok(Protocol::Http),
            #[cfg(feature = "grpc")]
            Some(Protocol::Grpc) => {
                Err(Error::option("with_serialization_format", "JSON goes over HTTP only, not over gRPC"))
            }
        };
    }
    #[cfg(feature = "grpc")]
    let default = Protocol::Grpc;
    #[cfg(not(feature = "grpc"))]
    let default = Protocol::Http;
    Ok(options.protocol.unwrap_or(default))
}

fn endpoint(options: &ClientBuilder, protocol: Protocol) -> Result<Endpoint, Error> {
    let endpoint = match (&options.endpoint, protocol) {
        (Some(text), _) => text.parse().map_err(|e| Error::option("with_endpoint", e))?,
        #[cfg(feature = "grpc")]
        (None, Protocol::Grpc) => Endpoint::default_grpc(),
        #[cfg(feature = "http")]
        (None, Protocol::Http) => Endpoint::default_http(),
    };
    #[cfg(feature = "_tls")]
    let endpoint = options.tls.secure(endpoint, options.endpoint.is_some())?;
    Ok(endpoint)
}

fn batching(options: &ClientBuilder) -> BatchConfig {
    let batch = &options.batch;
    BatchConfig {
        strategy: match batch.strategy {
            BatchStrategy::Size => Strategy::Size,
            BatchStrategy::Time => Strategy::Time,
            BatchStrategy::Hybrid => Strategy::Hybrid,
        },
        max_batch_items: batch.max_batch_size,
        max_batch_bytes: batch_bytes(options),
        max_delay: batch.batch_timeout,
        max_queue_items: batch.max_queue_size,
        max_record_bytes: options.max_request_bytes,
        overflow: options.overflow,
        max_in_flight: options.max_in_flight,
        shards: None,
    }
}

/// One value that takes more than half of a request would cost its whole span or log record, which could not be sent.
fn limits(options: &ClientBuilder) -> Limits {
    let most = options.max_request_bytes / 2;
    let length = options.limits.attribute_value_length.map_or(most, |length| length.min(most));
    Limits { attribute_value_length: Some(length), ..options.limits }
}

fn compress(options: &ClientBuilder) -> Result<CompressLayer, Error> {
    let compressor =
        Compressor::new(options.compression).map_err(|e| Error::option("with_compression", e))?;
    Ok(CompressLayer::new(compressor))
}

/// A batch must fit into a request with its headers, or nearly every full one would need a second request for the rest.
/// JSON takes about four times as much as the records it is made from.
fn batch_bytes(options: &ClientBuilder) -> usize {
    let bytes = options.max_request_bytes - options.max_request_bytes / 16;
    #[cfg(feature = "json")]
    if options.format == SerializationFormat::Json {
        return bytes / 4;
    }
    bytes
}

/// The retry layer, with what all signals of the client share: they have one destination.
fn retry(options: &ClientBuilder) -> Result<RetryLayer, Error> {
    let refused = |option: &str, e: &RetryPolicyError| Error::option(option, e.problem());
    let config = &options.retry;
    let policy = RetryPolicy::builder()
        .initial_interval(config.initial_interval)
        .multiplier(config.multiplier)
        .max_interval(config.max_interval)
        .randomization_factor(config.randomization_factor)
        .max_elapsed(options.export_timeout)
        .max_attempts((config.max_attempts > 0).then_some(config.max_attempts))
        .max_server_delay(options.max_server_delay)
        .retryable(&config.retryable_errors)
        .build()
        .map_err(|e| refused(&format!("with_retry_config: {}", e.field()), &e))?;
    let budget = &options.retry_budget;
    let budget = RetryBudget::new(budget.ratio, budget.min_per_second)
        .map_err(|e| refused(&format!("with_retry_budget: {}", e.field()), &e))?;
    let layer = RetryLayer::new(policy).with_pause(Pause::default()).with_budget(budget);
    let config = &options.circuit_breaker;
    if config.failure_threshold == 0 {
        return Ok(layer);
    }
    let circuit = CircuitBreaker::builder()
        .failure_threshold(config.failure_threshold)
        .initial_interval(config.initial_interval)
        .max_interval(config.max_interval)
        .build()
        .map_err(|e| refused(&format!("with_circuit_breaker: {}", e.field()), &e))?;
    Ok(layer.with_circuit(circuit))
}

/// One layer for all signals, so that they share the token.
fn auth(options: &ClientBuilder) -> Result<Option<AuthLayer>, Error> {
    let layer = match (&options.credentials, &options.token_file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let problem = "with_credentials is set as well; only one of them can be";
            return Err(Error::option("with_bearer_token_file", problem));
        }
        (Some(layer), None) => layer.clone(),
        (None, Some(file)) => {
            file.read().map_err(|e| Error::option("with_bearer_token_file", e))?;
            AuthLayer::new(file.clone())
        }
    };
    // Less than an attempt has, so that the error which says that it was the credentials comes first.
    Ok(Some(layer.with_fetch_timeout(options.request_timeout / 2)))
}

fn headers(list: &[(String, String)]) -> Result<Headers, Error> {
    let mut headers = Headers::new();
    for (name, value) in list {
        headers.insert(name, value).map_err(|e| Error::option("with_header", e))?;
    }
    Ok(headers)
}
