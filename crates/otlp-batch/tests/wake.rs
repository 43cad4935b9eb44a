//! When producers wake the drain, and when they leave it alone.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use otlp_batch::{BatchConfig, ChunkPool, Drain, PoolConfig, Queue, Wake};
use otlp_model::GroupId;

const GROUP: GroupId = GroupId(1);

fn pool() -> ChunkPool {
    let config = PoolConfig { initial_size: 0, max_size: 1 << 20, chunk_size: 4096, ..PoolConfig::default() };
    ChunkPool::new(config).unwrap()
}

fn small() -> (Queue, Drain) {
    let config = BatchConfig { max_queue_items: 100, max_batch_items: 100, ..BatchConfig::default() };
    Drain::new(&config, &pool()).unwrap()
}

/// A drain that waits for a batch is woken by the very record that completes it, and by none before.
// conf: BATCH-02
#[test]
fn a_single_producer_wakes_the_drain_exactly_when_a_batch_is_full() {
    for (items, bytes) in [(100, u64::MAX), (u64::MAX, 1000)] {
        for already in [0, 1, 60] {
            let (queue, mut drain) = small();
            for _ in 0..already {
                queue.push(GROUP, 1, &[0; 10]).unwrap();
            }
            if already == 60 {
                drain.stage();
            }
            let (waker, count) = counting_waker();
            drain.listen(&waker);
            assert!(drain.park(&Wake { first: false, items, bytes, pressure: true }));
            for pushed in already..100 {
                assert_eq!(count.load(Ordering::SeqCst), 0, "woken after {pushed}");
                queue.push(GROUP, 1, &[0; 10]).unwrap();
            }
            assert_eq!(count.load(Ordering::SeqCst), 1);
        }
    }
}

/// Several producers wake it too, at most their unused credits late.
// conf: BATCH-02
#[test]
fn several_producers_wake_the_drain_when_a_batch_is_full() {
    let config = BatchConfig {
        shards: 4.try_into().ok(),
        max_batch_items: 400,
        max_queue_items: 4000,
        ..BatchConfig::default()
    };
    let (queue, mut drain) = Drain::new(&config, &pool()).unwrap();
    let (waker, count) = counting_waker();
    drain.listen(&waker);
    assert!(drain.park(&Wake { first: false, items: 400, bytes: u64::MAX, pressure: true }));
    for _ in 0..4 {
        let queue = queue.clone();
        let push = move || (0..150).for_each(|_| queue.push(GROUP, 1, b"x").unwrap());
        thread::spawn(push).join().unwrap();
    }
    assert!(count.load(Ordering::SeqCst) > 0, "600 of 400 items, and not woken");
}

/// Only the first record of an idle queue wakes, and only a push without room wakes once more.
#[test]
fn producers_do_not_wake_per_record() {
    let (queue, mut drain) = small();
    let (waker, count) = counting_waker();
    drain.listen(&waker);
    assert!(drain.park(&Wake { first: true, items: u64::MAX, bytes: u64::MAX, pressure: true }));
    for _ in 0..100 {
        queue.push(GROUP, 1, b"x").unwrap();
        drain.listen(&waker);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    for _ in 0..100 {
        queue.push(GROUP, 1, b"x").unwrap_err();
        drain.listen(&waker);
    }
    assert_eq!(count.load(Ordering::SeqCst), 2);
    assert!(drain.depth().pressure);
    assert!(!drain.park(&Wake { first: false, items: u64::MAX, bytes: u64::MAX, pressure: true }));
}

fn counting_waker() -> (std::task::Waker, Arc<AtomicUsize>) {
    struct Counter(Arc<AtomicUsize>);
    impl std::task::Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let count = Arc::new(AtomicUsize::new(0));
    (Arc::new(Counter(count.clone())).into(), count)
}
