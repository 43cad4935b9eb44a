//! The conservation law and the byte bound, under random use: of the queue alone, and of queue and worker over a
//! service that does everything a service can do wrong.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otlp_batch::{
    Batch, BatchConfig, ChunkPool, Drain, OverflowPolicy, Permit, PoolConfig, Queue, Strategy as Batching,
    Ticket, Worker,
};
use otlp_model::{DropReason, GroupId, Outcome, Records, Undelivered};
use proptest::prelude::*;
use proptest::sample::Index;
use tower::service_fn;

#[derive(Debug, Clone)]
enum Op {
    Push { items: u32, len: usize },
    Stage,
    Take { items: u64, bytes: u64 },
    DropBatch(Index),
    Settle(Index, u64),
    Reserve(usize),
    Release(Index),
    Tend,
    Discard,
}

fn pools() -> impl Strategy<Value = PoolConfig> {
    (1024..6000_usize, 1..12_usize, 0..4_usize, 1.1..4.0, 0.0..=1.0).prop_map(
        |(chunk_size, chunks, initial, growth_factor, gc_threshold)| PoolConfig {
            initial_size: chunk_size * initial.min(chunks),
            // Not a multiple of chunks: reservations and long records leave odd remainders.
            max_size: chunk_size * chunks + chunk_size / 3,
            chunk_size,
            growth_factor,
            gc_threshold,
        },
    )
}

fn configs() -> impl Strategy<Value = BatchConfig> {
    let strategy = prop_oneof![Just(Batching::Size), Just(Batching::Time), Just(Batching::Hybrid)];
    // The calling thread alone runs the worker: it must not block for long.
    let overflow = prop_oneof![
        3 => Just(OverflowPolicy::DropNewest),
        3 => Just(OverflowPolicy::DropOldest),
        1 => Just(OverflowPolicy::Block { timeout: Duration::ZERO }),
    ];
    (strategy, overflow, 1..30_usize, 1..20_000_usize, 0..3000_u64, 0..60_usize, 1..4_usize, 1..5_usize)
        .prop_map(
            |(strategy, overflow, max_batch_items, max_batch_bytes, delay, more, max_in_flight, shards)| {
                BatchConfig {
                    strategy,
                    overflow,
                    max_batch_items,
                    max_batch_bytes,
                    max_delay: Duration::from_millis(delay),
                    max_queue_items: max_batch_items + more,
                    max_record_bytes: 9000,
                    max_in_flight,
                    shards: shards.try_into().ok(),
                }
            },
        )
}

fn check(queue: &Queue, config: &BatchConfig) {
    let stats = queue.stats();
    assert!(stats.is_balanced(), "{stats:?}");
    assert!(stats.queued <= config.max_queue_items as u64, "{stats:?}");
    let pool = queue.pool();
    assert!(pool.held_bytes() <= pool.config().max_size, "{pool:?}");
    assert!(pool.idle_bytes() <= pool.held_bytes(), "{pool:?}");
}

proptest! {
    /// Whatever is pushed, taken, held, settled, reserved and dropped, in whatever order: the law and both bounds
    /// hold at every step, and at the end all memory is back.
    // conf: BATCH-01, BATCH-21
    #[test]
    fn the_queue_keeps_its_books_and_bounds(
        config in configs(),
        pool in pools(),
        ops in prop::collection::vec(
            prop_oneof![
                12 => (0..5_u32, 0..10_000_usize).prop_map(|(items, len)| Op::Push { items, len }),
                2 => Just(Op::Stage),
                4 => (1..20_u64, 1..20_000_u64).prop_map(|(items, bytes)| Op::Take { items, bytes }),
                3 => any::<Index>().prop_map(Op::DropBatch),
                3 => (any::<Index>(), 0..30_u64).prop_map(|(index, items)| Op::Settle(index, items)),
                1 => (0..10_000_usize).prop_map(Op::Reserve),
                2 => any::<Index>().prop_map(Op::Release),
                1 => Just(Op::Tend),
                1 => Just(Op::Discard),
            ],
            0..150,
        ),
    ) {
        let pool = ChunkPool::new(pool).unwrap();
        let (queue, mut drain) = Drain::new(&config, &pool).unwrap();
        let mut batches: Vec<Batch> = Vec::new();
        let mut tickets: Vec<Ticket> = Vec::new();
        let mut permits: Vec<Permit> = Vec::new();
        let mut now = tokio::time::Instant::now().into_std();
        for op in ops {
            match op {
                Op::Push { items, len } => {
                    let result = queue.push(GroupId(items), items, &vec![7; len]);
                    if len > 9000 {
                        prop_assert_eq!(result, Err(DropReason::TooLarge));
                    }
                }
                Op::Stage => drop(drain.stage()),
                Op::Take { items, bytes } => {
                    if let Some((batch, ticket)) = drain.take(items, bytes) {
                        let fits = batch.items() <= items && batch.bytes() as u64 <= bytes;
                        prop_assert!(fits || batch.records() == 1);
                        let mut seen = (0, 0);
                        batch.for_each_run(&mut |_, items, run| seen = (seen.0 + items, seen.1 + run.len()));
                        prop_assert_eq!(seen, (batch.items(), batch.bytes()));
                        batches.push(batch);
                        tickets.push(ticket);
                    }
                }
                Op::DropBatch(index) if !batches.is_empty() => {
                    drop(batches.swap_remove(index.index(batches.len())));
                }
                Op::Settle(index, delivered) if !tickets.is_empty() => {
                    let ticket = tickets.swap_remove(index.index(tickets.len()));
                    ticket.settle(&Outcome { delivered, ..Outcome::default() });
                }
                Op::Reserve(bytes) => permits.extend(pool.reserve(bytes)),
                Op::Release(index) if !permits.is_empty() => {
                    drop(permits.swap_remove(index.index(permits.len())));
                }
                Op::Tend => {
                    now += Duration::from_secs(1);
                    pool.tend(now);
                }
                Op::Discard => drop(drain.discard(DropReason::Deadline)),
                _ => {}
            }
            check(&queue, &config);
        }
        drop((drain, batches, tickets, permits));
        check(&queue, &config);
        prop_assert_eq!(queue.stats().pending(), 0);
        prop_assert_eq!(pool.held_bytes(), 0);
    }

    /// Random arrivals, a random service, random flushes, and a close with or without a deadline: the books are
    /// right in the end, and no record was sent twice.
    // conf: BATCH-10, BATCH-12, BATCH-13, BATCH-16, BATCH-19, BATCH-21, BATCH-23
    #[test]
    fn queue_and_worker_keep_the_law(
        config in configs(),
        pool in pools(),
        moves in prop::collection::vec(moves(), 0..80),
        replies in prop::collection::vec(replies(), 1..20),
        close_after in prop::option::of(0..3000_u64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(config, pool, moves, replies, close_after));
    }
}

#[derive(Debug, Clone)]
enum Move {
    Push { items: u32, len: usize },
    Pass(u64),
    Flush(Option<u64>),
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        10 => (0..5_u32, 0..2000_usize).prop_map(|(items, len)| Move::Push { items, len: len + 4 }),
        3 => (0..2000_u64).prop_map(Move::Pass),
        1 => prop::option::of(0..2000_u64).prop_map(Move::Flush),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Reply {
    Accept,
    Partial,
    Miscount,
    Refuse,
    Fail,
    PanicAtOnce,
    PanicLater,
}

fn replies() -> impl Strategy<Value = (Reply, u64)> {
    let reply = prop_oneof![
        4 => Just(Reply::Accept),
        1 => Just(Reply::Partial),
        1 => Just(Reply::Miscount),
        1 => Just(Reply::Refuse),
        1 => Just(Reply::Fail),
        1 => Just(Reply::PanicAtOnce),
        1 => Just(Reply::PanicLater),
    ];
    (reply, prop_oneof![2 => Just(0), 1 => 1..5000_u64])
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn answer(reply: Reply, after: u64, batch: Batch) -> Result<Outcome, BoxError> {
    let items = batch.items();
    if after.is_multiple_of(2) {
        drop(batch);
    }
    if after > 0 {
        tokio::time::sleep(Duration::from_millis(after)).await;
    }
    match reply {
        Reply::Accept => Ok(Outcome { delivered: items, ..Outcome::default() }),
        Reply::Partial => {
            Ok(Outcome { delivered: items / 2, rejected: items - items / 2, ..Outcome::default() })
        }
        Reply::Miscount => {
            Ok(Outcome { delivered: 3, rejected: 1, ..Outcome::lost(DropReason::TooLarge, 1) })
        }
        Reply::Refuse => Err(Undelivered::new(DropReason::NotRetryable, "refused").into()),
        Reply::Fail => Err("failed".into()),
        Reply::PanicAtOnce | Reply::PanicLater => std::panic::resume_unwind(Box::new("panicked")),
    }
}

async fn run(
    config: BatchConfig,
    pool: PoolConfig,
    moves: Vec<Move>,
    replies: Vec<(Reply, u64)>,
    close_after: Option<u64>,
) {
    let pool = ChunkPool::new(pool).unwrap();
    let sent = Arc::new(Mutex::new((HashSet::new(), 0_u64)));
    let log = Arc::clone(&sent);
    let limits = config.clone();
    let mut replies = replies.into_iter().cycle();
    let service = service_fn(move |batch: Batch| {
        // The worker survives these panics; the poisoned lock fails the test in the end.
        let mut sent = log.lock().unwrap();
        let fits = batch.items() <= limits.max_batch_items as u64 && batch.bytes() <= limits.max_batch_bytes;
        assert!(fits || batch.records() == 1, "{batch:?}");
        sent.1 += batch.items();
        batch.for_each_run(&mut |len, _, run| {
            for record in run.chunks(len.0 as usize) {
                assert!(sent.0.insert(record[..4].to_vec()), "sent twice");
            }
        });
        drop(sent);
        let (reply, after) = replies.next().unwrap();
        // Without the noise of the panic hook.
        if let Reply::PanicAtOnce = reply {
            std::panic::resume_unwind(Box::new("panicked"));
        }
        answer(reply, after, batch)
    });
    let (worker, handle) = Worker::new(&config, &pool, service).unwrap();
    let worker = tokio::spawn(worker);
    let queue = handle.queue();
    let mut waiting = Vec::new();
    let (mut accepted, mut records) = (0, 0_u32);
    for step in moves {
        match step {
            Move::Push { items, len } => {
                let mut record = records.to_le_bytes().to_vec();
                record.resize(len, 0);
                records += 1;
                accepted += u64::from(items);
                // The length is the group, so that the service can tell records apart.
                let _ = queue.push(GroupId(u32::try_from(len).unwrap()), items, &record);
            }
            Move::Pass(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            Move::Flush(ms) => {
                let accepted = queue.stats().accepted;
                let reply = handle.flush(ms.map(Duration::from_millis));
                waiting.push(tokio::spawn(async move { (accepted, reply.await) }));
            }
        }
        check(queue, &config);
    }
    let report = handle.close(close_after.map(Duration::from_millis)).await;
    assert_eq!(report.stats, worker.await.unwrap());
    let stats = report.stats;
    assert!(report.complete && stats.is_balanced());
    assert_eq!((stats.accepted, stats.pending()), (accepted, 0));
    assert_eq!(handle.stats(), stats);
    for flush in waiting {
        let (accepted, report) = flush.await.unwrap();
        assert!(report.stats.is_balanced());
        let settled = report.stats.accepted - report.stats.pending();
        assert!(!report.complete || settled >= accepted, "complete with less than it promised: {report:?}");
    }
    let (_, sent) = *sent.lock().expect("the service saw what it must not see");
    assert!(stats.delivered + stats.rejected <= sent);
    assert_eq!(pool.held_bytes(), 0, "all memory went back");
}
