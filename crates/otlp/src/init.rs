//! A client for the whole process, in one line: what an application's `main` wants, and libraries never call.
//!
//! The only global state there is. Everything else gets its client from whoever made it.

use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::detect;
use crate::error::Error;
use crate::logger::Logger;
use crate::propagation::{CompositePropagator, TextMapPropagator};
use crate::report::DeliveryReport;
use crate::shared::Shared;
use crate::tracer::{Tracer, TracerInner};
use otlp_model::GroupId;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

static INSTALLED: RwLock<Option<Client>> = RwLock::new(None);

/// Makes a client as the `OTEL_` variables say and installs it for the process: traces, logs and propagation in three lines.
///
/// Until the guard is dropped, [`tracer`], [`logger`] and [`propagator`] are the client's. Its resource has what
/// [`detect::STANDARD`] finds. With `OTEL_SDK_DISABLED=true` nothing is recorded, and propagation still works (conformance ENV-12).
///
/// ```no_run
/// fn main() -> Result<(), otlp::Error> {
///     let _guard = otlp::init()?;
///     let tracer = otlp::tracer("shop");
///     tracer.start("checkout").set_attribute("cart.items", 3);
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// As [`Client::from_env`], and [`Configuration`](crate::ErrorKind::Configuration) if the process has a client already; in a fork
/// that of the parent does not count.
pub fn init() -> Result<InitGuard, Error> {
    init_with(ClientBuilder::from_env().with_resource_detectors(&detect::STANDARD))
}

/// [`init`] with a builder: for what the environment does not say, or without it.
///
/// ```
/// use otlp::{ClientBuilder, detect};
/// # fn main() -> Result<(), otlp::Error> {
/// let builder = ClientBuilder::from_env().with_resource_detectors(&detect::STANDARD).with_service_name("checkout");
/// let guard = otlp::init_with(builder)?;
/// otlp::tracer("shop").start("checkout").end();
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`init`].
pub fn init_with(builder: ClientBuilder) -> Result<InitGuard, Error> {
    let refused = || {
        let problem = "the process has a client already; drop the guard of the first one before";
        Err(Error::option("otlp::init", problem))
    };
    if is_taken(installed().as_ref()) {
        return refused();
    }
    // Without the lock: layers and whoever hears the warnings are foreign code, and may ask for the client.
    let client = builder.build_blocking()?;
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    if is_taken(installed.as_ref()) {
        drop(installed);
        return refused();
    }
    let former = installed.replace(client.clone());
    drop(installed);
    drop(former);
    Ok(InitGuard { client })
}

/// A client of the process that this one was forked from is none.
fn is_taken(installed: Option<&Client>) -> bool {
    installed.is_some_and(|client| !client.shared().is_forked())
}

/// Keeps the client of [`init`] installed. When it is dropped, the client is shut down, within
/// [`with_drop_timeout`](ClientBuilder::with_drop_timeout) (5 s): what waits is sent, and what could not be is told by a line of `tracing`.
#[derive(Debug)]
#[must_use = "dropping the guard ends the client"]
pub struct InitGuard {
    client: Client,
}

impl InitGuard {
    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Makes what is logged with the `log` crate log records of the client, from level info on; for other levels, or another
    /// logger beside, [install](crate::LogBridge::install) a [`LogBridge`](crate::LogBridge) yourself. Feature `log`.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), otlp::Error> {
    /// let _guard = otlp::init()?.with_log_bridge()?;
    /// log::info!(user = 7; "checked out");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the program has a logger already. The guard is dropped then.
    #[cfg(feature = "log")]
    pub fn with_log_bridge(self) -> Result<Self, Error> {
        let installed = crate::LogBridge::new(&self.client).install();
        installed.map_err(|_| Error::option("with_log_bridge", "the program has a logger already"))?;
        Ok(self)
    }

    /// Shuts the client down, and tells what became of everything. Blocks for at most
    /// [`with_drop_timeout`](ClientBuilder::with_drop_timeout); for another time, or without blocking, use
    /// [`Client::shutdown`] of [`client`](Self::client).
    ///
    /// ```
    /// # fn main() -> Result<(), otlp::Error> {
    /// let guard = otlp::init_with(otlp::Client::builder())?;
    /// let report = guard.shutdown()?;
    /// assert_eq!(report.accepted(), 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Client::shutdown`].
    pub fn shutdown(self) -> Result<DeliveryReport, Error> {
        self.uninstall();
        let client = self.client.clone();
        // Its drop has nothing left to do.
        drop(self);
        client.shutdown_blocking(client.drop_timeout())
    }

    /// Whether it was installed still.
    fn uninstall(&self) -> bool {
        let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        let is_ours = installed.as_ref().is_some_and(|client| client.is(&self.client));
        // Dropped without the lock: another handle may be the last one.
        let former = if is_ours { installed.take() } else { None };
        drop(installed);
        former.is_some()
    }
}

impl Drop for InitGuard {
    fn drop(&mut self) {
        if !self.uninstall() {
            return;
        }
        if let Err(error) = self.client.shutdown_blocking(self.client.drop_timeout()) {
            tracing::warn!(target: "otlp", "{error}");
        }
    }
}

/// A tracer of the client that [`init`] installed; one that does nothing before that, and after the guard is gone. Get it after
/// `init`, and keep it.
///
/// ```
/// let mut span = otlp::tracer("shop").start("before init");
/// assert!(!span.is_recording());
/// span.end();
/// ```
pub fn tracer(scope: impl Into<Cow<'static, str>>) -> Tracer {
    match installed() {
        Some(client) => client.tracer(scope),
        None => Tracer { inner: Arc::new(TracerInner { shared: nothing(), group: GroupId(0) }) },
    }
}

/// A logger of the client that [`init`] installed; otherwise as [`tracer`].
///
/// ```
/// assert!(!otlp::logger("shop").enabled(otlp::Severity::Fatal), "before init");
/// ```
pub fn logger(scope: impl Into<Cow<'static, str>>) -> Logger {
    match installed() {
        Some(client) => client.logger(scope),
        None => Logger::new(nothing(), GroupId(0)),
    }
}

/// The propagator of the client that [`init`] installed; before that, and after the guard is gone, one that does nothing (DEC-13).
///
/// ```
/// assert!(otlp::propagator().fields().is_empty(), "before init");
/// ```
#[must_use]
pub fn propagator() -> Arc<dyn TextMapPropagator> {
    match installed() {
        Some(client) => Arc::clone(client.propagator()),
        None => Arc::new(CompositePropagator::new()),
    }
}

fn installed() -> Option<Client> {
    INSTALLED.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What tracers and loggers share that belong to no client.
fn nothing() -> Arc<Shared> {
    static NOTHING: OnceLock<Arc<Shared>> = OnceLock::new();
    Arc::clone(NOTHING.get_or_init(|| Arc::new(Shared::nothing())))
}
