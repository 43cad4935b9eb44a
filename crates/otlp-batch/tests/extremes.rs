//! The greatest values that options and arguments can have mean "without limit", and break nothing.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::convert::Infallible;
use std::time::Duration;

use otlp_batch::{
    Batch, BatchConfig, BatchHandle, ChunkPool, OverflowPolicy, PoolConfig, Strategy, Worker, pair,
};
use otlp_model::{DropReason, GroupId, Outcome, Record, Records};
use tokio::time::Instant;
use tower::{Service, service_fn};

const GROUP: GroupId = GroupId(0);

/// Everything without limit.
fn config() -> BatchConfig {
    BatchConfig {
        strategy: Strategy::Hybrid,
        max_batch_items: usize::MAX,
        max_batch_bytes: usize::MAX,
        max_delay: Duration::MAX,
        max_queue_items: usize::MAX,
        max_record_bytes: usize::MAX,
        overflow: OverflowPolicy::Block { timeout: Duration::MAX },
        max_in_flight: usize::MAX,
        shards: 64.try_into().ok(),
    }
}

/// One chunk, so that whoever pushes a second long record waits for the first to leave.
fn pool() -> ChunkPool {
    let config = PoolConfig {
        initial_size: 0,
        max_size: 4096,
        chunk_size: 4096,
        growth_factor: f64::MAX,
        ..PoolConfig::default()
    };
    ChunkPool::new(config).unwrap()
}

fn start(
    config: &BatchConfig,
    pool: &ChunkPool,
) -> (tokio::task::JoinHandle<otlp_batch::Stats>, BatchHandle) {
    let service = service_fn(|batch: Batch| async move {
        Ok::<_, Infallible>(Outcome { delivered: batch.items(), ..Outcome::default() })
    });
    let (worker, handle) = Worker::new(config, pool, service).unwrap();
    (tokio::spawn(worker), handle)
}

#[tokio::test(start_paused = true)]
async fn a_worker_without_limits_works() {
    let strategies = [Strategy::Size, Strategy::Time, Strategy::Hybrid];
    // Times that no process reaches, and one that no clock does.
    for (strategy, max_delay) in strategies.into_iter().flat_map(|strategy| {
        [Duration::from_secs(1 << 40), Duration::from_secs(1 << 62), Duration::MAX]
            .map(|delay| (strategy, delay))
    }) {
        let (worker, handle) = start(&BatchConfig { strategy, max_delay, ..config() }, &pool());
        for items in [1, u32::MAX, 0] {
            handle.queue().push(GROUP, items, b"record").unwrap();
            tokio::task::yield_now().await;
            assert_eq!(handle.stats().queued, u64::from(items), "{strategy:?}: it has time");
            assert!(handle.flush(Some(Duration::MAX)).await.complete);
        }
        assert_eq!(handle.queue().push(GROUP, 1, &[0; 5000]), Err(DropReason::TooLarge));
        let stats = handle.close(Some(Duration::MAX)).await.stats;
        assert_eq!((stats.delivered, stats.accepted), ((1 << 32), (1 << 32) + 1));
        assert_eq!(worker.await.unwrap(), stats);
        assert!(stats.is_balanced());
    }
}

/// The longest wait ends when there is room, on a thread and in a future.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_without_limit_ends_with_room() {
    let (_worker, handle) = start(&config(), &pool());
    let queue = handle.queue().clone();
    let fill = move || (0..50).for_each(|_| queue.push(GROUP, 1, &[0; 4000]).unwrap());
    std::thread::spawn(fill).join().unwrap();
    assert_eq!(handle.close(None).wait(Duration::MAX).stats.delivered, 50);

    let service = service_fn(|batch: Batch| async move {
        Ok::<_, Infallible>(Outcome { delivered: batch.items(), ..Outcome::default() })
    });
    let (mut service, worker) = pair(&config(), &pool(), service).unwrap();
    tokio::spawn(worker);
    let record = Record { group: GROUP, items: 1, bytes: bytes::Bytes::from(vec![0; 4000]) };
    for _ in 0..50 {
        service.call(record.clone()).await.unwrap();
    }
    assert_eq!(service.handle().close(None).await.stats.delivered, 50);
}

/// Each option alone at its greatest, the others as they are by default.
#[tokio::test(start_paused = true)]
async fn each_option_alone_works() {
    let usual = BatchConfig::default;
    for config in [
        BatchConfig { max_batch_bytes: usize::MAX, ..usual() },
        BatchConfig { max_delay: Duration::MAX, ..usual() },
        BatchConfig { max_queue_items: usize::MAX, ..usual() },
        BatchConfig { max_record_bytes: usize::MAX, ..usual() },
        BatchConfig { max_in_flight: usize::MAX, ..usual() },
        BatchConfig { overflow: OverflowPolicy::DropOldest, max_queue_items: usize::MAX, ..usual() },
    ] {
        let (_worker, handle) = start(&config, &ChunkPool::new(PoolConfig::default()).unwrap());
        let before = Instant::now();
        for _ in 0..5000 {
            handle.queue().push(GROUP, 1, b"record").unwrap();
        }
        assert_eq!(handle.close(None).await.stats.delivered, 5000);
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
    assert_eq!(
        BatchConfig { max_batch_items: usize::MAX, ..usual() }.validate().unwrap_err().field(),
        "max_batch_items"
    );
    assert_eq!(
        BatchConfig { shards: usize::MAX.try_into().ok(), ..usual() }.validate().unwrap_err().field(),
        "shards"
    );
}
