//! What became of everything the client accepted: the truth that `flush` and `shutdown` return.

use otlp_batch::Stats;
use otlp_model::{Dropped, Signal};
use std::fmt;
use std::time::Duration;

/// The books of one signal.
///
/// `accepted = delivered + rejected + Σ dropped + pending` holds in the totals. It need not hold in the figures since the
/// last report: what was pending then may have been delivered since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SignalReport {
    /// Everything since the client was built.
    pub total: Stats,
    /// What is new since the last report; the pending items are those of now.
    pub since_last: Stats,
}

/// The books of the client: how many items were accepted, and what became of each.
///
/// Totals count since the client was built; what [`lost`](Self::lost) tells is new since the last report, so that no
/// loss is told twice and none goes untold.
///
/// ```
/// # async fn f(client: otlp::Client) {
/// match client.flush().await {
///     Ok(report) => println!("{report}"),
///     Err(error) => eprintln!("{error}: {:?}", error.report().map(|report| report.lost())),
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// Spans.
    pub traces: SignalReport,
    /// Metric data points.
    pub metrics: SignalReport,
    /// Log records.
    pub logs: SignalReport,
    /// How long the flush or shutdown took.
    pub elapsed: Duration,
    /// Whether the deadline came before everything had an outcome.
    pub timed_out: bool,
    /// The most recent failure of an export since the last report, also of one that was made good by a retry.
    pub last_error: Option<String>,
    /// The most recent message of a receiver's partial success since the last report: why it rejected items, or a
    /// warning (conformance PART-04, PART-05).
    pub last_message: Option<String>,
}

impl DeliveryReport {
    /// The books of one signal.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> &SignalReport {
        match signal {
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
            _ => &self.traces,
        }
    }

    pub(crate) fn signal_mut(&mut self, signal: Signal) -> &mut SignalReport {
        match signal {
            Signal::Metrics => &mut self.metrics,
            Signal::Logs => &mut self.logs,
            _ => &mut self.traces,
        }
    }

    /// Items accepted by the client, over all signals, since it was built.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.sum(|stats| stats.accepted)
    }

    /// Items a receiver took.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.sum(|stats| stats.delivered)
    }

    /// Items a receiver refused in a partial success.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.sum(|stats| stats.rejected)
    }

    /// Items lost since the client was built, by reason.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.merged(|report| report.total.dropped)
    }

    /// Items lost since the last report, by reason.
    #[must_use]
    pub fn lost(&self) -> Dropped {
        self.merged(|report| report.since_last.dropped)
    }

    /// Items without an outcome yet: waiting or in flight.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.sum(|stats| stats.pending())
    }

    /// Whether the books balance; anything else is a bug of the client.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        Signal::ALL.into_iter().all(|signal| self.signal(signal).total.is_balanced())
    }

    /// Whether nothing was lost since the last report and nothing is left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.timed_out && self.lost().total() == 0 && self.pending() == 0
    }

    fn sum(&self, figure: impl Fn(&Stats) -> u64) -> u64 {
        Signal::ALL.into_iter().map(|signal| figure(&self.signal(signal).total)).sum()
    }

    fn merged(&self, figure: impl Fn(&SignalReport) -> Dropped) -> Dropped {
        let mut merged = Dropped::default();
        for signal in Signal::ALL {
            merged.merge(&figure(self.signal(signal)));
        }
        merged
    }
}

impl fmt::Display for DeliveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} accepted = {} delivered + {} rejected + {} dropped + {} pending",
            self.accepted(),
            self.delivered(),
            self.rejected(),
            self.dropped().total(),
            self.pending()
        )?;
        if self.dropped().total() > 0 {
            write!(f, " (dropped: {})", self.dropped())?;
        }
        Ok(())
    }
}
