//! The queue as producers and a drain see it: bounds, policies, order, memory, books.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use otlp_batch::{Batch, BatchConfig, ChunkPool, Drain, OverflowPolicy, PoolConfig, Queue};
use otlp_model::{DropReason, GroupId, Outcome, Records};

const GROUP: GroupId = GroupId(1);

fn pool(max_size: usize, chunk_size: usize) -> ChunkPool {
    ChunkPool::new(PoolConfig { initial_size: 0, max_size, chunk_size, ..PoolConfig::default() }).unwrap()
}

fn config(max_queue_items: usize, overflow: OverflowPolicy) -> BatchConfig {
    let max_batch_items = max_queue_items.min(512);
    BatchConfig { max_queue_items, max_batch_items, overflow, ..BatchConfig::default() }
}

fn small(overflow: OverflowPolicy) -> (Queue, Drain) {
    Drain::new(&config(100, overflow), &pool(1 << 20, 4096)).unwrap()
}

/// The runs of a batch: group, items, bytes.
fn runs(batch: &Batch) -> Vec<(u32, u64, Vec<u8>)> {
    let mut runs = Vec::new();
    batch.for_each_run(&mut |group, items, bytes| runs.push((group.0, items, bytes.to_vec())));
    runs
}

/// Everything queued, delivered, in order.
fn drain_all(drain: &mut Drain) -> Vec<u8> {
    let mut bytes = Vec::new();
    drain.stage();
    while let Some((batch, ticket)) = drain.take(64, 4096) {
        batch.for_each_run(&mut |_, _, run| bytes.extend_from_slice(run));
        let delivered = batch.items();
        drop(batch);
        ticket.settle(&Outcome { delivered, ..Outcome::default() });
    }
    bytes
}

// conf: BATCH-01
#[test]
fn a_full_queue_drops_the_newest_and_counts_it() {
    let (queue, mut drain) = small(OverflowPolicy::DropNewest);
    for byte in 0..100 {
        assert_eq!(queue.push(GROUP, 1, &[byte]), Ok(()));
    }
    for _ in 0..7 {
        assert_eq!(queue.push(GROUP, 1, &[255]), Err(DropReason::QueueFull));
    }
    let stats = queue.stats();
    assert_eq!((stats.accepted, stats.queued, stats.dropped.get(DropReason::QueueFull)), (107, 100, 7));
    assert!(stats.is_balanced());
    assert_eq!(drain_all(&mut drain), (0..100).collect::<Vec<u8>>());
    assert_eq!(queue.push(GROUP, 1, &[1]), Ok(()), "there is room again");
}

/// However often records are put into line, and wherever batches are cut, they leave once and in order.
// conf: BATCH-22
#[test]
fn records_put_into_line_one_by_one_stay_in_order() {
    let (queue, mut drain) =
        Drain::new(&config(300, OverflowPolicy::DropNewest), &pool(1 << 20, 4096)).unwrap();
    let (mut pushed, mut left) = (Vec::new(), Vec::new());
    for byte in 0..=255 {
        let record = vec![byte; usize::from(byte) * 7 % 300];
        queue.push(GroupId(u32::from(byte % 3)), 1, &record).unwrap();
        pushed.extend(record);
        if byte % 5 > 0 {
            drain.stage();
        }
        if byte % 4 == 3 {
            let (batch, ticket) = drain.take(3, 700).unwrap();
            batch.for_each_run(&mut |_, _, run| left.extend_from_slice(run));
            let delivered = batch.items();
            ticket.settle(&Outcome { delivered, ..Outcome::default() });
        }
        assert!(queue.stats().is_balanced());
    }
    left.extend(drain_all(&mut drain));
    assert_eq!(left, pushed);
    assert_eq!(queue.stats().delivered, 256);
}

/// What one thread leased and did not use is found before another's record is refused.
// conf: BATCH-01
#[test]
fn the_bound_in_items_is_exact_after_other_producers_went_quiet() {
    for shards in [1, 2, 8] {
        let config =
            BatchConfig { shards: shards.try_into().ok(), ..config(100, OverflowPolicy::DropNewest) };
        let (queue, _drain) = Drain::new(&config, &pool(1 << 20, 4096)).unwrap();
        for _ in 0..9 {
            let queue = queue.clone();
            thread::spawn(move || queue.push(GROUP, 1, b"x").unwrap()).join().unwrap();
        }
        let accepted = (0..200).filter(|_| queue.push(GROUP, 1, b"x").is_ok()).count();
        assert_eq!(accepted, 91);
        assert_eq!(queue.stats().queued, 100);
    }
}

/// The queue has its own copy: what the caller does with its buffer afterwards changes nothing.
// conf: BATCH-07, BATCH-30
#[test]
fn a_queued_record_cannot_change_any_more() {
    let (queue, mut drain) = small(OverflowPolicy::DropNewest);
    let mut buffer = *b"first";
    queue.push(GROUP, 1, &buffer).unwrap();
    buffer.copy_from_slice(b"other");
    queue.push(GROUP, 1, &buffer).unwrap();
    assert_eq!(drain_all(&mut drain), b"firstother");
}

#[test]
fn items_are_bounded_not_records() {
    let (queue, _drain) = small(OverflowPolicy::DropNewest);
    assert_eq!(queue.push(GROUP, 98, b"metric"), Ok(()));
    assert_eq!(queue.push(GROUP, 3, b"metric"), Err(DropReason::QueueFull));
    assert_eq!(queue.push(GROUP, 2, b"metric"), Ok(()));
    assert_eq!(queue.push(GROUP, 0, b"empty"), Ok(()));
    assert_eq!(queue.push(GROUP, 101, b"metric"), Err(DropReason::TooLarge), "it would never fit");
    assert!(queue.stats().is_balanced());
}

#[test]
fn oversized_records_are_dropped_alone() {
    let config = BatchConfig { max_record_bytes: 10, ..config(100, OverflowPolicy::DropOldest) };
    let (queue, _drain) = Drain::new(&config, &pool(1 << 20, 4096)).unwrap();
    assert_eq!(queue.push(GROUP, 1, &[0; 10]), Ok(()));
    assert_eq!(queue.push(GROUP, 1, &[0; 11]), Err(DropReason::TooLarge));
    let stats = queue.stats();
    assert_eq!((stats.queued, stats.dropped.get(DropReason::TooLarge)), (1, 1));

    // Larger than the whole pool: too large whatever the option says, and nothing is evicted for it.
    let (queue, _drain) =
        Drain::new(&self::config(100, OverflowPolicy::DropOldest), &pool(8192, 4096)).unwrap();
    queue.push(GROUP, 1, b"x").unwrap();
    assert_eq!(queue.push(GROUP, 1, &[0; 8192]), Err(DropReason::TooLarge));
    assert_eq!(queue.stats().queued, 1);
}

#[test]
fn records_longer_than_a_chunk_keep_their_place() {
    let (queue, mut drain) = small(OverflowPolicy::DropNewest);
    queue.push(GROUP, 1, &[1; 10]).unwrap();
    queue.push(GROUP, 1, &[2; 10_000]).unwrap();
    queue.push(GROUP, 1, &[3; 10]).unwrap();
    let held = queue.pool().held_bytes();
    assert!((10_000 + 2 * 4096..11_000 + 2 * 4096).contains(&held), "{held}");
    let bytes = drain_all(&mut drain);
    assert_eq!(bytes, [vec![1; 10], vec![2; 10_000], vec![3; 10]].concat());
    assert_eq!(queue.pool().held_bytes(), 2 * 4096, "its memory was not kept");
}

// conf: BATCH-12
#[test]
fn a_closed_queue_refuses_and_counts() {
    let (queue, mut drain) = small(OverflowPolicy::DropNewest);
    queue.push(GROUP, 1, b"before").unwrap();
    queue.close();
    assert!(queue.is_closed());
    assert_eq!(queue.push(GROUP, 1, b"after"), Err(DropReason::ShutDown));
    assert_eq!(drain_all(&mut drain), b"before");
    drop(drain);
    let stats = queue.stats();
    assert_eq!((stats.delivered, stats.dropped.get(DropReason::ShutDown), stats.pending()), (1, 1, 0));
    assert!(stats.is_balanced());
}

#[test]
fn a_dropped_drain_closes_the_queue() {
    let (queue, mut drain) = small(OverflowPolicy::DropNewest);
    queue.push(GROUP, 2, b"queued").unwrap();
    drain.stage();
    let taken = drain.take(100, 100).unwrap();
    queue.push(GROUP, 3, b"queued").unwrap();
    drop(drain);
    assert_eq!(queue.push(GROUP, 1, b"after"), Err(DropReason::ShutDown));
    assert_eq!(queue.stats().in_flight, 2);
    drop(taken);
    let stats = queue.stats();
    assert_eq!((stats.dropped.get(DropReason::ShutDown), stats.pending()), (6, 0));
    assert!(stats.is_balanced());
    assert_eq!(queue.pool().held_bytes(), 0, "all memory went back");
}

#[test]
fn the_oldest_make_room_one_by_one_for_items() {
    let (queue, mut drain) = small(OverflowPolicy::DropOldest);
    for byte in 0..100 {
        queue.push(GROUP, 1, &[byte]).unwrap();
    }
    for byte in 100..110 {
        assert_eq!(queue.push(GROUP, 1, &[byte]), Ok(()));
    }
    assert_eq!(queue.push(GROUP, 5, &[110]), Ok(()));
    let stats = queue.stats();
    assert_eq!((stats.queued, stats.dropped.get(DropReason::QueueFull)), (100, 15));
    assert!(stats.is_balanced());
    assert_eq!(drain_all(&mut drain), (15..=110).collect::<Vec<u8>>());
}

#[test]
fn the_oldest_chunk_makes_room_for_bytes() {
    // Four chunks of 4 records each: 4 * (1000 + 12) <= 4096.
    let config = BatchConfig { shards: 1.try_into().ok(), ..config(1000, OverflowPolicy::DropOldest) };
    let (queue, mut drain) = Drain::new(&config, &pool(4 * 4096, 4096)).unwrap();
    for byte in 0..16 {
        queue.push(GROUP, 1, &[byte; 1000]).unwrap();
    }
    assert_eq!(queue.stats().dropped.total(), 0);
    assert_eq!(queue.push(GROUP, 1, &[16; 1000]), Ok(()));
    assert_eq!(queue.stats().dropped.get(DropReason::QueueFull), 4, "a whole chunk");
    // A record longer than a chunk costs as many as it needs.
    assert_eq!(queue.push(GROUP, 1, &[17; 8000]), Ok(()));
    assert!(queue.pool().held_bytes() <= 4 * 4096);
    assert!(queue.stats().is_balanced());
    let bytes = drain_all(&mut drain);
    assert!(bytes.ends_with(&[[16; 1000].as_slice(), &[17; 8000]].concat()));
    assert!(!bytes.contains(&3));
}

/// Where the memory is somebody else's, eviction cannot help for long; the push still ends.
#[test]
fn eviction_ends_when_the_memory_is_held_elsewhere() {
    let pool = pool(2 * 4096, 4096);
    let config = BatchConfig { shards: 1.try_into().ok(), ..config(1000, OverflowPolicy::DropOldest) };
    let (queue, _drain) = Drain::new(&config, &pool).unwrap();
    let permit = pool.reserve(2 * 4096).unwrap();
    assert_eq!(queue.push(GROUP, 1, b"x"), Err(DropReason::QueueFull));
    drop(permit);
    assert_eq!(queue.push(GROUP, 1, b"x"), Ok(()));
    assert!(queue.stats().is_balanced());
}

#[test]
fn blocking_ends_with_the_timeout() {
    let (queue, _drain) = small(OverflowPolicy::Block { timeout: Duration::from_millis(20) });
    queue.push(GROUP, 100, b"x").unwrap();
    assert_eq!(queue.push(GROUP, 1, b"x"), Err(DropReason::QueueFull));
    assert!(queue.stats().is_balanced());
}

/// A blocked producer goes on when room is made, in items or in bytes, or when the queue closes.
#[test]
fn blocking_ends_with_room_or_close() {
    enum End {
        Items,
        Bytes,
        Close,
    }
    for end in [End::Items, End::Bytes, End::Close] {
        let pool = pool(4096, 4096);
        let config = config(100, OverflowPolicy::Block { timeout: Duration::from_secs(600) });
        let (queue, mut drain) = Drain::new(&config, &pool).unwrap();
        match end {
            End::Bytes => queue.push(GROUP, 1, &[0; 4000]).unwrap(),
            _ => queue.push(GROUP, 100, b"x").unwrap(),
        }
        let (sender, result) = mpsc::channel();
        let producer = queue.clone();
        let thread = thread::spawn(move || sender.send(producer.push(GROUP, 1, &[1; 500])).unwrap());
        // Whether it already waits or not, its push cannot have ended.
        assert!(result.recv_timeout(Duration::from_millis(10)).is_err());
        if let End::Close = end {
            queue.close();
            assert_eq!(result.recv().unwrap(), Err(DropReason::ShutDown));
        } else {
            drain_all(&mut drain);
            assert_eq!(result.recv().unwrap(), Ok(()));
        }
        thread.join().unwrap();
        assert!(queue.stats().is_balanced());
    }
}

/// Each call makes room for less than a chunk as long as it runs; both together, for one.
#[test]
fn blocking_hears_of_the_room_that_calls_make_together() {
    let config = config(1000, OverflowPolicy::Block { timeout: Duration::from_secs(60) });
    let (queue, mut drain) = Drain::new(&config, &pool(3 * 4096, 4096)).unwrap();
    // Two of them do not fit one chunk, but with one of them in each of two, half of both is a chunk.
    let record = [0; 2044];
    for _ in 0..3 {
        queue.push(GROUP, 1, &record).unwrap();
    }
    drain.stage();
    let calls = [drain.take(1, 4096).unwrap(), drain.take(1, 4096).unwrap()];
    let (sender, result) = mpsc::channel();
    let producer = queue.clone();
    let thread = thread::spawn(move || sender.send(producer.push(GROUP, 1, &record)).unwrap());
    assert!(result.recv_timeout(Duration::from_millis(10)).is_err());
    let tickets = calls.map(|(batch, ticket)| {
        drop(batch);
        ticket
    });
    assert_eq!(result.recv_timeout(Duration::from_secs(10)), Ok(Ok(())));
    thread.join().unwrap();
    for ticket in tickets {
        ticket.settle(&Outcome { delivered: 1, ..Outcome::default() });
    }
    assert!(queue.stats().is_balanced());
}

/// A record that needs more than a chunk may be told of its room only when a call ends, but it is never given up while there
/// is some.
#[test]
fn blocking_looks_once_more_when_its_time_is_up() {
    let config = config(1000, OverflowPolicy::Block { timeout: Duration::from_millis(200) });
    let (queue, mut drain) = Drain::new(&config, &pool(4 * 4096, 4096)).unwrap();
    for _ in 0..3 {
        queue.push(GROUP, 1, &[0; 2044]).unwrap();
    }
    drain.stage();
    let (batch, ticket) = drain.take(1, 4096).unwrap();
    let (sender, result) = mpsc::channel();
    let producer = queue.clone();
    let thread = thread::spawn(move || sender.send(producer.push(GROUP, 1, &[0; 5_000])).unwrap());
    assert!(result.recv_timeout(Duration::from_millis(10)).is_err());
    // From room for one chunk to room for one and a half.
    drop(batch);
    assert_eq!(result.recv().unwrap(), Ok(()));
    thread.join().unwrap();
    ticket.settle(&Outcome { delivered: 1, ..Outcome::default() });
    assert!(queue.stats().is_balanced());
}

// conf: BATCH-22
#[test]
fn batches_are_cut_by_items_and_bytes_in_order() {
    let (queue, mut drain) = small(OverflowPolicy::DropNewest);
    for (group, items, bytes) in
        [(1, 1, &b"aa"[..]), (1, 2, b"bb"), (2, 1, b"cc"), (2, 9, b"metric"), (2, 1, b"dd"), (2, 1, b"ee")]
    {
        queue.push(GroupId(group), items, bytes).unwrap();
    }
    drain.stage();
    let mut take = |items, bytes| {
        let (batch, ticket) = drain.take(items, bytes).unwrap();
        assert_eq!(batch.items(), ticket.items());
        assert_eq!(batch.bytes(), runs(&batch).iter().map(|run| run.2.len()).sum::<usize>());
        runs(&batch)
    };
    assert_eq!(take(4, 100), [(1, 3, b"aabb".to_vec()), (2, 1, b"cc".to_vec())]);
    assert_eq!(take(4, 100), [(2, 9, b"metric".to_vec())], "over the limit, so alone");
    assert_eq!(take(4, 3), [(2, 1, b"dd".to_vec())]);
    assert_eq!(take(4, 1), [(2, 1, b"ee".to_vec())], "over the limit, so alone");
    assert!(drain.take(4, 100).is_none());
}

/// From the service's drop of a batch to the end of its call, its size stays accounted for the body made from it.
#[test]
fn the_body_of_a_batch_stays_accounted_until_its_outcome() {
    let (queue, mut drain) = small(OverflowPolicy::DropNewest);
    let pool = queue.pool().clone();
    for _ in 0..10 {
        queue.push(GROUP, 1, &[0; 1000]).unwrap();
    }
    drain.stage();
    let (batch, ticket) = drain.take(100, 100_000).unwrap();
    assert_eq!(pool.held_bytes() - pool.idle_bytes(), 3 * 4096, "the chunks");
    drop(batch);
    assert_eq!(pool.held_bytes() - pool.idle_bytes(), 10_000, "the body");
    ticket.settle(&Outcome { delivered: 10, ..Outcome::default() });
    assert_eq!(pool.held_bytes(), pool.idle_bytes());

    // The other way round, nothing stays behind either.
    queue.push(GROUP, 1, &[0; 1000]).unwrap();
    drain.stage();
    let (batch, ticket) = drain.take(100, 100_000).unwrap();
    ticket.settle(&Outcome { delivered: 1, ..Outcome::default() });
    assert_eq!(pool.held_bytes() - pool.idle_bytes(), 4096);
    drop(batch);
    assert_eq!(pool.held_bytes(), pool.idle_bytes());
}

/// A service that miscounts cannot unbalance the books.
#[test]
fn outcomes_are_repaired() {
    let (queue, mut drain) = small(OverflowPolicy::DropNewest);
    let mut lost = Outcome::lost(DropReason::NotRetryable, 3);
    lost.delivered = u64::MAX;
    let forgetful = Outcome { delivered: 4, ..Outcome::default() };
    for (outcome, delivered, refused, failed) in [(lost, 7, 3, 0), (forgetful, 4, 0, 6)] {
        queue.push(GROUP, 10, b"x").unwrap();
        drain.stage();
        let before = queue.stats();
        drain.take(100, 100).unwrap().1.settle(&outcome);
        let stats = queue.stats();
        assert!(stats.is_balanced());
        let since = stats.since(&before);
        assert_eq!(since.delivered, delivered);
        assert_eq!(since.dropped.get(DropReason::NotRetryable), refused);
        assert_eq!(since.dropped.get(DropReason::LayerFailed), failed);
        assert!(queue.last_error().unwrap().contains("of a batch of 10"));
    }
}

#[test]
fn a_push_allocates_nothing_in_steady_state() {
    let pool = ChunkPool::new(PoolConfig::default()).unwrap();
    let (queue, mut drain) = Drain::new(&BatchConfig::default(), &pool).unwrap();
    let round = || {
        for group in 0..2000_u32 {
            queue.push(GroupId(group / 10), 1, &[7; 380]).unwrap();
        }
    };
    for _ in 0..3 {
        round();
        drain_all(&mut drain);
    }
    for _ in 0..10 {
        assert_eq!(allocation_counter::measure(round).count_total, 0);
        drain_all(&mut drain);
    }
}

/// Producers, a drain, and an auditor at once: the books balance in every snapshot, the bounds hold at every look,
/// and every accepted record comes out once, in its producer's order.
// conf: BATCH-19, BATCH-20, BATCH-22
#[test]
fn many_threads_and_one_truth() {
    const PER_THREAD: u32 = 20_000;
    for overflow in [
        OverflowPolicy::DropNewest,
        OverflowPolicy::DropOldest,
        OverflowPolicy::Block { timeout: Duration::from_secs(600) },
    ] {
        let pool = pool(64 * 1024, 2048);
        let config = BatchConfig { shards: 2.try_into().ok(), ..config(700, overflow) };
        let (queue, mut drain) = Drain::new(&config, &pool).unwrap();
        let running = AtomicBool::new(true);
        let mut received = vec![Vec::new(); 3];
        thread::scope(|scope| {
            let producers: Vec<_> = (0..3_u32)
                .map(|thread| {
                    let queue = queue.clone();
                    scope.spawn(move || {
                        for number in 0..PER_THREAD {
                            let _ = queue.push(GroupId(thread), 1, &number.to_le_bytes());
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while running.load(Ordering::Relaxed) {
                    let stats = queue.stats();
                    assert!(stats.is_balanced(), "{stats:?}");
                    assert!(stats.queued <= 700, "{stats:?}");
                    assert!(pool.held_bytes() <= 64 * 1024);
                    thread::yield_now();
                }
            });
            let mut take = |drain: &mut Drain| {
                drain.stage();
                while let Some((batch, ticket)) = drain.take(100, 10_000) {
                    batch.for_each_run(&mut |group, _, bytes| {
                        let numbers = bytes.chunks(4).map(|n| u32::from_le_bytes(n.try_into().unwrap()));
                        received[group.0 as usize].extend(numbers);
                    });
                    let delivered = batch.items();
                    drop(batch);
                    ticket.settle(&Outcome { delivered, ..Outcome::default() });
                }
            };
            while !producers.iter().all(|producer| producer.is_finished()) {
                take(&mut drain);
            }
            take(&mut drain);
            running.store(false, Ordering::Relaxed);
        });
        let stats = queue.stats();
        assert_eq!((stats.accepted, stats.pending()), (3 * u64::from(PER_THREAD), 0));
        assert!(stats.is_balanced());
        assert_eq!(stats.delivered, received.iter().map(|numbers| numbers.len() as u64).sum::<u64>());
        for numbers in &received {
            assert!(numbers.is_sorted_by(|one, other| one < other));
        }
        if let OverflowPolicy::Block { .. } = overflow {
            assert_eq!(stats.delivered, stats.accepted, "nobody had to give up");
        }
        assert_eq!(pool.held_bytes(), pool.idle_bytes());
    }
}
