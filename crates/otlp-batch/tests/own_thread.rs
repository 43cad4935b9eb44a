//! Whoever pushes under the blocking policy on a thread that the worker needs does not wait for the worker.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use otlp_batch::{Batch, BatchConfig, BatchHandle, ChunkPool, Drain, OverflowPolicy, PoolConfig, Worker};
use otlp_model::{DropReason, GroupId, Outcome, Records};
use tokio::time::Instant;
use tokio_test::task;
use tower::service_fn;

const GROUP: GroupId = GroupId(0);

fn blocking(timeout: Duration) -> BatchConfig {
    BatchConfig {
        max_batch_items: 10,
        max_queue_items: 100,
        max_in_flight: 2,
        overflow: OverflowPolicy::Block { timeout },
        ..BatchConfig::default()
    }
}

fn pool() -> ChunkPool {
    ChunkPool::new(PoolConfig::default()).unwrap()
}

fn push(handle: &BatchHandle, items: u32) {
    for _ in 0..items {
        handle.queue().push(GROUP, 1, b"record").unwrap();
    }
}

fn delivered(items: u64) -> Outcome {
    Outcome { delivered: items, ..Outcome::default() }
}

/// A service that pushes does not wait for the worker that waits for the service.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_inside_a_poll_of_the_worker_never_waits() {
    let timeout = Duration::from_secs(5);
    let (filled, queue) = Drain::new(&blocking(timeout), &pool()).unwrap();
    filled.push(GROUP, 100, b"record").unwrap();
    let pushed = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&pushed);
    let own = Arc::new(OnceLock::<BatchHandle>::new());
    let handle = Arc::clone(&own);
    let service = service_fn(move |batch: Batch| {
        let push = {
            let (filled, own, log) = (filled.clone(), handle.get().unwrap().queue().clone(), log.clone());
            move || {
                // Once in the call, once in its future: more would only prolong a failure.
                if log.lock().unwrap().len() == 2 {
                    return;
                }
                while own.push(GROUP, 1, b"made by a layer").is_ok() {}
                log.lock().unwrap().push(filled.push(GROUP, 1, b"made by a layer"));
            }
        };
        push();
        async move {
            push();
            Ok::<_, Infallible>(delivered(batch.items()))
        }
    });
    let (worker, handle) = Worker::new(&blocking(timeout), &pool(), service).unwrap();
    let handle = own.get_or_init(|| handle);
    let start = Instant::now();
    push(handle, 10);
    let _ = task::spawn(worker).poll();
    assert!(start.elapsed() < timeout, "waited for itself");
    let pushed = pushed.lock().unwrap();
    assert!(pushed.len() == 2 && pushed.iter().all(|result| *result == Err(DropReason::QueueFull)));
    assert!(handle.stats().dropped.get(DropReason::QueueFull) > 0);
    drop(queue);
}

/// Nor does another task of the thread that alone can poll the worker, while other threads do wait for it.
#[tokio::test]
async fn a_push_on_the_only_thread_of_the_worker_never_waits() {
    let timeout = Duration::from_secs(5);
    let (gate, _) = tokio::sync::broadcast::channel::<()>(1);
    let opened = gate.clone();
    let service = service_fn(move |batch: Batch| {
        let mut gate = opened.subscribe();
        async move {
            let _ = gate.recv().await;
            Ok::<_, Infallible>(delivered(batch.items()))
        }
    });
    let (worker, handle) = Worker::new(&blocking(timeout), &pool(), service).unwrap();
    tokio::spawn(worker);
    // Two batches in flight, and a full queue.
    push(&handle, 20);
    tokio::task::yield_now().await;
    push(&handle, 100);
    assert_eq!((handle.stats().in_flight, handle.stats().queued), (20, 100));
    let start = Instant::now();
    assert_eq!(handle.queue().push(GROUP, 1, b"record"), Err(DropReason::QueueFull));
    assert!(start.elapsed() < timeout, "waited for itself");
    let queue = handle.queue().clone();
    let other = tokio::task::spawn_blocking(move || queue.push(GROUP, 1, b"record"));
    while !other.is_finished() {
        let _ = gate.send(());
        tokio::task::yield_now().await;
    }
    assert_eq!(other.await.unwrap(), Ok(()));
    assert_eq!(handle.stats().dropped.get(DropReason::QueueFull), 1);
}
