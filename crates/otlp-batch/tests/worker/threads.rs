//! Plain threads that flush: they need no runtime, and miss no answer.

use std::convert::Infallible;
use std::time::Duration;

use otlp_batch::{Batch, BatchConfig, ChunkPool, PoolConfig, Worker};
use otlp_model::Records;
use tower::service_fn;

use super::{config, delivered, pool, push};

/// A blocking wait works inside a runtime, and is bounded though the worker never runs.
// conf: BATCH-13
#[tokio::test]
async fn a_blocking_wait_is_bounded() {
    let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    push(&handle, 5);
    let report = handle.flush(None).wait(Duration::from_millis(5));
    assert!(!report.complete);
    assert_eq!(report.stats.pending(), 5);
    drop(worker);
}

/// A plain thread waits for a flush without any runtime of its own.
#[test]
fn a_plain_thread_flushes() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
    let (worker, handle) = Worker::new(&config(), &pool(), service).unwrap();
    runtime.spawn(worker);
    push(&handle, 5);
    let report = handle.flush(None).wait(Duration::from_secs(600));
    assert!(report.complete);
    assert_eq!(report.stats.delivered, 5);
}

/// Producers on real threads, a worker on another, and flushes in between: no wake-up is missed, or a flush would
/// not be answered.
// conf: BATCH-10, BATCH-19, BATCH-20
#[test]
fn flushes_from_plain_threads_race_with_producers() {
    const ROUNDS: u64 = 300;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let service = service_fn(|batch: Batch| async move {
        tokio::task::yield_now().await;
        Ok::<_, Infallible>(delivered(batch.items()))
    });
    let config = BatchConfig { max_queue_items: 1 << 20, shards: 2.try_into().ok(), ..config() };
    let pool = ChunkPool::new(PoolConfig::default()).unwrap();
    let (worker, handle) = Worker::new(&config, &pool, service).unwrap();
    let worker = runtime.spawn(worker);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    push(&handle, 7);
                    let report = handle.flush(None).wait(Duration::from_secs(600));
                    assert!(report.complete && report.stats.is_balanced());
                    assert!(report.stats.delivered >= 7 * round);
                }
            });
        }
    });
    let report = handle.close(None).wait(Duration::from_secs(600));
    assert_eq!((report.stats.delivered, report.stats.accepted), (21 * ROUNDS, 21 * ROUNDS));
    assert_eq!(runtime.block_on(worker).unwrap(), report.stats);
}
