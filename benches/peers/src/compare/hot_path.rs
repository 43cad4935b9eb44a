//! One and two threads on the hot path alone: our client with nobody behind it, on all cores. Whether producers hold each
//! other up is not to be seen end to end, where the thread that sends is the limit.

use super::statistics::Spread;
use crate::process::thread_cpu_ns;
use otlp::{Client, Signal};
use otlp_benches::{Shape, client, make};
use serde::{Deserialize, Serialize};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Spans of each thread in each round: two threads' fit into the queue of the defaults, so that nobody waits for the
/// client's own thread.
const SPANS: i64 = 40_000;
const ROUNDS: usize = 21;

/// What a round consists of: spans, and threads that make them.
const RUNS: [(Shape, usize); 3] = [(Shape::Full, 1), (Shape::Full, 2), (Shape::Keyed, 1)];

/// Spans per second, medians over rounds of one and two threads, and of prepared keys, in turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct HotPath {
    /// One thread, per second of its CPU time.
    pub(super) one_by_cpu: f64,
    /// Two threads at once, each per second of its CPU time, summed.
    pub(super) two_by_cpu: f64,
    /// One thread, per second.
    pub(super) one_by_wall: f64,
    /// Two threads at once, per second until the slower has ended.
    pub(super) two_by_wall: f64,
    /// One thread that sets its attributes by prepared keys, per second of its CPU time.
    #[serde(default)]
    pub(super) keyed_by_cpu: f64,
    /// Spans that were dropped meanwhile; any make the figures doubtful.
    pub(super) dropped: u64,
}

/// Measures; this process must have all cores.
pub(super) fn measure() -> Result<HotPath, String> {
    let client = client().map_err(|error| error.to_string())?;
    let mut rates: [Vec<(f64, f64)>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (index, (shape, threads)) in RUNS.into_iter().enumerate() {
            let rate = rate(&client, shape, threads).map_err(|error| error.to_string())?;
            client.flush_blocking().map_err(|error| error.to_string())?;
            // The first round makes the chunks.
            if round > 0 {
                rates[index].push(rate);
            }
        }
    }
    let median = |run: usize, of: fn(&(f64, f64)) -> f64| {
        Spread::of(rates[run].iter().map(of)).map_or(0.0, |spread| spread.median)
    };
    Ok(HotPath {
        one_by_cpu: median(0, |(cpu, _)| *cpu),
        two_by_cpu: median(1, |(cpu, _)| *cpu),
        one_by_wall: median(0, |(_, wall)| *wall),
        two_by_wall: median(1, |(_, wall)| *wall),
        keyed_by_cpu: median(2, |(cpu, _)| *cpu),
        dropped: client.stats(Signal::Traces).dropped.total(),
    })
}

/// Spans per second of so many threads: by their CPU time, and by the clock.
fn rate(client: &Client, shape: Shape, threads: usize) -> Result<(f64, f64), nix::Error> {
    let barrier = Barrier::new(threads);
    let work = || {
        let tracer = client.tracer("hot path");
        barrier.wait();
        let (wall, cpu) = (Instant::now(), thread_cpu_ns()?);
        (0..SPANS).for_each(|number| make(&tracer, shape, number));
        Ok((thread_cpu_ns()? - cpu, wall.elapsed()))
    };
    let times: Vec<(u64, Duration)> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        started.into_iter().filter_map(|thread| thread.join().ok()).collect::<Result<_, nix::Error>>()
    })?;
    let by_cpu = times.iter().map(|(cpu, _)| SPANS as f64 * 1e9 / *cpu as f64).sum();
    let longest = times.iter().map(|(_, wall)| *wall).max().unwrap_or_default();
    Ok((by_cpu, (SPANS * threads as i64) as f64 / longest.as_secs_f64()))
}
