//! Whether the client loses more than it should: a look at the books, on the client's thread, after whatever the exports
//! have done, or when something was lost before it came to one; and once more at the end of the window that begins with a loss.
//! The first time that limits cost a span or a log record something, that is told from here, too.
//!
//! The core is a function of the books; the shell waits, and calls what the application has set. Counts nothing by itself, and
//! has no timer while nothing is lost: an idle client sleeps.

use crate::foreign::contained;
use crate::signal_config::PerSignal;
use crate::voice::Voice;
use futures_util::future::join;
use otlp_batch::{BatchHandle, Stats};
use otlp_model::{Dropped, Signal};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// What was lost in a window of time, over all signals; for
/// [`with_loss_callback`](crate::ClientBuilder::with_loss_callback).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LossReport {
    /// How long the window was.
    pub window: Duration,
    /// Items that were accepted in it.
    pub accepted: u64,
    /// Items that were dropped in it, by reason. They may have been accepted before.
    pub dropped: Dropped,
    /// Items that receivers rejected in it.
    pub rejected: u64,
}

impl LossReport {
    /// The items that were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped.total() + self.rejected
    }

    /// The share of the accepted items that were lost; 1 when more was lost than accepted in the window.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let lost = self.lost();
        if lost == 0 { 0.0 } else { lost as f64 / self.accepted.max(lost) as f64 }
    }
}

impl fmt::Display for LossReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { window, accepted, dropped, rejected, .. } = self;
        let percent = self.rate() * 100.0;
        write!(f, "{percent:.2} % lost in {window:?}: {} of {accepted} items (", self.lost())?;
        if dropped.total() > 0 {
            write!(f, "{dropped}")?;
        }
        if *rejected > 0 {
            let comma = if dropped.total() > 0 { ", " } else { "" };
            write!(f, "{comma}{rejected} rejected")?;
        }
        f.write_str(")")
    }
}

/// Whom to tell.
pub(crate) type LossCallback = Arc<dyn Fn(&LossReport) + Send + Sync>;

/// From which share of losses on, and over which time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LossLimit {
    pub(crate) threshold: f64,
    pub(crate) window: Duration,
}

impl Default for LossLimit {
    fn default() -> Self {
        Self { threshold: 0.01, window: Duration::from_secs(60) }
    }
}

/// Has the watch look at the books.
///
/// It is rung after the loss is in the books, or on the client's thread, where the watch does not run before it is. The books
/// have locks: whoever finds it rung already, and so leaves no trace, has counted before the look that is still to come.
#[derive(Debug, Default)]
pub(crate) struct LossBell {
    is_rung: AtomicBool,
    wake: Notify,
    /// Whether limits have cost something of a signal.
    limited: PerSignal<AtomicBool>,
    wake_for_limits: Notify,
}

impl LossBell {
    /// Only the first since the last look writes, asks whether this is a fork, in which nobody listens and locks may be held
    /// for good, and wakes: a flood of losses is no flood of this.
    pub(crate) fn ring(&self, is_forked: impl FnOnce() -> bool) {
        if !self.is_rung.load(Ordering::Relaxed)
            && !self.is_rung.swap(true, Ordering::Relaxed)
            && !is_forked()
        {
            self.wake.notify_one();
        }
    }

    /// Limits cost a span or a log record a part. Only the first of its signal is worth a word (conformance LIM-11).
    pub(crate) fn limited(&self, signal: Signal, is_forked: impl FnOnce() -> bool) {
        let limited = self.limited.get(signal);
        if !limited.load(Ordering::Relaxed) && !limited.swap(true, Ordering::Relaxed) && !is_forked() {
            self.wake_for_limits.notify_one();
        }
    }

    /// Before a look.
    async fn rung(&self) {
        self.wake.notified().await;
        self.is_rung.store(false, Ordering::Relaxed);
    }
}

/// The core: the books before anything of the present window was lost.
#[derive(Debug)]
struct LossWatch {
    limit: LossLimit,
    before: [Stats; 3],
}

impl LossWatch {
    /// Whether a window begins with these books: something was lost since the last look, which otherwise becomes this one.
    fn begins(&mut self, books: [Stats; 3]) -> bool {
        let begins = books.iter().zip(&self.before).any(|(now, before)| now.lost() > before.lost());
        if !begins {
            self.before = books;
        }
        begins
    }

    /// What to tell at the end of a window with these books.
    fn window_ended(&mut self, books: [Stats; 3]) -> Option<LossReport> {
        let mut report =
            LossReport { window: self.limit.window, accepted: 0, dropped: Dropped::default(), rejected: 0 };
        for (now, before) in books.iter().zip(&self.before) {
            let new = now.since(before);
            report.accepted += new.accepted;
            report.rejected += new.rejected;
            report.dropped.merge(&new.dropped);
        }
        self.before = books;
        (report.rate() > self.limit.threshold).then_some(report)
    }
}

/// The shell, which ends with its runtime.
pub(crate) async fn watch(
    limit: LossLimit,
    lanes: [BatchHandle; 3],
    bell: Arc<LossBell>,
    voice: Voice,
    callback: Option<LossCallback>,
) {
    join(watch_losses(limit, lanes, &bell, &voice, callback), watch_limits(&bell, &voice)).await;
}

/// Waits for the first of each signal; a window of losses that is open meanwhile is no reason to tell it later.
async fn watch_limits(bell: &LossBell, voice: &Voice) {
    let mut told = PerSignal::<bool>::default();
    loop {
        bell.wake_for_limits.notified().await;
        for signal in Signal::ALL {
            if !told.get(signal) && bell.limited.get(signal).load(Ordering::Relaxed) {
                *told.get_mut(signal) = true;
                voice.say_limits(signal);
            }
        }
    }
}

async fn watch_losses(
    limit: LossLimit,
    lanes: [BatchHandle; 3],
    bell: &LossBell,
    voice: &Voice,
    callback: Option<LossCallback>,
) {
    let books = || [0, 1, 2].map(|lane: usize| stats(&lanes, lane));
    let mut watch = LossWatch { limit, before: [Stats::default(); 3] };
    loop {
        bell.rung().await;
        // The books follow the observers.
        tokio::task::yield_now().await;
        if !watch.begins(books()) {
            continue;
        }
        tokio::time::sleep(limit.window).await;
        if let Some(report) = watch.window_ended(books()) {
            voice.say_loss(&report);
            if let Some(callback) = &callback {
                // Foreign code: when it panics, it is told again after the next window.
                contained(|| callback(&report));
            }
        }
    }
}

fn stats(lanes: &[BatchHandle; 3], lane: usize) -> Stats {
    lanes.get(lane).map(BatchHandle::stats).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::DropReason;

    fn books(accepted: u64, dropped: u64, rejected: u64) -> Stats {
        let mut stats = Stats { accepted, rejected, ..Stats::default() };
        stats.dropped.add(DropReason::QueueFull, dropped);
        stats
    }

    #[test]
    fn a_window_begins_with_the_first_loss_since_the_last_look() {
        let mut watch = LossWatch { limit: LossLimit::default(), before: [Stats::default(); 3] };
        let none = Stats::default();
        assert!(!watch.begins([none; 3]) && !watch.begins([books(1_000, 0, 0), none, none]));
        assert!(watch.begins([books(1_100, 0, 0), none, books(10, 0, 3)]));
        let report = watch.window_ended([books(1_190, 0, 0), none, books(10, 0, 3)]).unwrap();
        assert_eq!((report.accepted, report.lost()), (200, 3), "since the last look without a loss");
        assert!(!watch.begins([books(1_300, 0, 0), none, books(10, 0, 3)]));
    }

    #[test]
    fn a_window_is_told_of_when_more_than_the_threshold_was_lost_in_it() {
        let mut watch = LossWatch { limit: LossLimit::default(), before: [Stats::default(); 3] };
        let none = Stats::default();
        assert_eq!(watch.window_ended([none; 3]), None, "nothing was accepted");
        assert_eq!(watch.window_ended([books(100, 1, 0), none, none]), None, "exactly 1 %");
        let report = watch.window_ended([books(200, 3, 0), none, books(10, 0, 1)]).unwrap();
        assert_eq!((report.accepted, report.lost(), report.rejected), (110, 3, 1));
        assert_eq!(report.to_string(), "2.73 % lost in 60s: 3 of 110 items (2 queue_full, 1 rejected)");
        assert_eq!(
            watch.window_ended([books(300, 3, 0), none, books(10, 0, 1)]),
            None,
            "old losses are told"
        );
        // What was accepted before the window is lost in it.
        let report = watch.window_ended([books(300, 53, 0), none, books(10, 0, 1)]).unwrap();
        assert!((report.rate() - 1.0).abs() < f64::EPSILON);
    }
}
