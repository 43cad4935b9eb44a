//! Models of the queue's concurrency, checked over every interleaving by loom:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p otlp-batch --release --test loom
//! ```
//!
//! The pool's memory and the worker's futures are left out, and loom's mutex stands for the shards' lock; the queue, what
//! it does under its locks, and its wake-ups are the real ones.
#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::future::poll_fn;
use std::task::Poll;

use loom::future::block_on;
use loom::thread;
use otlp_batch::{
    BatchConfig, ChunkPool, Drain, OverflowPolicy, PoolConfig, Queue, Stats, Wake, set_thread_number,
};
use otlp_model::{DropReason, GroupId, Outcome, Records};

/// The bytes of a record.
const RECORD: usize = 500;

/// A queue of at most `items` items in `shards` shards, whose chunks hold two records.
fn queue(items: usize, shards: usize, overflow: OverflowPolicy) -> (Queue, Drain) {
    let pool = PoolConfig { initial_size: 0, max_size: 8 * 1024, chunk_size: 1024, ..PoolConfig::default() };
    let pool = ChunkPool::new(pool).unwrap();
    let config = BatchConfig {
        max_queue_items: items,
        max_batch_items: items,
        shards: Some(shards.try_into().unwrap()),
        overflow,
        ..BatchConfig::default()
    };
    Drain::new(&config, &pool).unwrap()
}

/// Few preemptions find nearly all bugs, and keep a model within seconds.
fn model(preemptions: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(check);
}

/// Everything in the queue, record by record, with each batch's outcome in the books.
fn drain_all(drain: &mut Drain, bytes: &mut Vec<u8>) {
    drain.stage();
    while let Some((batch, ticket)) = drain.take(100, 100_000) {
        batch.for_each_run(&mut |_, _, run| bytes.extend_from_slice(run));
        drop(batch);
        let delivered = ticket.items();
        ticket.settle(&Outcome { delivered, ..Outcome::default() });
    }
}

fn push(queue: &Queue, byte: u8) -> Result<(), DropReason> {
    queue.push(GroupId(0), 1, &[byte; RECORD])
}

fn balanced(stats: Stats) -> Stats {
    assert!(stats.is_balanced(), "{stats:?}");
    stats
}

/// Two producers on one shard, or on two, and a drain in between: every record comes out once, in order, and the
/// books balance at every moment.
// conf: BATCH-19, BATCH-22
#[test]
fn nothing_is_lost_or_duplicated() {
    for shards in [1, 2] {
        model(5, move || {
            let (queue, mut drain) = queue(16, shards, OverflowPolicy::DropNewest);
            let other = queue.clone();
            let producer = thread::spawn(move || {
                set_thread_number(1);
                push(&other, 1).unwrap();
                push(&other, 2).unwrap();
            });
            let mut bytes = Vec::new();
            push(&queue, 3).unwrap();
            drain_all(&mut drain, &mut bytes);
            balanced(queue.stats());
            producer.join().unwrap();
            drain_all(&mut drain, &mut bytes);
            let of = |wanted: u8| bytes.iter().filter(|byte| **byte == wanted).count();
            assert_eq!((of(1), of(2), of(3)), (RECORD, RECORD, RECORD));
            assert!(bytes.iter().position(|b| *b == 1) < bytes.iter().position(|b| *b == 2));
            let stats = balanced(queue.stats());
            assert_eq!((stats.accepted, stats.delivered), (3, 3));
        });
    }
}

/// A drain that parks for the first record is woken by it, whichever comes first.
#[test]
fn no_wake_up_is_missed_for_the_first_record() {
    model(5, || {
        let (queue, mut drain) = queue(16, 2, OverflowPolicy::DropNewest);
        let producer = thread::spawn(move || {
            set_thread_number(1);
            push(&queue, 1).unwrap();
        });
        let wake = Wake { first: true, items: 16, bytes: u64::MAX, pressure: true };
        // A missed wake-up is a deadlock, which loom reports.
        block_on(poll_fn(|cx| {
            drain.listen(cx.waker());
            if drain.depth().records() > 0 || !drain.park(&wake) { Poll::Ready(()) } else { Poll::Pending }
        }));
        producer.join().unwrap();
    });
}

/// A drain that waits for a batch is woken when one producer's records make it full.
// conf: BATCH-02
#[test]
fn no_wake_up_is_missed_for_a_full_batch() {
    model(5, || {
        let (queue, mut drain) = queue(16, 1, OverflowPolicy::DropNewest);
        push(&queue, 1).unwrap();
        let producer = thread::spawn(move || {
            push(&queue, 2).unwrap();
            push(&queue, 3).unwrap();
        });
        let wake = Wake { first: false, items: 3, bytes: u64::MAX, pressure: true };
        block_on(poll_fn(|cx| {
            drain.listen(cx.waker());
            if drain.park(&wake) { Poll::Pending } else { Poll::Ready(()) }
        }));
        assert_eq!(drain.depth().items(), 3);
        producer.join().unwrap();
    });
}

/// A push that finds no room wakes the drain, though its batch is not full.
#[test]
fn no_wake_up_is_missed_for_a_full_queue() {
    model(5, || {
        let (queue, mut drain) = queue(1, 1, OverflowPolicy::DropNewest);
        let producer = thread::spawn(move || {
            push(&queue, 1).unwrap();
            assert_eq!(push(&queue, 2), Err(DropReason::QueueFull));
        });
        let wake = Wake { first: false, items: u64::MAX, bytes: u64::MAX, pressure: true };
        block_on(poll_fn(|cx| {
            drain.listen(cx.waker());
            if drain.park(&wake) { Poll::Pending } else { Poll::Ready(()) }
        }));
        producer.join().unwrap();
    });
}

/// The bound in items holds against two producers on two shards; and a close leaves no record behind.
// conf: BATCH-01, BATCH-12
#[test]
fn the_bound_in_items_is_hard() {
    model(4, || {
        let (queue, mut drain) = queue(2, 2, OverflowPolicy::DropNewest);
        let other = queue.clone();
        let producer = thread::spawn(move || {
            set_thread_number(1);
            let _ = push(&other, 1);
            let _ = push(&other, 2);
        });
        let _ = push(&queue, 3);
        assert!(balanced(queue.stats()).queued <= 2);
        queue.close();
        let mut bytes = Vec::new();
        drain_all(&mut drain, &mut bytes);
        assert_eq!(drain.depth().records(), 0);
        producer.join().unwrap();
        let stats = balanced(queue.stats());
        assert_eq!(stats.queued, 0);
        assert_eq!(stats.delivered, (bytes.len() / RECORD) as u64);
        assert_eq!(stats.accepted, 3);
    });
}

/// Making room at the front while the drain takes from it: each record has one fate.
#[test]
fn eviction_and_drain_do_not_collide() {
    model(4, || {
        let (queue, mut drain) = queue(1, 1, OverflowPolicy::DropOldest);
        push(&queue, 1).unwrap();
        let other = queue.clone();
        let producer = thread::spawn(move || push(&other, 2).unwrap());
        let mut bytes = Vec::new();
        drain_all(&mut drain, &mut bytes);
        balanced(queue.stats());
        producer.join().unwrap();
        drain_all(&mut drain, &mut bytes);
        let stats = balanced(queue.stats());
        assert_eq!(stats.delivered + stats.dropped.get(DropReason::QueueFull), 2);
        assert_eq!(stats.delivered, (bytes.len() / RECORD) as u64);
    });
}
