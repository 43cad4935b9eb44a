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
    use super::*;
    use crate::pace;
    use clap::Parser;
    use otlp::Client;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        shape: Shape,
    }

    /// How many spans are made at a rate, and how long that takes, on a clock that only waiting moves.
    fn made(rate: &str, shape: &str, duration: Option<Duration>, count: Option<u64>) -> (u64, Duration) {
        let client = Client::builder().with_disabled(true).build_blocking().unwrap();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let started = Instant::now();
            let job = Job {
                tracer: client.tracer("test"),
                shape: Line::parse_from(["load"].into_iter().chain(shape.split_whitespace())).shape,
                pace: pace::parse(rate).unwrap(),
                started,
                duration,
                count,
                ends: Arc::default(),
            };
            let ends = Arc::clone(&job.ends);
            let spans = job.make().await;
            assert_eq!(ends.summary().count, spans);
            (spans, started.elapsed())
        })
    }

    #[test]
    fn spans_are_made_at_the_rate() {
        // Whichever ends first. The first is due at once, so that the last is due one interval before the end.
        let ten_seconds = Duration::from_secs(10);
        assert_eq!(made("10", "", Some(ten_seconds), Some(5_000)), (100, ten_seconds));
        let counted = |rate, shape, count| {
            let (spans, took) = made(rate, shape, None, Some(count));
            assert_eq!(spans, count);
            took.as_millis()
        };
        // The clock of timers has milliseconds.
        for shape in ["", "--children 9"] {
            let took = counted("10", shape, 101);
            assert!((10_000..=10_001).contains(&took), "{shape} took {took} ms");
        }
        assert_eq!(made("max", "", Some(ten_seconds), Some(5_000)), (5_000, Duration::ZERO));
    }

    #[test]
    fn the_shares_are_the_whole() {
        for (count, threads) in [(10, 3), (1, 4), (0, 2), (1_000_001, 7)] {
            assert_eq!((0..threads).map(|thread| share(count, thread, threads)).sum::<u64>(), count);
        }
    }
}
