//! What the client says of its exports: a line for each batch and for each attempt.
//!
//! Told by the observers of the stack, on the client's own thread. What a line says is a function of the observation; who
//! hears it is the business of `voice`. No header values and no content of telemetry are in a line, but ids.

use crate::error::chain;
use crate::loss::LossBell;
use crate::observe::Failures;
use crate::voice::Voice;
use otlp_model::{Signal, SpanId};
use otlp_transport::{Disposition, Observation, Observe};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tracing::Level;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Batch,
    Attempt,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Attempt => "attempt",
        }
    }
}

/// Listens at one place of the stack.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    pub(crate) stage: Stage,
    pub(crate) failures: Failures,
    pub(crate) voice: Voice,
    pub(crate) losses: Arc<LossBell>,
}

impl Observe for Listener {
    fn observe(&self, observation: &Observation<'_>) {
        let error = observation.error.map(|error| chain(&**error));
        self.voice.say(&Line::of(self.stage, observation, error.as_deref()));
        let message = observation.response.and_then(|response| response.message.clone());
        self.failures.keep(error, message);
        self.losses.ring(|| false);
    }
}

/// A line, before it is known who hears it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line<'a> {
    pub(crate) level: Level,
    pub(crate) stage: Stage,
    pub(crate) signal: Signal,
    /// `delivered`, the class of a failure that may pass, the reason of a loss, `rejected` or `cancelled`.
    pub(crate) outcome: &'static str,
    pub(crate) items: u64,
    pub(crate) bytes: usize,
    pub(crate) attempt: u32,
    pub(crate) span_id: Option<SpanId>,
    pub(crate) error: Option<&'a str>,
    pub(crate) duration: Duration,
}

impl<'a> Line<'a> {
    fn of(stage: Stage, observed: &Observation<'a>, error: Option<&'a str>) -> Self {
        let (level, outcome) = match observed.disposition {
            None => (Level::WARN, "cancelled"),
            Some(Disposition::Delivered { rejected: 0 }) => (Level::DEBUG, "delivered"),
            Some(Disposition::Delivered { .. }) => (loss(stage), "rejected"),
            Some(Disposition::Retryable { error_type, .. }) => (loss(stage), error_type.as_str()),
            Some(Disposition::Permanent { reason }) => (loss(stage), reason.as_str()),
        };
        let message = observed.response.and_then(|response| response.message.as_deref());
        Self {
            level,
            stage,
            signal: observed.signal,
            outcome,
            items: observed.items,
            bytes: observed.body_len,
            attempt: observed.attempt,
            span_id: observed.first_span_id,
            error: error.or(message),
            duration: observed.latency,
        }
    }

    /// In milliseconds, to the microsecond.
    pub(crate) fn milliseconds(&self) -> f64 {
        self.duration.as_micros() as f64 / 1000.0
    }

    /// The end of a line. Its last word is the duration as a bare number, so that `awk '{print $NF}' | sort -n` sorts by it.
    pub(crate) fn message(&self) -> String {
        format!("{} {}, duration in ms: {}", self.stage.as_str(), self.outcome, self.milliseconds())
    }
}

/// A failed attempt may be made good; what a batch ends with may not.
const fn loss(stage: Stage) -> Level {
    match stage {
        Stage::Batch => Level::ERROR,
        Stage::Attempt => Level::WARN,
    }
}

impl fmt::Display for Line<'_> {
    /// As `tracing-subscriber` writes its fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { signal, outcome, items, bytes, attempt, .. } = self;
        write!(f, "signal={signal} outcome={outcome} items={items} bytes={bytes} attempt={attempt}")?;
        if let Some(span_id) = self.span_id {
            write!(f, " span_id={span_id}")?;
        }
        if let Some(error) = self.error {
            write!(f, " error={error}")?;
        }
        write!(f, " duration={} {}", self.milliseconds(), self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: Level, outcome: &'static str, error: Option<&'static str>) -> Line<'static> {
        Line {
            level,
            stage: Stage::Attempt,
            signal: Signal::Traces,
            outcome,
            items: 3,
            bytes: 120,
            attempt: 2,
            span_id: Some(SpanId::from_bytes([0xab; 8])),
            error,
            duration: Duration::from_micros(12_345),
        }
    }

    #[test]
    fn the_last_word_is_the_duration_and_the_second_what_happened() {
        let text = line(Level::WARN, "timeout", Some("request timeout after 10s")).to_string();
        assert_eq!(
            text,
            "signal=traces outcome=timeout items=3 bytes=120 attempt=2 span_id=abababababababab \
             error=request timeout after 10s duration=12.345 attempt timeout, duration in ms: 12.345"
        );
    }

    #[test]
    fn only_what_cannot_be_made_good_is_an_error() {
        assert_eq!((loss(Stage::Attempt), loss(Stage::Batch)), (Level::WARN, Level::ERROR));
    }
}
