//! What a load came to: a line while it runs, a table and a JSON document at the end.
//!
//! Pure. The books are the client's; what it is held against is how many spans were ended.

use super::histogram::{Histogram, Summary};
use crate::books;
use otlp::{DeliveryReport, Stats};
use serde_json::{Value, json};
use std::time::Duration;

/// All figures of a load.
pub(super) struct Measured {
    /// Spans that were ended.
    pub(super) spans: u64,
    /// From the first span to the last.
    pub(super) producing: Duration,
    /// The same, and the delivery of what was queued then.
    pub(super) total: Duration,
    pub(super) ends: Summary,
    /// Those that were made, whatever they came to.
    pub(super) attempts: Summary,
    /// Those that were made to fail in place of being made.
    pub(super) made_to_fail: u64,
    pub(super) report: DeliveryReport,
}

impl Measured {
    /// Whether every span that was ended is in the books, and these add up.
    pub(super) fn is_balanced(&self) -> bool {
        self.report.is_balanced() && self.report.accepted() == self.spans && self.ends.count == self.spans
    }

    fn lost(&self) -> f64 {
        let lost = self.report.accepted() - self.report.delivered();
        lost as f64 / self.report.accepted().max(1) as f64
    }

    pub(super) fn text(&self) -> String {
        let Self { spans, producing, total, ends, attempts, made_to_fail, report } = self;
        let made_to_fail =
            if *made_to_fail == 0 { String::new() } else { format!("; besides {made_to_fail} made to fail") };
        let balance =
            if self.is_balanced() { "balance" } else { "DO NOT BALANCE: this is a bug of the client" };
        format!(
            "spans ended     {spans} in {producing:.2?}, {:.0}/s\n\
             Span::end       p50 {:?}  p99 {:?}  max {:?}\n\
             attempts        {}: p50 {:.1?}  p99 {:.1?}  max {:.1?}{made_to_fail}\n\
             delivered       {} in {total:.2?}, {:.0}/s\n\
             lost            {:.3} %\n\
             the books       {balance}\n{}",
            rate(*spans, *producing),
            ends.p50,
            ends.p99,
            ends.max,
            attempts.count,
            attempts.p50,
            attempts.p99,
            attempts.max,
            report.delivered(),
            rate(report.delivered(), *total),
            self.lost() * 100.0,
            books::text(report),
        )
    }

    pub(super) fn to_json(&self) -> Value {
        let nanos = |summary: &Summary| {
            json!({
                "count": summary.count,
                "p50": summary.p50.as_nanos() as u64,
                "p99": summary.p99.as_nanos() as u64,
                "max": summary.max.as_nanos() as u64,
            })
        };
        json!({
            "spans": self.spans,
            "producing_seconds": self.producing.as_secs_f64(),
            "total_seconds": self.total.as_secs_f64(),
            "spans_per_second": rate(self.spans, self.producing),
            "delivered_per_second": rate(self.report.delivered(), self.total),
            "lost_share": self.lost(),
            "end_nanoseconds": nanos(&self.ends),
            "attempt_nanoseconds": nanos(&self.attempts),
            "attempts_made_to_fail": self.made_to_fail,
            "balanced": self.is_balanced(),
            "books": books::to_json(&self.report),
        })
    }
}

/// How it goes, in one line.
pub(super) fn live(stats: &Stats, elapsed: Duration, ends: &Histogram, attempts: &Histogram) -> String {
    let (ends, attempts) = (ends.summary(), attempts.summary());
    format!(
        "{} spans, {:.0}/s, end p50 {:?} p99 {:?}, attempt p50 {:.1?} p99 {:.1?}, {} delivered, {} lost, {} pending",
        stats.accepted,
        rate(stats.accepted, elapsed),
        ends.p50,
        ends.p99,
        attempts.p50,
        attempts.p99,
        stats.delivered,
        stats.rejected + stats.dropped.total(),
        stats.pending(),
    )
}

fn rate(items: u64, time: Duration) -> f64 {
    items as f64 / time.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp::{DropReason, Dropped};

    /// 97 values of one kind and 3 of the other.
    fn histogram(most: Duration, few: Duration) -> Histogram {
        let histogram = Histogram::default();
        (0..97).for_each(|_| histogram.record(most));
        (0..3).for_each(|_| histogram.record(few));
        histogram
    }

    #[test]
    fn the_line_that_is_shown_meanwhile_has_times_throughput_and_losses() {
        let mut dropped = Dropped::default();
        dropped.add(DropReason::QueueFull, 20);
        dropped.add(DropReason::RetriesExhausted, 3);
        let stats = Stats {
            accepted: 1_000,
            delivered: 900,
            rejected: 7,
            dropped,
            queued: 60,
            in_flight: 10,
            ..Stats::default()
        };
        assert!(stats.is_balanced());
        let ends = histogram(Duration::from_nanos(10), Duration::from_nanos(20));
        let attempts = histogram(Duration::from_millis(2), Duration::from_millis(40));
        assert_eq!(
            live(&stats, Duration::from_secs(4), &ends, &attempts),
            "1000 spans, 250/s, end p50 10ns p99 20ns, attempt p50 2.0ms p99 40.0ms, 900 delivered, 30 lost, 70 pending"
        );
        // Before there is anything, there is nothing to divide by.
        assert_eq!(
            live(&Stats::default(), Duration::ZERO, &Histogram::default(), &Histogram::default()),
            "0 spans, 0/s, end p50 0ns p99 0ns, attempt p50 0.0ns p99 0.0ns, 0 delivered, 0 lost, 0 pending"
        );
    }
}
