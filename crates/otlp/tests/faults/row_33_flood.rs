//! Row 33: far more spans than the receiver takes. Nobody who makes them waits, the queue keeps its bounds at every moment, and
//! what did not fit is counted to the last item. (How much the process grows is measured in `tests/memory.rs`.)

use crate::support::{books, builder};
use otlp::{Client, DropReason, MemoryPoolConfig, Signal, Stats};
use otlp_testkit::{Collector, Reply};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const THREADS: usize = 8;
const SPANS: u64 = 20_000;
const MAX: usize = 2 * 1024 * 1024;

/// Floods a client from many threads while another looks at the books all the time.
fn flood(client: &Client) -> Stats {
    let running = Arc::new(AtomicUsize::new(THREADS));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            let running = Arc::clone(&running);
            scope.spawn(move || {
                let tracer = client.tracer("flood");
                for number in 0..SPANS {
                    let mut span = tracer.start("GET /users/{id}");
                    span.set_attribute("user.id", number).set_attribute("padding", "0123456789");
                }
                running.fetch_sub(1, Ordering::SeqCst);
            });
        }
        // Ends when the producers do: the receiver never answers, so they did not wait for it.
        while running.load(Ordering::SeqCst) > 0 {
            let stats = client.stats(Signal::Traces);
            assert!(stats.is_balanced() && stats.queued_bytes <= MAX as u64, "{stats:?}");
        }
    });
    client.stats(Signal::Traces)
}

#[test]
fn a_flood_at_a_mute_receiver_is_bounded_and_counted() {
    // conf: BATCH-01
    let collector = Collector::builder().grpc().reply(Reply::hang()).start_blocking().unwrap();
    let memory = MemoryPoolConfig { initial_size: 0, max_size: MAX, ..MemoryPoolConfig::default() };
    let client = builder(collector.grpc_endpoint()).with_memory_pool_config(memory).build_blocking().unwrap();
    let stats = flood(&client);
    assert_eq!(stats.accepted, THREADS as u64 * SPANS);
    assert!(stats.pending() > 1_000, "the queue is full: {stats:?}");
    let full = stats.dropped.get(DropReason::QueueFull);
    assert_eq!(full, stats.dropped.total());
    assert_eq!(full + stats.pending(), stats.accepted);

    // Once the receiver answers, what was kept is delivered; calls that hang meanwhile are given up and repeated.
    collector.set_script(Reply::ok());
    let report = books(client.shutdown_blocking(Duration::from_secs(1)));
    assert_eq!((report.accepted(), report.pending()), (stats.accepted, 0), "{report}");
}
