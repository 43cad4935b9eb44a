//! One thread that makes spans: as many as are due, until it is time or there are enough.
//!
//! Used by `load`, once per thread. Waits on tokio's clock.

use super::histogram::Histogram;
use super::shape::{Shape, Stencil};
use crate::pace::Pace;
use otlp::Tracer;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What a thread has to do.
pub(super) struct Job {
    pub(super) tracer: Tracer,
    pub(super) shape: Shape,
    pub(super) pace: Pace,
    pub(super) started: Instant,
    pub(super) duration: Option<Duration>,
    pub(super) count: Option<u64>,
    pub(super) ends: Arc<Histogram>,
}

/// Of `count` spans, those of thread number `thread` of `threads`.
pub(super) fn share(count: u64, thread: usize, threads: usize) -> u64 {
    let (thread, threads) = (thread as u64, threads.max(1) as u64);
    count / threads + u64::from(thread < count % threads)
}

impl Job {
    /// Makes the spans; how many were ended.
    pub(super) fn run(self) -> Result<u64, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        Ok(runtime.block_on(self.make()))
    }

    async fn make(self) -> u64 {
        let stencil = Stencil::new(self.shape.clone());
        let most = self.count.unwrap_or(u64::MAX);
        let end = self.duration.map(|duration| self.started + duration);
        let is_over = |now| end.is_some_and(|end| now >= end);
        let mut spans = 0;
        while spans < most {
            let now = Instant::now();
            if is_over(now) {
                break;
            }
            let due = self.pace.by(now - self.started).min(most);
            // By and by, so that a rate that can't be kept ends in time.
            let burst = due.min(spans + 1024);
            while spans < burst {
                spans += stencil.trace(&self.tracer, most - spans, &self.ends);
            }
            if spans >= due && spans < most {
                let next = self.started + self.pace.due(spans);
                sleep_until(end.map_or(next, |end| next.min(end))).await;
            }
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn the_shares_are_the_whole() {
        for (count, threads) in [(10, 3), (1, 4), (0, 2), (1_000_001, 7)] {
            assert_eq!((0..threads).map(|thread| share(count, thread, threads)).sum::<u64>(), count);
        }
    }
}
