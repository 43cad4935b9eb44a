//! What the worker does for the memory of its queue: used up, ready ahead, given back.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use otlp_batch::{Batch, BatchConfig, ChunkPool, PoolConfig, Strategy, Worker};
use otlp_model::Records;
use tokio_test::{assert_pending, assert_ready, task};
use tower::service_fn;

use super::{GROUP, config, delivered, pool, push};

/// With the size strategy, a queue whose memory is used up is as full as it gets: it is sent, and does not stall.
#[tokio::test(start_paused = true)]
async fn a_queue_short_of_memory_is_sent_whatever_the_strategy() {
    let pool = ChunkPool::new(PoolConfig {
        max_size: 4096,
        chunk_size: 4096,
        initial_size: 0,
        ..Default::default()
    });
    let config = BatchConfig {
        strategy: Strategy::Size,
        max_batch_items: 1000,
        max_queue_items: 1000,
        ..BatchConfig::default()
    };
    let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
    let (worker, handle) = Worker::new(&config, &pool.unwrap(), service).unwrap();
    tokio::spawn(worker);
    for _ in 0..100 {
        while handle.queue().push(GROUP, 1, &[0; 1000]).is_ok() {}
        tokio::task::yield_now().await;
    }
    assert!(handle.stats().delivered > 100, "{:?}", handle.stats());
}

/// Handles outlive the workers; the memory does not. It is gone when the last close is answered.
// conf: BATCH-12
#[tokio::test(start_paused = true)]
async fn closing_the_last_queue_gives_all_memory_back() {
    let pool = ChunkPool::new(PoolConfig::default()).unwrap();
    let started = || {
        let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
        let (worker, handle) = Worker::new(&config(), &pool, service).unwrap();
        // Kept, though it has ended.
        (task::spawn(worker), handle)
    };
    let (mut one, traces) = started();
    let (mut other, logs) = started();
    push(&traces, 25);
    push(&logs, 5);
    let close = traces.close(None);
    assert_ready!(one.poll());
    assert_eq!(close.await.stats.delivered, 25);
    assert!(pool.idle_bytes() > 0, "the other queue may need it");
    let close = logs.close(None);
    assert_ready!(other.poll());
    assert_eq!(close.await.stats.delivered, 5);
    assert_eq!((pool.idle_bytes(), pool.held_bytes()), (0, 0));
    drop((one, other));
    assert_eq!((pool.idle_bytes(), pool.held_bytes()), (0, 0));
}

/// Told by the producer that took one of the last idle chunks, though the batch is far from full.
#[tokio::test(start_paused = true)]
async fn memory_is_ready_before_producers_need_it() {
    let pool = pool();
    let service = service_fn(async |batch: Batch| {
        pending::<()>().await;
        Ok::<_, Infallible>(delivered(batch.items()))
    });
    let config = BatchConfig { max_batch_items: 1_000, max_queue_items: 1_000, ..config() };
    let (worker, handle) = Worker::new(&config, &pool, service).unwrap();
    let mut worker = task::spawn(worker);
    assert_pending!(worker.poll());
    assert_eq!(pool.idle_bytes(), 0, "nobody has needed any");
    push(&handle, 1);
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    assert_eq!(pool.idle_bytes(), 16 * 4096);
    let push = |records: usize| {
        (0..records).for_each(|_| handle.queue().push(GROUP, 1, &[0; 4000]).unwrap());
    };
    // The first goes beside what is there.
    push(13);
    assert_eq!((pool.idle_bytes(), worker.is_woken()), (4 * 4096, false));
    push(1);
    assert_eq!((pool.idle_bytes(), worker.is_woken()), (3 * 4096, true));
    // It is no faster than its interval, but does not forget.
    push(2);
    assert_pending!(worker.poll());
    assert_eq!(pool.idle_bytes(), 4096);
    tokio::time::advance(Duration::from_millis(50)).await;
    assert!(worker.is_woken());
    assert_pending!(worker.poll());
    assert_eq!(pool.idle_bytes(), 16 * 4096);
}

/// After a burst, the worker gives idle memory back down to the initial size, and then sleeps.
#[tokio::test(start_paused = true)]
async fn idle_memory_is_given_back() {
    let pool = ChunkPool::new(PoolConfig {
        initial_size: 8 * 4096,
        max_size: 64 * 4096,
        chunk_size: 4096,
        ..PoolConfig::default()
    })
    .unwrap();
    let service = service_fn(|batch: Batch| async move { Ok::<_, Infallible>(delivered(batch.items())) });
    let (worker, handle) = Worker::new(&config(), &pool, service).unwrap();
    let mut worker = task::spawn(worker);
    for _ in 0..100 {
        handle.queue().push(GROUP, 1, &[0; 2000]).unwrap();
    }
    assert_eq!(pool.held_bytes(), 50 * 4096);
    for _ in 0..20 {
        assert_pending!(worker.poll());
        assert!(pool.held_bytes() <= 64 * 4096);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(handle.stats().delivered, 100);
    assert_eq!(pool.held_bytes(), 8 * 4096);
    assert_pending!(worker.poll());
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert!(!worker.is_woken(), "nothing to do");
}
