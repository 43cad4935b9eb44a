//! The counts of what a collector has seen: what waits look at, and what timeouts print.
//!
//! Kept by the journal, read by tests. Never holds telemetry itself: that is [`Received`](crate::Received).

use crate::{Attempt, Payload};
use otlp_model::Signal;
use std::fmt;

/// What a collector has seen so far, in numbers.
///
/// ```
/// let tally = otlp_testkit::Tally::default();
/// assert_eq!(tally.items(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tally {
    /// Spans of accepted calls.
    pub spans: u64,
    /// Metric data points of accepted calls.
    pub data_points: u64,
    /// Log records of accepted calls.
    pub log_records: u64,
    /// Calls whose data counts as received.
    pub accepted_calls: u64,
    /// Items that the collector claimed, in partial successes, not to have kept.
    pub rejected_items: u64,
    /// Calls answered with an error, cut or left hanging.
    pub refused_calls: u64,
    /// Items of those calls.
    pub refused_items: u64,
    /// Requests that were no OTLP export call: wrong path, method, content type, or not decodable.
    pub malformed: u64,
}

impl Tally {
    /// Items received of all signals.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.spans + self.data_points + self.log_records
    }

    /// Items received of one signal.
    #[must_use]
    pub fn of(&self, signal: Signal) -> u64 {
        match signal {
            Signal::Traces => self.spans,
            Signal::Metrics => self.data_points,
            Signal::Logs => self.log_records,
            _ => 0,
        }
    }

    /// Calls of either fate.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.accepted_calls + self.refused_calls
    }

    pub(crate) fn count(&mut self, attempt: &Attempt) {
        let items = attempt.call.items;
        if !attempt.accepted {
            self.refused_calls += 1;
            self.refused_items += items;
            return;
        }
        self.accepted_calls += 1;
        self.rejected_items += attempt.reply.rejected();
        match attempt.call.payload {
            Payload::Traces(_) => self.spans += items,
            Payload::Metrics(_) => self.data_points += items,
            Payload::Logs(_) => self.log_records += items,
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spans, data_points, log_records, accepted_calls, refused_calls, refused_items, .. } = self;
        write!(f, "{} arrived", self.items())?;
        write!(f, " ({spans} spans, {data_points} data points, {log_records} log records)")?;
        write!(
            f,
            " in {accepted_calls} accepted calls; refused: {refused_calls} calls with {refused_items} items"
        )?;
        write!(f, "; malformed requests: {}", self.malformed)
    }
}
