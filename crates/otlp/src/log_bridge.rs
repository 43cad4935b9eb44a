//! The bridge from the `log` crate: what a program and its libraries log by its macros becomes log records.
//!
//! Knows how a record of `log` maps to one of OTLP, and nothing of how it is sent. What a record's target becomes is the
//! business of `scopes`, of its key-value pairs that of `pairs`.

mod pairs;
mod scopes;

use crate::client::Client;
use crate::foreign::contained;
use crate::log_record::LiveLog;
use crate::runtime;
use crate::shared::Shared;
use log::{Level, LevelFilter, Log, Metadata, Record, SetLoggerError};
use otlp_model::{Key, Severity, Signal};
use scopes::Scopes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

static NAMESPACE: Key = Key::new("code.namespace");
static FILE: Key = Key::new("code.file.path");
static LINE: Key = Key::new("code.line.number");

/// The crates whose own log records would be about exporting log records.
const OWN: [&str; 8] = [
    "otlp",
    "otlp_model",
    "otlp_sampling",
    "otlp_batch",
    "otlp_transport",
    "otlp_tower",
    "otlp_tracing",
    "otlp_opentelemetry",
];

/// Sends what is logged with the `log` crate's macros: a [`log::Log`], to be [installed](Self::install) as the logger of the
/// program, or to be called by another. Feature `log`.
///
/// A record's target becomes the scope's name (conformance LOG-17), its level the severity and the severity's text, its
/// message the body, its key-value pairs attributes of their own kinds, and its place in the source `code.file.path` and
/// `code.line.number` (with `code.namespace`, where the target is not the module). An error among the pairs
/// (`log::warn!(cause:err = error; "…")`) is described by `exception.*` attributes as well, with its chain. The record
/// belongs to the span whose context is current. It costs no allocation, unless its pairs need one to be shown.
///
/// Exporting does not log into itself: nothing is taken from the client's own thread, where its connections and the layers of
/// its user run, nor with a target of this workspace's crates. A `Display` that logs while it is shown makes two records;
/// one that panics is named in its place.
///
/// The bridge does not keep the client: what is logged after its end is counted as dropped (`shut_down`).
///
/// ```
/// # fn f(client: otlp::Client) -> Result<(), log::SetLoggerError> {
/// otlp::LogBridge::new(&client).with_level(log::LevelFilter::Debug).install()?;
/// log::info!(user = 7, cart = "c-17"; "checked out");
/// # Ok(()) }
/// ```
pub struct LogBridge {
    shared: Arc<Shared>,
    scopes: Scopes,
    level: LevelFilter,
    location: bool,
    tee: Option<(Box<dyn Log>, LevelFilter)>,
    flush_timeout: Duration,
}

impl LogBridge {
    /// A bridge to a client, for records of level info and above.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self {
            shared: client.shared_handle(),
            scopes: Scopes::new(client.resource().clone()),
            level: LevelFilter::Info,
            location: true,
            tee: None,
            flush_timeout: client.flush_timeout(),
        }
    }

    /// Which records are sent. Default: those of level info and above. The client's
    /// [`with_log_severity_threshold`](crate::ClientBuilder::with_log_severity_threshold) holds, too.
    #[must_use]
    pub fn with_level(self, level: LevelFilter) -> Self {
        Self { level, ..self }
    }

    /// Whether records say where in the source they were made. Default `true`.
    #[must_use]
    pub fn with_location(self, location: bool) -> Self {
        Self { location, ..self }
    }

    /// Another logger, which gets every record up to `level` before it is sent: on the client's own thread, too, and
    /// whatever is sent. Default: none.
    ///
    /// ```
    /// # struct Terminal;
    /// # impl log::Log for Terminal {
    /// #     fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
    /// #     fn log(&self, _: &log::Record<'_>) {}
    /// #     fn flush(&self) {}
    /// # }
    /// # fn f(client: otlp::Client) -> Result<(), log::SetLoggerError> {
    /// # let terminal = Terminal;
    /// // With env_logger: let terminal = env_logger::Builder::from_default_env().build(); its level is terminal.filter().
    /// otlp::LogBridge::new(&client).with_tee(terminal, log::LevelFilter::Warn).install()
    /// # }
    /// ```
    #[must_use]
    pub fn with_tee(self, logger: impl Log + 'static, level: LevelFilter) -> Self {
        Self { tee: Some((Box::new(logger), level)), ..self }
    }

    /// Makes it the logger of the program, and sets `log`'s maximum level to what it or its tee takes.
    ///
    /// # Errors
    ///
    /// The program has a logger already. The level is not touched then.
    pub fn install(self) -> Result<(), SetLoggerError> {
        let tee = self.tee.as_ref().map_or(LevelFilter::Off, |(_, level)| *level);
        let level = self.level.max(tee);
        log::set_boxed_logger(Box::new(self))?;
        log::set_max_level(level);
        Ok(())
    }

    fn sends(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
            && self.shared.log_filter.takes(severity(metadata.level()))
            && !is_own(metadata.target())
            && !runtime::is_current()
    }

    fn send(&self, record: &Record<'_>) {
        let (group, is_named) = self.scopes.group(&self.shared, record.target());
        let mut live = LiveLog::begin(severity(record.level()), &self.shared.log_limits);
        live.set_body_text(*record.args());
        live.writer.set_severity_text(record.level().as_str());
        // Whatever panics in there, the record is sent with what it has.
        contained(|| pairs::put(&mut live, record.key_values()));
        if !is_named {
            live.writer.set_attribute("log.target", record.target().into());
        }
        if self.location {
            if let Some(module) = record.module_path().filter(|module| *module != record.target()) {
                live.writer.set_attribute(&NAMESPACE, module.into());
            }
            if let Some(file) = record.file() {
                live.writer.set_attribute(&FILE, file.into());
            }
            if let Some(line) = record.line() {
                live.writer.set_attribute(&LINE, i64::from(line).into());
            }
        }
        live.emit(&self.shared, group, self.shared.log_filter);
    }
}

impl Log for LogBridge {
    /// Whether a record would be sent, or go to the tee.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let tees = |(logger, level): &(Box<dyn Log>, LevelFilter)| {
            metadata.level() <= *level && logger.enabled(metadata)
        };
        self.sends(metadata) || self.tee.as_ref().is_some_and(tees)
    }

    fn log(&self, record: &Record<'_>) {
        if let Some((logger, level)) = &self.tee
            && record.level() <= *level
        {
            logger.log(record);
        }
        if self.sends(record.metadata()) {
            self.send(record);
        }
    }

    /// Waits until what was logged before is delivered or lost, at most for
    /// [`with_flush_timeout`](crate::ClientBuilder::with_flush_timeout). It is no report: losses are told by the client's next.
    fn flush(&self) {
        if let Some((logger, _)) = &self.tee {
            logger.flush();
        }
        self.shared.wait_for_delivery(Signal::Logs, self.flush_timeout);
    }
}

/// The lowest of each range (conformance LOG-04).
fn severity(level: Level) -> Severity {
    match level {
        Level::Error => Severity::Error,
        Level::Warn => Severity::Warn,
        Level::Info => Severity::Info,
        Level::Debug => Severity::Debug,
        Level::Trace => Severity::Trace,
    }
}

fn is_own(target: &str) -> bool {
    // Other targets are mostly told by their first letters, at no cost.
    target.starts_with("otlp") && OWN.contains(&target.split("::").next().unwrap_or(target))
}

impl fmt::Debug for LogBridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tee = self.tee.as_ref().map(|(_, level)| level);
        f.debug_struct("LogBridge").field("level", &self.level).field("tee", &tee).finish_non_exhaustive()
    }
}
