//! The client: how it starts, what it gives to those who make telemetry, and what it says of itself. Flush and shutdown are in
//! `client/flush.rs`, the report they return is made in `client/settle.rs`, and health and statistics are in
//! `client/health.rs`.

mod flush;
mod health;
mod settle;

use crate::builder::ClientBuilder;
use crate::config::TemporalityPreference;
use crate::error::Error;
use crate::explain::ResolvedConfig;
use crate::logger::Logger;
use crate::propagation::TextMapPropagator;
use crate::resolve::Resolved;
use crate::runtime::{Check, Runtime};
use crate::shared::Shared;
use crate::stack::{self, Destinations};
use crate::tracer::{Tracer, TracerInner};
use crate::voice::Voice;
use otlp_batch::Stats;
use otlp_model::{InstrumentationScope, Resource};
use otlp_transport::ShutdownTrigger;
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// An OTLP client: it batches spans, metrics and logs and sends them from a thread of its own.
///
/// Cloning gives another handle on the same client. When the last handle is dropped the client shuts down and waits for
/// delivery for at most [`with_drop_timeout`](ClientBuilder::with_drop_timeout); call [`shutdown`](Self::shutdown) to learn
/// what became of everything.
///
/// All methods may be called from any thread, inside and outside of any runtime. The `_blocking` forms and `drop` block
/// the calling thread, bounded in time, and need no runtime. The async forms are answered by the client's thread: they
/// keep their time as long as no layer of yours blocks it.
///
/// # Forks
///
/// A client works in the process that built it. A fork copies its memory but not its thread: build the child's client after
/// the fork, and its ids will be new as well. On a client of the parent no call hangs in the child and nothing is sent: what
/// spans record there is lost, the books are empty, and flush, shutdown, exports and health checks fail with
/// [`Forked`](crate::ErrorKind::Forked). Only when no client is made in the child its trace ids may repeat the parent's,
/// in contexts handed on. Until the child ends or executes another program, it keeps the parent's connections open.
///
/// ```no_run
/// # async fn f() -> Result<(), otlp::Error> {
/// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
/// let tracer = client.tracer("shop");
/// tracer.start("checkout").set_attribute("cart.items", 3);
/// let report = client.shutdown(std::time::Duration::from_secs(5)).await?;
/// assert_eq!(report.accepted(), report.delivered());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    resource: Resource,
    propagator: Arc<dyn TextMapPropagator>,
    temporality: TemporalityPreference,
    config: ResolvedConfig,
    shutdown: ShutdownTrigger,
    voice: Voice,
    destinations: Destinations,
    checks: mpsc::UnboundedSender<Check>,
    #[cfg(feature = "signal")]
    runtime: Option<tokio::runtime::Handle>,
    flush_timeout: Duration,
    drop_timeout: Duration,
    /// The totals of the last report, in the order of [`Signal::ALL`](otlp_model::Signal::ALL).
    reported: Mutex<[Stats; 3]>,
    warned_of_nameless: AtomicBool,
}

impl Client {
    /// A builder with the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client as the `OTEL_` variables say; see [`ClientBuilder::with_env`] for what they do, and
    /// [`ClientBuilder::from_env`] to set more in code.
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), otlp::Error> {
    /// let client = otlp::Client::from_env().await?;
    /// println!("{}", client.config().explain());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`build`](ClientBuilder::build): variables that are no good are no error, but a certificate that can't be read,
    /// `https` without TLS compiled in, or a proxy that is no address, is.
    pub async fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build().await
    }

    pub(crate) fn start(options: ClientBuilder, resolved: Resolved) -> Result<Self, Error> {
        let (flush_timeout, drop_timeout) = (options.flush_timeout, options.drop_timeout);
        for warning in resolved.config.warnings() {
            tracing::warn!(target: "otlp", "{warning}");
        }
        let runtime = Runtime::new()?;
        let stack = runtime.within(|| stack::build(options, &resolved))?;
        #[cfg(feature = "_tls")]
        stack.destinations.warn_of_unverified();
        // In the runtime, which does not run yet: nothing is opened before the client has its thread.
        runtime.within(|| stack.destinations.warm_up());
        let (checks, requests) = mpsc::unbounded_channel();
        #[cfg(feature = "signal")]
        let handle = runtime.handle();
        runtime.start(stack.workers, stack.probes, requests, stack.loss)?;
        Ok(Self {
            inner: Arc::new(Inner {
                shared: Arc::new(stack.shared),
                propagator: resolved.propagator,
                temporality: resolved.temporality,
                resource: resolved.resource,
                config: resolved.config,
                shutdown: stack.shutdown,
                voice: stack.voice,
                destinations: stack.destinations,
                checks,
                #[cfg(feature = "signal")]
                runtime: handle,
                flush_timeout,
                drop_timeout,
                reported: Mutex::default(),
                warned_of_nameless: AtomicBool::default(),
            }),
        })
    }

    /// A tracer for the instrumentation scope `name`: the library or module that makes the spans. Get it once and keep it:
    /// what is known of a scope stays in memory as long as the client.
    pub fn tracer(&self, name: impl Into<Cow<'static, str>>) -> Tracer {
        self.tracer_with_scope(&InstrumentationScope::new(name))
    }

    /// A tracer for a scope with a version, attributes or a schema.
    pub fn tracer_with_scope(&self, scope: &InstrumentationScope) -> Tracer {
        // Once: who makes a tracer per request would fill the log.
        if scope.name.is_empty() && !self.inner.warned_of_nameless.swap(true, Ordering::Relaxed) {
            tracing::warn!(target: "otlp", "a tracer without a name: nobody will know which library its spans are from");
        }
        let (shared, group) = (Arc::clone(&self.inner.shared), self.group(scope));
        Tracer { inner: Arc::new(TracerInner { shared, group }) }
    }

    /// A logger for the instrumentation scope `name`: the library or module whose logs they are. Get it once and keep it,
    /// as a [`tracer`](Self::tracer).
    pub fn logger(&self, name: impl Into<Cow<'static, str>>) -> Logger {
        self.logger_with_scope(&InstrumentationScope::new(name))
    }

    /// A logger for a scope with a version, attributes or a schema.
    pub fn logger_with_scope(&self, scope: &InstrumentationScope) -> Logger {
        Logger::new(Arc::clone(&self.inner.shared), self.group(scope))
    }

    /// The resource that everything this client makes carries.
    #[must_use]
    pub fn resource(&self) -> &Resource {
        &self.inner.resource
    }

    /// How contexts travel between processes, as [`with_propagator`](ClientBuilder::with_propagator) says; to be shared
    /// with whatever sends or takes requests.
    ///
    /// ```
    /// # async fn f(client: otlp::Client, request: std::collections::HashMap<String, String>) {
    /// use otlp::{SpanKind, TraceContext};
    /// let parent = client.propagator().extract(&TraceContext::default(), &request);
    /// let span = client.tracer("shop").start_with_context("GET /cart", SpanKind::Server, &parent);
    ///
    /// let mut onward = std::collections::HashMap::new();
    /// client.propagator().inject(&span.context(), &mut onward);
    /// # }
    /// ```
    #[must_use]
    pub fn propagator(&self) -> &Arc<dyn TextMapPropagator> {
        &self.inner.propagator
    }

    /// The temporality that exporters of metrics prefer on this client, as
    /// [`with_temporality_preference`](ClientBuilder::with_temporality_preference) or the environment says.
    #[must_use]
    pub fn temporality_preference(&self) -> TemporalityPreference {
        self.inner.temporality
    }

    /// What this client does, option by option, and who said so: code, an environment variable, a file, or nobody. Holds no
    /// secrets.
    ///
    /// ```
    /// # async fn f() -> Result<(), otlp::Error> {
    /// let client = otlp::Client::builder().with_endpoint("http://collector:4317").build().await?;
    /// println!("{}", client.config().explain());
    /// assert_eq!(client.config().get("logs.endpoint").unwrap().value, "http://collector:4317");
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f()).unwrap();
    /// ```
    #[must_use]
    pub fn config(&self) -> &ResolvedConfig {
        &self.inner.config
    }

    pub(crate) fn drop_timeout(&self) -> Duration {
        self.inner.drop_timeout
    }

    /// Whether both are handles on one client.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    #[cfg(feature = "log")]
    pub(crate) fn flush_timeout(&self) -> Duration {
        self.inner.flush_timeout
    }

    #[cfg(feature = "log")]
    pub(crate) fn shared_handle(&self) -> Arc<Shared> {
        Arc::clone(&self.inner.shared)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    #[cfg(feature = "signal")]
    pub(crate) fn runtime(&self) -> Option<&tokio::runtime::Handle> {
        self.inner.runtime.as_ref()
    }

    /// Returns once the client's thread has ended.
    #[cfg(feature = "signal")]
    pub(crate) async fn ended(&self) {
        self.inner.checks.closed().await;
    }

    /// Whether it has.
    #[cfg(feature = "signal")]
    pub(crate) fn is_ended(&self) -> bool {
        self.inner.checks.is_closed()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.inner.destinations.endpoints().collect();
        f.debug_struct("Client").field("endpoints", &endpoints).finish_non_exhaustive()
    }
}
