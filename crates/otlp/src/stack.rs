//! The export stack, from batches at the top to sockets at the bottom, written once.
//!
//! The same can be built by hand from the single crates: `examples/stack_by_hand.rs`. What is below attempts, and what signals
//! with one receiver share, is in `destination`.

mod destination;

use crate::builder::ClientBuilder;
use crate::config::BatchStrategy;
#[cfg(feature = "json")]
use crate::config::SerializationFormat;
use crate::decision::Decider;
use crate::env;
use crate::error::Error;
use crate::lines::{Listener, Stage};
use crate::loss::{self, LossBell};
use crate::observe::Failures;
use crate::resolve::{Resolved, SignalOptions};
use crate::runtime::{Task, Work};
use crate::settings::SamplerSpec;
use crate::shared::{Selection, Shared};
use crate::signal_config::PerSignal;
use crate::slot::ServiceSlot;
use crate::voice::Voice;
use destination::Destination;
pub(crate) use destination::Destinations;
use otlp_batch::{Batch, BatchConfig, BatchHandle, ChunkPool, Strategy, Worker};
use otlp_model::{DropReason, Groups, Limits, Outcome, RequestLimits, Signal, Undelivered};
use otlp_transport::{
    AdaptiveConcurrencyLayer, AttemptTimeoutLayer, AuthLayer, BoxError, BoxExportService, CompressLayer,
    Headers, HeadersLayer, RetryLayer, ServiceBuilderExt, ShutdownTrigger, SplitLayer, shutdown,
};
use std::sync::Arc;
use std::time::Duration;
use tower::util::BoxService;
use tower::{ServiceBuilder, ServiceExt};

/// Answers a health check of one destination: the part of the stack that every attempt passes, and a signal that goes there.
#[derive(Clone)]
pub(crate) struct Probe {
    pub(crate) signal: Signal,
    pub(crate) service: BoxExportService,
}

/// What a client is made of.
pub(crate) struct Stack {
    pub(crate) shared: Shared,
    pub(crate) workers: Vec<Work>,
    /// One for each destination.
    pub(crate) probes: Vec<Probe>,
    pub(crate) shutdown: ShutdownTrigger,
    pub(crate) destinations: Destinations,
    pub(crate) voice: Voice,
    pub(crate) loss: Task,
}

/// Checks what the layers check and stacks them, for each signal. Connects nothing and spawns nothing.
pub(crate) fn build(options: ClientBuilder, resolved: &Resolved) -> Result<Stack, Error> {
    let pool = ChunkPool::new(options.memory.pool())
        .map_err(|e| Error::option(&format!("with_memory_pool_config: {}", e.field()), e.problem()))?;
    let (trigger, signal) = shutdown::channel();
    let groups = Arc::new(Groups::new());
    let failures = Failures::default();
    let voice = Voice::new(env::of_process);
    let losses = Arc::new(LossBell::default());
    let listener = |stage| Listener {
        stage,
        failures: failures.clone(),
        voice: voice.clone(),
        losses: Arc::clone(&losses),
    };
    let common = Common {
        groups: Arc::clone(&groups),
        batches: listener(Stage::Batch),
        attempts: listener(Stage::Attempt),
        auth: auth(&options, resolved)?,
    };
    let mut destinations = Destinations::default();
    let mut probes = Vec::new();
    let mut workers = Vec::new();
    let mut lane = |this| -> Result<BatchHandle, Error> {
        let signal_options = resolved.signals.get(this);
        let pipeline = if signal_options.enabled {
            let (destination, is_new) = destinations.of(&options, signal_options)?;
            let retry = destination.retry(&options, signal_options)?.with_shutdown(signal.clone());
            let parts = Parts::new(&options, signal_options, &common, destination, retry)?;
            if is_new {
                probes.push(parts.probe(this));
            }
            parts.pipeline(this)
        } else {
            nowhere()
        };
        let (worker, handle) = Worker::new(&batching(&options, signal_options), &pool, pipeline)
            .map_err(|e| Error::option(&format!("with_batch_config: {}", e.field()), e.problem()))?;
        workers.push(Box::pin(worker) as Work);
        Ok(handle)
    };
    let lanes = [lane(Signal::Traces)?, lane(Signal::Metrics)?, lane(Signal::Logs)?];
    let callback = options.loss_callback.clone();
    let loss = loss::watch(options.loss_limit, lanes.clone(), Arc::clone(&losses), voice.clone(), callback);
    let lanes = PerSignal::new(lanes);
    let wait = |signal| (!resolved.signals.get(signal).async_export).then_some(options.flush_timeout);
    let wait = PerSignal::new(Signal::ALL.map(wait));
    let is_on = |signal| resolved.signals.get(signal).enabled;
    let enabled = PerSignal::new(Signal::ALL.map(is_on));
    let sampler = if is_on(Signal::Traces) {
        let said = || resolved.sampler.as_ref().map(SamplerSpec::decider).unwrap_or_default();
        options.sampler.unwrap_or_else(said)
    } else {
        Decider::silent()
    };
    let most = options.max_request_bytes / 2;
    let (limits, mut hooks) = (cut(resolved.limits, most), options.hooks);
    if resolved.events_on_spans {
        hooks.bridge_events(limits);
    }
    let selection = Selection {
        limits,
        log_limits: cut(resolved.log_limits, most),
        sampler,
        id_generator: options.id_generator,
        log_filter: resolved.log_filter,
        export_timeout: PerSignal::new(Signal::ALL.map(|signal| resolved.signals.get(signal).export_timeout)),
        hooks,
        losses,
    };
    let shared = Shared::new(selection, groups, failures, lanes, enabled, wait);
    Ok(Stack { shared, workers, probes, shutdown: trigger, destinations, voice, loss: Box::pin(loss) })
}

/// What all signals share, whatever their destinations.
struct Common {
    groups: Arc<Groups>,
    batches: Listener,
    attempts: Listener,
    /// One layer, so that they share the token.
    auth: Option<AuthLayer>,
}

/// What is below a signal that is off. Nothing comes here, since nothing of it is accepted.
fn nowhere() -> BoxService<Batch, Outcome, BoxError> {
    tower::service_fn(|_: Batch| async {
        Err(BoxError::from(Undelivered::new(DropReason::ShutDown, "the signal is off")))
    })
    .boxed()
}

/// What a signal's stack is made of.
struct Parts {
    groups: Arc<Groups>,
    batches: Listener,
    attempts: Listener,
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
    fn new(
        options: &ClientBuilder,
        signal: &SignalOptions,
        common: &Common,
        destination: &Destination,
        retry: RetryLayer,
    ) -> Result<Self, Error> {
        Ok(Self {
            groups: Arc::clone(&common.groups),
            batches: common.batches.clone(),
            attempts: common.attempts.clone(),
            batch_layers: options.batch_layers.clone(),
            attempt_layers: options.attempt_layers.clone(),
            max_request_bytes: options.max_request_bytes,
            max_in_flight: options.max_in_flight,
            #[cfg(feature = "json")]
            json: signal.format == SerializationFormat::Json,
            compress: signal.compress.clone(),
            retry,
            concurrency: destination.concurrency.clone(),
            request_timeout: signal.request_timeout,
            auth: common.auth.clone(),
            headers: signal.headers.clone(),
            terminal: destination.terminal(signal.request_timeout),
        })
    }

    fn pipeline(&self, signal: Signal) -> BoxService<Batch, Outcome, BoxError> {
        let limits = RequestLimits { max_bytes: self.max_request_bytes, ..RequestLimits::default() };
        let losses = Arc::clone(&self.batches.losses);
        ServiceBuilder::new()
            // What assemble leaves out is in no request, so that nothing below could tell of its loss.
            .map_response(move |outcome: Outcome| {
                if outcome.dropped.total() > 0 {
                    losses.ring(|| false);
                }
                outcome
            })
            // The last place that knows groups; from here on there are only encoded requests.
            .assemble(Arc::clone(&self.groups), signal, limits)
            // Sees the final outcome of every batch exactly once, whatever happens below.
            .observe(self.batches.clone())
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
            // All signals of a destination share its pause, its budget and its circuit. Not ready while that is paused or
            // down: then data waits in the queue, and grows no older.
            .layer(self.retry.clone())
            // Below retry, where it sees each attempt and its time; what sleeps in a back-off is none.
            .option_layer(self.concurrency.clone())
            // Sees every attempt.
            .observe(self.attempts.clone())
            // The user's: fault injection, rate limits.
            .layer(self.attempt_layers.clone())
            // Below retry, so that an attempt that hangs becomes one that can be repeated.
            .attempt_timeout(self.request_timeout)
            // Per attempt, since tokens expire; within the attempt's time, which bounds the wait for one.
            .option_layer(self.auth.clone())
            // Last: what is configured for all requests fills in what nothing above has set.
            .export_headers(self.headers.clone())
            // gRPC or HTTP, over the pool of connections that the signals of a destination share; below it TLS, the user's connector layers, the proxy, then TCP or unix sockets.
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

    fn probe(&self, signal: Signal) -> Probe {
        let service = BoxExportService::new(
            ServiceBuilder::new()
                .option_layer(self.json_layer())
                .layer(self.attempt_layers.clone())
                .layer(AttemptTimeoutLayer::new(self.request_timeout))
                .option_layer(self.auth.clone())
                .layer(HeadersLayer::new(self.headers.clone()))
                .service(self.terminal.clone()),
        );
        Probe { signal, service }
    }
}

fn batching(options: &ClientBuilder, signal: &SignalOptions) -> BatchConfig {
    let batch = &signal.batch;
    BatchConfig {
        strategy: match batch.strategy {
            BatchStrategy::Size => Strategy::Size,
            BatchStrategy::Time => Strategy::Time,
            BatchStrategy::Hybrid => Strategy::Hybrid,
        },
        max_batch_items: batch.max_batch_size,
        max_batch_bytes: batch_bytes(options, signal),
        max_delay: batch.batch_timeout,
        max_queue_items: batch.max_queue_size,
        max_record_bytes: options.max_request_bytes,
        overflow: options.overflow,
        max_in_flight: options.max_in_flight,
        shards: None,
    }
}

/// One value that takes more than half of a request would cost its whole span or log record, which could not be sent.
fn cut(limits: Limits, most: usize) -> Limits {
    let length = limits.attribute_value_length.map_or(most, |length| length.min(most));
    Limits { attribute_value_length: Some(length), ..limits }
}

/// A batch must fit into a request with its headers, or nearly every full one would need a second request for the rest.
/// JSON takes about four times as much as the records it is made from.
#[cfg_attr(not(feature = "json"), expect(unused_variables, reason = "only JSON is larger"))]
fn batch_bytes(options: &ClientBuilder, signal: &SignalOptions) -> usize {
    let bytes = options.max_request_bytes - options.max_request_bytes / 16;
    #[cfg(feature = "json")]
    if signal.format == SerializationFormat::Json {
        return bytes / 4;
    }
    bytes
}

fn auth(options: &ClientBuilder, resolved: &Resolved) -> Result<Option<AuthLayer>, Error> {
    let layer = match (&options.credentials, &options.token_file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            let problem = "with_credentials is set as well; only one of them can be";
            return Err(Error::option("with_bearer_token_file", problem));
        }
        (Some(layer), None) => layer.clone(),
        (None, Some(file)) => {
            if Signal::ALL.into_iter().any(|signal| resolved.signals.get(signal).enabled) {
                file.read().map_err(|e| Error::option("with_bearer_token_file", e))?;
            }
            AuthLayer::new(file.clone())
        }
    };
    // Less than an attempt of any signal has, so that the error which says that it was the credentials comes first.
    let times = Signal::ALL.map(|signal| resolved.signals.get(signal).request_timeout);
    let [first, others @ ..] = times;
    let shortest = others.into_iter().fold(first, Duration::min);
    Ok(Some(layer.with_fetch_timeout(shortest / 2)))
}
