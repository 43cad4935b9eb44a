//! Who hears the client's lines: the application's `tracing` subscriber or, where that does not care, its `log` logger; and
//! stderr, if `OTLP_DEBUG` is set.
//!
//! Lines are told from the client's own thread, on which everything else is silent (conformance BATCH-26). While one is told,
//! telemetry made on that thread goes nowhere: an application may turn its log into telemetry of this client, and a line
//! about a batch must not become part of the next one.

use crate::foreign::contained;
use crate::lines::{Line, Stage};
use crate::loss::LossReport;
use crate::report::DeliveryReport;
use crate::runtime;
use otlp_batch::Stats;
use otlp_model::Signal;
use std::fmt;
use std::io::Write;
use tracing::Level;
use tracing::dispatcher::{self, Dispatch, WeakDispatch};
use tracing::subscriber::NoSubscriber;

/// What lines are filtered by: `otlp=debug` shows all of them.
const TARGET: &str = "otlp::export";

const LOSS: &str = "otlp::loss";

const LIMITS: &str = "otlp::limits";

/// Says lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Voice {
    /// The subscriber of the thread that built the client, if it had one, for as long as somebody else keeps it. Otherwise, and
    /// afterwards, it is the global one, which may be set later.
    builders: Option<WeakDispatch>,
    to_stderr: bool,
}

macro_rules! tell {
    ($level:expr, $line:expr) => {{
        let heard = tracing::enabled!(target: TARGET, $level);
        if heard {
            let line: &Line<'_> = $line;
            tracing::event!(
                target: TARGET,
                $level,
                signal = %line.signal,
                outcome = %line.outcome,
                items = line.items,
                bytes = line.bytes,
                attempt = line.attempt,
                span_id = line.span_id.map(tracing::field::display),
                error = line.error.map(tracing::field::display),
                duration = line.milliseconds(),
                message = %line.message(),
            );
        }
        heard
    }};
}

impl Voice {
    /// For a client that is built on this thread.
    pub(crate) fn new(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let builders = subscriber();
        let to_stderr = lookup("OTLP_DEBUG").is_some_and(|value| !matches!(value.trim(), "" | "0" | "false"));
        Self { builders, to_stderr }
    }

    /// Says a line to whoever listens. Subscribers are foreign code: one that panics costs the line, and nothing else.
    pub(crate) fn say(&self, line: &Line<'_>) {
        if self.to_stderr && (line.stage == Stage::Batch || line.level != Level::DEBUG) {
            write_stderr(format_args!("{}", Readable(line)));
        }
        self.aloud(|| {
            let (heard, level) = match line.level {
                Level::ERROR => (tell!(Level::ERROR, line), log::Level::Error),
                Level::WARN => (tell!(Level::WARN, line), log::Level::Warn),
                _ => (tell!(Level::DEBUG, line), log::Level::Debug),
            };
            if !heard {
                log::log!(target: TARGET, level, "{line}");
            }
        });
    }

    /// Warns of losses.
    pub(crate) fn say_loss(&self, report: &LossReport) {
        if self.to_stderr {
            write_stderr(format_args!("{report}"));
        }
        self.aloud(|| {
            if tracing::enabled!(target: LOSS, Level::WARN) {
                tracing::warn!(target: LOSS, lost = report.lost(), accepted = report.accepted, "{report}");
            } else {
                log::warn!(target: LOSS, "{report}");
            }
        });
    }

    /// Warns of limits that cost something of a signal.
    pub(crate) fn say_limits(&self, signal: Signal) {
        let of = match signal {
            Signal::Logs => "a log record attributes",
            _ => "a span attributes, events or links",
        };
        let text = format!(
            "limits, or an empty key, cost {of}; such {signal} say how many, and it is told once (see with_limits)"
        );
        if self.to_stderr {
            write_stderr(format_args!("{text}"));
        }
        self.aloud(|| {
            if tracing::enabled!(target: LIMITS, Level::WARN) {
                tracing::warn!(target: LIMITS, "{text}");
            } else {
                log::warn!(target: LIMITS, "{text}");
            }
        });
    }

    /// The books of a client that was shut down, for those who read stderr.
    pub(crate) fn say_books(&self, report: &DeliveryReport) {
        if !self.to_stderr {
            return;
        }
        for signal in Signal::ALL {
            let Stats { accepted, delivered, rejected, dropped, .. } = report.signal(signal).total;
            let pending = report.signal(signal).total.pending();
            let lost = dropped.total();
            write_stderr(format_args!(
                "{signal}: {accepted} accepted = {delivered} delivered + {rejected} rejected + {lost} dropped + {pending} pending",
            ));
        }
    }

    fn aloud(&self, say: impl FnOnce()) {
        contained(|| {
            runtime::aloud(|| match self.builders.as_ref().and_then(WeakDispatch::upgrade) {
                Some(subscriber) => dispatcher::with_default(&subscriber, say),
                None => say(),
            });
        });
    }
}

/// The subscriber of this thread, if it has one.
pub(crate) fn subscriber() -> Option<WeakDispatch> {
    dispatcher::get_default(|now: &Dispatch| (!now.is::<NoSubscriber>()).then(|| now.downgrade()))
}

/// A line for people.
struct Readable<'a>(&'a Line<'a>);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { stage, signal, outcome, items, bytes, attempt, span_id, error, .. } = self.0;
        match stage {
            Stage::Batch => {
                write!(f, "{signal}: {items} items, {bytes} bytes: {outcome} after {attempt} attempts, ")?
            }
            Stage::Attempt => {
                write!(f, "{signal}: {items} items, {bytes} bytes: {outcome} in attempt {attempt}, ")?
            }
        }
        write!(f, "{} ms", self.0.milliseconds())?;
        if let Some(span_id) = span_id {
            write!(f, ", first span {span_id}")?;
        }
        error.map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

/// A stderr that is closed is no reason to panic.
fn write_stderr(text: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr().lock(), "otlp: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_is_asked_for_by_any_value_that_is_no_no() {
        let asked = |value: Option<&str>| Voice::new(|_| value.map(str::to_owned)).to_stderr;
        assert!(asked(Some("1")) && asked(Some("true")) && asked(Some("yes")));
        assert!(!asked(None) && !asked(Some("")) && !asked(Some("0")) && !asked(Some("false")));
    }
}
