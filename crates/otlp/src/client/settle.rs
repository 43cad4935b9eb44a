//! What becomes of the workers' answers: the wait for them, and the one report made of the three. Used by `flush.rs`; asks
//! the workers nothing.

use super::Inner;
use crate::clock::Reading;
use crate::error::Error;
use crate::report::DeliveryReport;
use crate::runtime;
use futures_util::future::join3;
use otlp_batch::{FlushReport, Reply, Stats};
use otlp_model::{DropReason, Signal};
use std::sync::PoisonError;
use std::time::Duration;

impl Inner {
    pub(super) async fn settle(
        &self,
        operation: &str,
        [traces, metrics, logs]: [Reply; 3],
    ) -> Result<DeliveryReport, Error> {
        let started = self.shared.clock.read();
        let (traces, metrics, logs) = join3(traces, metrics, logs).await;
        self.report(operation, started, [traces, metrics, logs])
    }

    /// The worker answers at the deadline; the grace is for a thread that is held up, so that the caller is not.
    pub(super) fn settle_blocking(
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
