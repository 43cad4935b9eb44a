//! The pool's size: what it allocates ahead, what it gives back, and its cap.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::time::{Duration, Instant};

use otlp_batch::{BatchConfig, ChunkPool, Drain, PoolConfig, Queue};
use otlp_model::{DropReason, GroupId};

const CHUNK: usize = 1024;

fn config() -> PoolConfig {
    PoolConfig { initial_size: 4 * CHUNK, max_size: 64 * CHUNK, chunk_size: CHUNK, ..PoolConfig::default() }
}

fn queue(pool: &ChunkPool) -> (Queue, Drain) {
    let config = BatchConfig { shards: 1.try_into().ok(), ..BatchConfig::default() };
    Drain::new(&config, pool).unwrap()
}

/// Fills so many chunks, one record each.
fn fill(queue: &Queue, chunks: usize) {
    for _ in 0..chunks {
        queue.push(GroupId(0), 1, &[0; CHUNK - 100]).unwrap();
    }
}

/// What no machine has is refused, not asked of the allocator, which would end the process.
#[test]
fn no_option_makes_the_allocator_give_up() {
    let most = usize::MAX / 4;
    let huge = PoolConfig { initial_size: most, max_size: most, chunk_size: CHUNK, ..PoolConfig::default() };
    let error = ChunkPool::new(huge).unwrap_err();
    assert_eq!(error.field(), "initial_size");
    let error = ChunkPool::new(PoolConfig { chunk_size: most, ..huge }).unwrap_err();
    assert_eq!(error.field(), "chunk_size");
    let error = ChunkPool::new(PoolConfig { max_size: most + 1, ..huge }).unwrap_err();
    assert_eq!(error.field(), "max_size");
    // A cap is only a cap.
    let pool = ChunkPool::new(PoolConfig { initial_size: 0, ..huge }).unwrap();
    let (queue, _drain) = queue(&pool);
    fill(&queue, 2);
    assert_eq!(pool.held_bytes(), 2 * CHUNK);
    let largest = PoolConfig { chunk_size: 64 << 20, max_size: 64 << 20, initial_size: 0, ..huge };
    assert_eq!(largest.validate(), Ok(()));
}

/// Seconds of virtual time.
struct Clock(Instant);

impl Clock {
    fn new() -> Self {
        Self(tokio::time::Instant::now().into_std())
    }

    fn tick(&mut self) -> Instant {
        self.0 += Duration::from_secs(1);
        self.0
    }
}

#[test]
fn every_bad_option_is_named() {
    let good = config();
    for (field, bad) in [
        ("max_size", PoolConfig { max_size: 0, ..good }),
        ("max_size", PoolConfig { max_size: usize::MAX, ..good }),
        ("chunk_size", PoolConfig { chunk_size: 0, ..good }),
        ("chunk_size", PoolConfig { chunk_size: 1023, ..good }),
        ("chunk_size", PoolConfig { chunk_size: usize::MAX, ..good }),
        ("chunk_size", PoolConfig { chunk_size: (64 << 20) + 1, max_size: 1 << 30, ..good }),
        ("chunk_size", PoolConfig { chunk_size: 65 * CHUNK, ..good }),
        ("initial_size", PoolConfig { initial_size: 65 * CHUNK, ..good }),
        ("initial_size", PoolConfig { initial_size: usize::MAX, ..good }),
        ("growth_factor", PoolConfig { growth_factor: 1.0, ..good }),
        ("growth_factor", PoolConfig { growth_factor: f64::NAN, ..good }),
        ("growth_factor", PoolConfig { growth_factor: f64::INFINITY, ..good }),
        ("gc_threshold", PoolConfig { gc_threshold: 1.1, ..good }),
        ("gc_threshold", PoolConfig { gc_threshold: f64::NAN, ..good }),
    ] {
        let error = ChunkPool::new(bad).unwrap_err();
        assert_eq!(error.field(), field);
        assert!(error.to_string().starts_with(field));
    }
    let good = BatchConfig::default();
    for (field, bad) in [
        ("max_batch_items", BatchConfig { max_batch_items: 0, ..good.clone() }),
        ("max_batch_items", BatchConfig { max_queue_items: 100, ..good.clone() }),
        ("max_batch_bytes", BatchConfig { max_batch_bytes: 0, ..good.clone() }),
        ("max_queue_items", BatchConfig { max_queue_items: 0, ..good.clone() }),
        ("max_record_bytes", BatchConfig { max_record_bytes: 0, ..good.clone() }),
        ("max_in_flight", BatchConfig { max_in_flight: 0, ..good.clone() }),
        ("shards", BatchConfig { shards: 65.try_into().ok(), ..good.clone() }),
    ] {
        assert_eq!(bad.validate().unwrap_err().field(), field);
    }
    assert_eq!(good.validate(), Ok(()));
}

#[test]
fn the_initial_size_is_allocated_and_kept() {
    let pool = ChunkPool::new(config()).unwrap();
    assert_eq!((pool.held_bytes(), pool.idle_bytes()), (4 * CHUNK, 4 * CHUNK));
    let mut clock = Clock::new();
    for _ in 0..5 {
        pool.tend(clock.tick());
    }
    assert_eq!(pool.held_bytes(), 4 * CHUNK);
    assert!(!pool.needs_tending());
}

#[test]
fn the_pool_grows_ahead_by_its_factor_after_a_miss() {
    let pool = ChunkPool::new(PoolConfig { growth_factor: 1.5, ..config() }).unwrap();
    let (queue, _drain) = queue(&pool);
    let mut clock = Clock::new();
    fill(&queue, 4);
    pool.tend(clock.tick());
    assert_eq!(pool.held_bytes(), 4 * CHUNK, "what was there was enough");
    fill(&queue, 4);
    assert_eq!(pool.held_bytes(), 8 * CHUNK, "chunk by chunk");
    assert!(pool.needs_tending());
    pool.tend(clock.tick());
    assert_eq!((pool.held_bytes(), pool.idle_bytes()), (12 * CHUNK, 4 * CHUNK));
    fill(&queue, 56);
    pool.tend(clock.tick());
    assert_eq!(pool.held_bytes(), 64 * CHUNK, "never more than the cap");
    assert_eq!(queue.push(GroupId(0), 1, &[0; CHUNK - 100]), Err(DropReason::QueueFull));
}

#[test]
fn what_lay_idle_for_a_whole_interval_is_given_back_step_by_step() {
    let pool = ChunkPool::new(config()).unwrap();
    let (queue, mut drain) = queue(&pool);
    let mut clock = Clock::new();
    fill(&queue, 32);
    pool.tend(clock.tick());
    assert_eq!(pool.held_bytes(), 64 * CHUNK, "a miss: grown ahead");
    drain.discard(DropReason::Deadline);
    pool.tend(clock.tick());
    assert_eq!(pool.held_bytes(), 64 * CHUNK, "in use within the interval");
    let mut sizes = Vec::new();
    for _ in 0..5 {
        pool.tend(clock.tick());
        sizes.push(pool.held_bytes() / CHUNK);
    }
    assert_eq!(sizes, [32, 16, 8, 4, 4]);
    pool.tend(clock.0);
    assert!(!pool.needs_tending());
}

#[test]
fn a_pool_that_breathes_does_not_go_back_and_forth_to_the_allocator() {
    let pool = ChunkPool::new(config()).unwrap();
    let (queue, mut drain) = queue(&pool);
    let mut clock = Clock::new();
    for round in 0..10 {
        fill(&queue, 30);
        drain.discard(DropReason::Deadline);
        pool.tend(clock.tick());
        if round > 0 {
            assert!((30 * CHUNK..=64 * CHUNK).contains(&pool.held_bytes()));
        }
    }
    let held = pool.held_bytes();
    fill(&queue, 30);
    assert_eq!(pool.held_bytes(), held, "nothing had to be allocated");
}

#[test]
fn a_share_below_the_threshold_may_lie_idle() {
    for (gc_threshold, given_back) in [(0.4, true), (0.6, false), (1.0, false)] {
        let pool = ChunkPool::new(PoolConfig { gc_threshold, ..config() }).unwrap();
        let (queue, mut drain) = queue(&pool);
        let mut clock = Clock::new();
        fill(&queue, 64);
        drain.stage();
        // Half of the chunks stay in use.
        let held = drain.take(32, u64::MAX).unwrap();
        drain.discard(DropReason::Deadline);
        for _ in 0..3 {
            pool.tend(clock.tick());
        }
        assert_eq!(pool.idle_bytes() < 32 * CHUNK, given_back, "{gc_threshold}");
        drop(held);
    }
}

#[test]
fn idle_chunks_make_way_for_reservations_and_long_records() {
    let pool = ChunkPool::new(PoolConfig { initial_size: 64 * CHUNK, ..config() }).unwrap();
    let permit = pool.reserve(60 * CHUNK + 1).unwrap();
    assert_eq!(permit.bytes(), 60 * CHUNK + 1);
    assert_eq!(pool.idle_bytes(), 3 * CHUNK);
    assert!(pool.reserve(4 * CHUNK).is_none());
    assert_eq!(pool.idle_bytes(), 3 * CHUNK, "nothing given up in vain");
    drop(permit);
    let (queue, _drain) = queue(&pool);
    queue.push(GroupId(0), 1, &[0; 63 * CHUNK]).unwrap();
    assert!(pool.held_bytes() <= 64 * CHUNK);
    assert_eq!(queue.push(GroupId(0), 1, &[0; CHUNK]), Err(DropReason::QueueFull));
}

/// The cap is the client's, not the queue's.
#[test]
fn queues_share_the_cap() {
    let pool = ChunkPool::new(config()).unwrap();
    let (traces, _one) = queue(&pool);
    let (logs, mut other) = queue(&pool);
    fill(&traces, 40);
    fill(&logs, 24);
    assert_eq!(traces.push(GroupId(0), 1, &[0; CHUNK - 100]), Err(DropReason::QueueFull));
    other.discard(DropReason::Deadline);
    fill(&traces, 24);
}

/// Without queues, the pool keeps nothing, also of what comes back late; with a new one, it recycles again.
#[test]
fn the_last_queue_takes_the_memory_with_it() {
    let pool = ChunkPool::new(config()).unwrap();
    assert_eq!(pool.idle_bytes(), 4 * CHUNK, "there was no queue yet");
    let (traces, mut one) = queue(&pool);
    let (_logs, other) = queue(&pool);
    fill(&traces, 10);
    one.stage();
    let late = one.take(2, u64::MAX).unwrap();
    drop(one);
    assert_eq!(pool.idle_bytes(), 8 * CHUNK, "a queue is left");
    drop(other);
    assert_eq!((pool.idle_bytes(), pool.held_bytes()), (0, 2 * CHUNK));
    let mut clock = Clock::new();
    pool.tend(clock.tick());
    assert!(!pool.needs_tending());
    drop(late);
    assert_eq!((pool.idle_bytes(), pool.held_bytes()), (0, 0));

    let (metrics, mut drain) = queue(&pool);
    fill(&metrics, 3);
    drain.discard(DropReason::Deadline);
    assert_eq!(pool.idle_bytes(), 3 * CHUNK);
    drop(drain);
    assert_eq!(pool.held_bytes(), 0);
}

/// Producers of two signals, each thread with a record of its own, leave the third a chunk of a small pool.
#[test]
fn queues_of_many_threads_leave_memory_to_each_other() {
    let pool = ChunkPool::new(PoolConfig { initial_size: 0, max_size: 16 * CHUNK, ..config() }).unwrap();
    let queues = [(); 3].map(|()| Drain::new(&BatchConfig::default(), &pool).unwrap());
    let [traces, logs, metrics] = &queues;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for (queue, _) in [traces, logs] {
                    queue.push(GroupId(0), 1, b"record").unwrap();
                }
            });
        }
    });
    assert_eq!(metrics.0.push(GroupId(0), 1, b"record"), Ok(()));
}
