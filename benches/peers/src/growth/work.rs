//! How a point is measured: threads that make spans, and the CPU time that they and the process take for it.

use super::curve::Sample;
use crate::process::{cpu_ns, thread_cpu_ns};
use otlp::{Client, ClientBuilder, OverflowPolicy, Signal};
use std::sync::Barrier;
use std::time::Duration;

/// The line of the threads that make spans.
pub(super) const PRODUCER: &str = "producing thread";
/// The line of everything, the client's own thread included.
pub(super) const PROCESS: &str = "whole process";

/// How much is done for a point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) rounds: usize,
    pub(super) spans: u64,
}

impl Size {
    pub(super) const fn new(quick: bool) -> Self {
        if quick { Self { rounds: 3, spans: 10_000 } } else { Self { rounds: 5, spans: 100_000 } }
    }
}

/// A client that sends nowhere and loses nothing: a producer that is faster than it waits, which takes no CPU time.
pub(super) fn client(options: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Client, String> {
    let block = OverflowPolicy::Block { timeout: Duration::from_secs(60) };
    otlp_benches::client_with(|builder| options(builder.with_overflow_policy(block)))
        .map_err(|error| error.to_string())
}

/// Has `threads` threads make `spans` spans each, `make` being called with the thread and the span's number.
pub(super) fn cost(
    client: &Client,
    threads: u64,
    spans: u64,
    make: impl Fn(u64, u64) + Sync,
) -> Result<Sample, String> {
    // Memory, buffers and the client's thread are warm then.
    let warm = spans / 10 + 1;
    let flush = || {
        client.flush_blocking().map_err(|error| error.to_string())?;
        let (user, system) = cpu_ns().map_err(|error| error.to_string())?;
        Ok::<_, String>(user + system)
    };
    let (producers, before) = on_threads(threads, warm, spans, flush, &make)?;
    let process = flush()? - before?;
    let stats = client.stats(Signal::Traces);
    let made = threads * (warm + spans);
    if stats.delivered != made || !stats.is_balanced() {
        return Err(format!("{made} spans made, but the books say {stats:?}"));
    }
    let each = |ns: u64| ns as f64 / (threads * spans) as f64;
    Ok(vec![(PRODUCER, each(producers)), (PROCESS, each(process))])
}

/// Makes `warm` spans on each of the threads, then calls `between` while they wait, then makes `spans` more; the CPU time
/// of the threads for the latter, summed, in nanoseconds.
pub(super) fn on_threads<T>(
    threads: u64,
    warm: u64,
    spans: u64,
    between: impl FnOnce() -> T,
    make: &(impl Fn(u64, u64) + Sync),
) -> Result<(u64, T), String> {
    let barrier = &Barrier::new(threads as usize + 1);
    let run = |thread| {
        (0..warm).for_each(|number| make(thread, number));
        barrier.wait();
        barrier.wait();
        let before = thread_cpu_ns()?;
        (0..spans).for_each(|number| make(thread, number));
        thread_cpu_ns().map(|after| after - before)
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        barrier.wait();
        let between = between();
        barrier.wait();
        let mut sum = 0;
        for thread in running {
            let time = thread.join().map_err(|_| "a producing thread panicked".to_owned())?;
            sum += time.map_err(|error| error.to_string())?;
        }
        Ok((sum, between))
    })
}
