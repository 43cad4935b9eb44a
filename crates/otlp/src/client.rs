//! The client: tracers in, reports out.

use crate::builder::ClientBuilder;
use crate::clock::{self, Reading};
use crate::config::TemporalityPreference;
use crate::error::Error;
use crate::explain::ResolvedConfig;
use crate::logger::Logger;
use crate::propagation::TextMapPropagator;
use crate::report::DeliveryReport;
use crate::resolve::Resolved;
use crate::runtime::{self, Check, Runtime};
use crate::shared::Shared;
use crate::stack::{self, Destinations};
use crate::tracer::{Tracer, TracerInner};
use crate::voice::Voice;
use futures_util::future::join3;
use otlp_batch::{FlushReport, Reply, Stats};
use otlp_model::{DropReason, InstrumentationScope, Resource, Signal};
use otlp_transport::{PoolStats, ShutdownTrigger};
use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

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
    /// The totals of the last report, in the order of [`Signal::ALL`].
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
    /// As [`build`](ClientBuilder::build): variables that are no good are no error, but a certificate that can't be read, or
    /// `https` without TLS compiled in, is.
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

    /// How the TLS files fare: how often changed ones were taken into use, and what is wrong with those on disk if the ones
    /// in use are older. Files are read when a connection is made. `None` if no endpoint is `https`; of several
    /// receivers, all reloads and the first problem.
    ///
    /// ```
    /// # async fn f() -> Result<(), otlp::Error> {
    /// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
    /// assert_eq!(client.tls_status(), None);
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f()).unwrap();
    /// ```
    #[cfg(feature = "_tls")]
    #[must_use]
    pub fn tls_status(&self) -> Option<crate::TlsStatus> {
        self.inner.destinations.tls_status()
    }

    /// Sends what was accepted before the call and waits until all of it has an outcome, at most for
    /// [`with_flush_timeout`](ClientBuilder::with_flush_timeout). Cancel-safe: sending goes on.
    ///
    /// # Errors
    ///
    /// [`Lost`](crate::ErrorKind::Lost) if anything was dropped since the last report,
    /// [`Timeout`](crate::ErrorKind::Timeout) if the time was up; both carry the [report](Error::report).
    /// [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    pub async fn flush(&self) -> Result<DeliveryReport, Error> {
        self.flush_within(self.inner.flush_timeout).await
    }

    /// [`flush`](Self::flush) with a deadline of its own.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub async fn flush_within(&self, timeout: Duration) -> Result<DeliveryReport, Error> {
        self.settle("flush", self.inner.each(|shared, signal| shared.lane(signal).flush(Some(timeout)))).await
    }

    /// [`flush`](Self::flush) for callers that are not async; blocks this thread.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_blocking(&self) -> Result<DeliveryReport, Error> {
        self.flush_within_blocking(self.inner.flush_timeout)
    }

    /// [`flush_within`](Self::flush_within) for callers that are not async; blocks this thread.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_within_blocking(&self, timeout: Duration) -> Result<DeliveryReport, Error> {
        let replies = self.inner.each(|shared, signal| shared.lane(signal).flush(Some(timeout)));
        self.inner.settle_blocking("flush", replies, timeout)
    }

    /// Stops accepting, sends what waits, and ends the client's thread. What has no outcome after `deadline` is dropped
    /// and counted (`deadline`). Cancel-safe: the shutdown goes on. Shutting down again reports again.
    ///
    /// # Errors
    ///
    /// [`Lost`](crate::ErrorKind::Lost) if anything was dropped since the last report, with the
    /// [report](Error::report). [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    pub async fn shutdown(&self, deadline: Duration) -> Result<DeliveryReport, Error> {
        let replies = self.inner.close(deadline);
        self.settle("shutdown", replies).await
    }

    /// [`shutdown`](Self::shutdown) for callers that are not async; blocks this thread.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub fn shutdown_blocking(&self, deadline: Duration) -> Result<DeliveryReport, Error> {
        let replies = self.inner.close(deadline);
        self.inner.settle_blocking("shutdown", replies, deadline)
    }

    /// Sends one empty request, without a retry: is the receiver there, and does it speak OTLP? Where signals go to several
    /// receivers, each is asked; where none is on, nobody is, and all is well. Layers around attempts
    /// and connections see it; layers around batches do not.
    ///
    /// # Errors
    ///
    /// What an export would fail with, [`ShutDown`](crate::ErrorKind::ShutDown), or
    /// [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    pub async fn health_check(&self) -> Result<(), Error> {
        if self.inner.shared.is_forked() {
            return Err(Error::forked());
        }
        let (check, answer) = oneshot::channel();
        self.inner.checks.send(check).map_err(|_| Error::shut_down())?;
        answer.await.unwrap_or_else(|_| {
            let ended = self.inner.checks.is_closed();
            Err(if ended {
                Error::shut_down()
            } else {
                Error::export("a layer panicked in the health check".into())
            })
        })
    }

    /// The books of a signal now. Does not count as a report.
    #[must_use]
    pub fn stats(&self, signal: Signal) -> Stats {
        self.inner.shared.lane(signal).stats()
    }

    /// How many items wait in the queues, over all signals; those in flight are not counted.
    ///
    /// # Errors
    ///
    /// None today: a result for the troubleshooting guide's `get_queue_size().await?`.
    #[expect(clippy::unused_async, reason = "the guide's signature")]
    pub async fn get_queue_size(&self) -> Result<usize, Error> {
        let queued: u64 = Signal::ALL.into_iter().map(|signal| self.stats(signal).queued).sum();
        Ok(usize::try_from(queued).unwrap_or(usize::MAX))
    }

    /// The connections to the receiver now; those to several, where signals have their own, together.
    ///
    /// ```
    /// # async fn f() -> Result<(), otlp::Error> {
    /// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
    /// let pool = client.get_connection_pool_stats().await?;
    /// println!("{} active, {} idle", pool.active_connections, pool.idle_connections);
    /// println!("{} requests wait", pool.waiting_connections);
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f()).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    #[expect(clippy::unused_async, reason = "the guide's signature")]
    pub async fn get_connection_pool_stats(&self) -> Result<PoolStats, Error> {
        if self.inner.shared.is_forked() {
            return Err(Error::forked());
        }
        Ok(self.inner.destinations.pool_stats())
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

    async fn settle(
        &self,
        operation: &str,
        [traces, metrics, logs]: [Reply; 3],
    ) -> Result<DeliveryReport, Error> {
        let started = self.inner.shared.clock.read();
        let (traces, metrics, logs) = join3(traces, metrics, logs).await;
        self.inner.report(operation, started, [traces, metrics, logs])
    }
}

impl Inner {
    fn each(&self, ask: impl Fn(&Shared, Signal) -> Reply) -> [Reply; 3] {
        Signal::ALL.map(|signal| ask(&self.shared, signal))
    }

    /// Tells the layers first: a retry that sleeps tries at once, and none sleeps past the deadline.
    fn close(&self, deadline: Duration) -> [Reply; 3] {
        if !self.shared.is_forked() {
            self.shutdown.trigger(clock::instant().checked_add(deadline).map(Into::into));
        }
        self.each(|shared, signal| shared.lane(signal).close(Some(deadline)))
    }

    /// The worker answers at the deadline; the grace is for a thread that is held up, so that the caller is not.
    fn settle_blocking(
        &self,
        operation: &str,
        replies: [Reply; 3],
        timeout: Duration,
    ) -> Result<DeliveryReport, Error> {
        const GRACE: Duration = Duration::from_millis(500);
        let started = self.shared.clock.read();
        let mut left = if runtime::is_current() { Duration::ZERO } else { timeout.saturating_add(GRACE) };
        let reports = replies.map(|reply| {
            let asked = self.shared.clock.read();
            let report = reply.wait(left);
            left = left.saturating_sub(self.shared.clock.since(asked));
            report
        });
        self.report(operation, started, reports)
    }

    fn report(
        &self,
        operation: &str,
        started: Reading,
        replies: [FlushReport; 3],
    ) -> Result<DeliveryReport, Error> {
        if self.shared.is_forked() {
            return Err(Error::forked());
        }
        let mut report =
            DeliveryReport { elapsed: self.shared.clock.since(started), ..DeliveryReport::default() };
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        for ((signal, reply), last) in Signal::ALL.into_iter().zip(replies).zip(reported.iter_mut()) {
            let books = report.signal_mut(signal);
            books.since_last = reply.stats.since(last);
            books.total = reply.stats;
            *last = later(last, &reply.stats);
            let dropped = books.since_last.dropped;
            report.timed_out |= !reply.complete || dropped.get(DropReason::Deadline) > 0;
            // Of a layer that panicked no observer has heard; the worker has caught it.
            if dropped.get(DropReason::LayerFailed) > 0 {
                report.last_error = reply.last_error;
            }
        }
        drop(reported);
        let said = self.shared.failures.take();
        report.last_error = report.last_error.or(said.error);
        report.last_message = said.message;
        if operation != "flush" {
            self.voice.say_books(&report);
        }
        if report.timed_out || report.lost().total() > 0 {
            return Err(Error::undelivered(operation, report));
        }
        Ok(report)
    }
}

/// The later of two snapshots. Counters only grow, and replies may arrive in another order than they were made in: the
/// one told last must not be older than one told before, or a loss would be told twice.
fn later(told: &Stats, now: &Stats) -> Stats {
    let progress = |stats: &Stats| stats.accepted + stats.delivered + stats.rejected + stats.dropped.total();
    if progress(now) < progress(told) { *told } else { *now }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.shared.is_forked() {
            // Whatever the end of these would wake or lock is the parent's: they are left as they are.
            std::mem::forget((Arc::clone(&self.shared), self.shutdown.clone(), self.checks.clone()));
            return;
        }
        let replies = self.close(self.drop_timeout);
        if !self.drop_timeout.is_zero() && !runtime::is_current() {
            // Nobody is left to tell.
            let _ = self.settle_blocking("drop", replies, self.drop_timeout);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.inner.destinations.endpoints().collect();
        f.debug_struct("Client").field("endpoints", &endpoints).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::Dropped;

    #[test]
    fn a_report_that_comes_late_does_not_untell_a_loss() {
        let mut dropped = Dropped::default();
        dropped.add(DropReason::QueueFull, 5);
        let (early, late) = (Stats::default(), Stats { accepted: 5, dropped, ..Stats::default() });
        let told = later(&late, &early);
        assert_eq!(late.since(&told).dropped.total(), 0, "told by the report that overtook the other");
        assert_eq!(later(&early, &late), late);
    }
}
