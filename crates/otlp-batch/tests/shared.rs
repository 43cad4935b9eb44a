//! Requests that share the queue's chunks: the same bytes as copies, and chunks that come back when, and only when,
//! nobody can read them any more.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::HashMap;

use otlp_batch::{Batch, BatchConfig, ChunkPool, Drain, PoolConfig, Queue, Ticket};
use otlp_model::{
    Body, DropReason, ExportRequest, GroupId, Groups, InstrumentationScope, Outcome, Records, RequestLimits,
    Resource, Run, Signal, assemble,
};
use proptest::prelude::*;
use proptest::sample::Index;

const CHUNK: usize = 16 * 1024;
/// Three of them and their headers fill a chunk.
const RECORD: usize = CHUNK / 3 - 100;

fn queue(chunk_size: usize, max_size: usize) -> (Queue, Drain) {
    let config = PoolConfig { initial_size: 0, max_size, chunk_size, ..PoolConfig::default() };
    let pool = ChunkPool::new(config).unwrap();
    Drain::new(&BatchConfig { shards: 1.try_into().ok(), ..BatchConfig::default() }, &pool).unwrap()
}

fn groups() -> (Groups, Vec<GroupId>) {
    let groups = Groups::new();
    let of = |(service, scope)| {
        groups.register(&Resource::new().with("service.name", service), &InstrumentationScope::new(scope))
    };
    let ids = [("a", "x"), ("a", "y"), ("b", "x")].map(of).to_vec();
    (groups, ids)
}

/// A field 2 of so many bytes, as every record is one.
fn record(number: usize, len: usize) -> Vec<u8> {
    let payload = [number as u8].repeat(len);
    let mut record = vec![0x12, (len & 127) as u8 | 128, (len >> 7) as u8];
    record.extend(payload);
    record
}

/// Bytes of chunks in use, and of reservations.
fn in_use(queue: &Queue) -> usize {
    queue.pool().held_bytes() - queue.pool().idle_bytes()
}

fn settle(ticket: Ticket) {
    let delivered = ticket.items();
    ticket.settle(&Outcome { delivered, ..Outcome::default() });
}

/// The same records, to be copied.
struct Copied<'a>(&'a Batch);

impl Records for Copied<'_> {
    fn items(&self) -> u64 {
        self.0.items()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        self.0.for_each_run(visit);
    }
}

/// Everything that is queued, in one request.
fn request(drain: &mut Drain) -> (ExportRequest, Ticket) {
    let (groups, _) = groups();
    drain.stage();
    let (batch, ticket) = drain.take(u64::MAX, u64::MAX).unwrap();
    let mut assembled = assemble(&groups, Signal::Traces, &batch, RequestLimits::default());
    (assembled.requests.remove(0), ticket)
}

/// While a request holds chunks they count as used, and no longer; then the size of the records, until the outcome.
#[test]
fn chunks_come_back_when_and_only_when_all_clones_of_a_request_are_gone() {
    let (queue, mut drain) = queue(CHUNK, 100 * CHUNK);
    let push = |count| (0..count).for_each(|at| queue.push(GroupId(0), 1, &record(at, RECORD)).unwrap());
    push(6);
    let (request, ticket) = request(&mut drain);
    assert_eq!(request.body().slices().len(), 3, "the headers and two chunks");
    assert_eq!(in_use(&queue), 2 * CHUNK);
    let (retry, wire): (ExportRequest, Body) = (request.clone(), request.body().clone());
    drop(request);
    drop(retry);
    assert_eq!(in_use(&queue), 2 * CHUNK, "the wire still reads them");
    let last = wire.slices()[2].slice(10..11);
    drop(wire);
    assert_eq!(in_use(&queue), CHUNK + 3 * (RECORD + 3), "one byte keeps its chunk, the other is given back");
    drop(last);
    assert_eq!(in_use(&queue), 6 * (RECORD + 3), "for what was made of the records, until the outcome");
    settle(ticket);
    assert_eq!((in_use(&queue), queue.pool().idle_bytes()), (0, 2 * CHUNK));
    push(6);
    assert_eq!(queue.pool().held_bytes(), 2 * CHUNK, "they take new records");
}

/// A layer that keeps requests keeps chunks. They count as used also after the outcome: the pool's cap holds, and it is
/// the queue that is full.
#[test]
fn who_keeps_requests_keeps_room_from_the_queue_which_counts_what_it_drops() {
    let (queue, mut drain) = queue(CHUNK, 4 * CHUNK);
    let mut kept = Vec::new();
    for _ in 0..2 {
        (0..6).for_each(|at| queue.push(GroupId(0), 1, &record(at, RECORD)).unwrap());
        let (request, ticket) = request(&mut drain);
        settle(ticket);
        kept.push(request);
    }
    assert_eq!(queue.pool().held_bytes(), 4 * CHUNK);
    assert_eq!(queue.push(GroupId(0), 1, b"x"), Err(DropReason::QueueFull));
    kept.pop();
    assert_eq!(queue.push(GroupId(0), 1, b"x"), Ok(()));
    assert!(queue.pool().held_bytes() <= 4 * CHUNK && queue.stats().is_balanced());
    // What outlives the queue goes to the allocator, not to a pool that nobody uses.
    drop(drain);
    drop(kept);
    assert_eq!(queue.pool().held_bytes(), 0);
}

/// Few records that wait long for a retry must not keep a chunk that is mostly empty, nor many slices of few bytes.
#[test]
fn chunks_that_are_mostly_empty_or_of_short_runs_are_copied() {
    let (queue, mut drain) = queue(CHUNK, 100 * CHUNK);
    queue.push(GroupId(0), 1, &record(1, 500)).unwrap();
    let (few, ticket) = request(&mut drain);
    assert_eq!((few.body().slices().len(), in_use(&queue)), (1, 503));
    settle(ticket);
    assert_eq!(in_use(&queue), 0, "a copy is not the pool's");

    let records = 12;
    (0..records).for_each(|at| queue.push(GroupId(at as u32 % 2), 1, &record(at, 1000)).unwrap());
    let (short, ticket) = request(&mut drain);
    assert_eq!((short.body().slices().len(), in_use(&queue)), (1, records * 1003));
    settle(ticket);
}

/// Neighbours in a chunk may go to different batches; the chunk comes back after the last of them.
#[test]
fn batches_share_the_chunk_they_were_cut_from() {
    let (queue, mut drain) = queue(CHUNK, 100 * CHUNK);
    (0..3).for_each(|at| queue.push(GroupId(0), 1, &record(at, RECORD)).unwrap());
    drain.stage();
    let slices: Vec<_> = std::iter::from_fn(|| drain.take(1, u64::MAX))
        .map(|(batch, ticket)| {
            let mut slices = Vec::new();
            batch.for_each_shared_run(&mut |_, _, run| match run {
                Run::Shared(bytes) => slices.push(bytes.clone()),
                Run::Borrowed(bytes) => panic!("{} bytes are not shared", bytes.len()),
            });
            settle(ticket);
            slices.remove(0)
        })
        .collect();
    for (at, slice) in slices.into_iter().enumerate() {
        assert_eq!(slice, record(at, RECORD));
        assert_eq!(in_use(&queue), CHUNK);
    }
    assert_eq!(in_use(&queue), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// For arbitrary records, groups, chunks and limits: requests that share are byte for byte those that copy; all that
    /// lives is accounted for, within the cap; and in the end everything is back, whatever was dropped first.
    #[test]
    fn sharing_changes_no_byte_and_loses_no_chunk(
        runs in prop::collection::vec((0..3_usize, 1..12_usize, 0..2000_usize), 0..40),
        chunk_size in 1024..40_000_usize,
        take in (1..200_u64, 100..200_000_u64),
        limits in (prop_oneof![Just(u64::MAX), 1..50_u64], prop_oneof![Just(usize::MAX), 500..50_000_usize]),
        order in prop::collection::vec((0..4_u8, any::<Index>()), 0..100),
    ) {
        let limits = RequestLimits { max_items: limits.0, max_bytes: limits.1 };
        let (groups, ids) = groups();
        let (queue, mut drain) = queue(chunk_size, 8 << 20);
        let mut number = 0;
        for (group, repeat, len) in runs {
            for _ in 0..repeat {
                number += 1;
                queue.push(ids[group], 1, &record(number, len)).unwrap();
            }
        }
        drain.stage();
        let (mut batches, mut tickets, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        while let Some((batch, ticket)) = drain.take(take.0, take.1) {
            let shared = assemble(&groups, Signal::Traces, &batch, limits);
            let copied = assemble(&groups, Signal::Traces, &Copied(&batch), limits);
            prop_assert_eq!(shared.too_large, copied.too_large);
            prop_assert_eq!(shared.requests.len(), copied.requests.len());
            for (shared, copied) in shared.requests.iter().zip(&copied.requests) {
                prop_assert_eq!((shared.items(), shared.raw_len()), (copied.items(), copied.raw_len()));
                prop_assert_eq!(copied.body().slices().len(), 1);
                prop_assert_eq!(shared.body().to_bytes(), copied.body().to_bytes());
            }
            requests.extend(shared.requests);
            batches.push(batch);
            tickets.push(ticket);
        }
        drop(drain);

        let items = |tickets: &Vec<Ticket>| tickets.iter().map(Ticket::items).sum::<u64>();
        let mut expected: HashMap<usize, Vec<u8>> = HashMap::new();
        for (at, request) in requests.iter().enumerate() {
            expected.insert(at, request.body().to_bytes().to_vec());
        }
        let mut requests: Vec<_> = requests.into_iter().enumerate().collect();
        for (what, index) in order {
            match what {
                0 if !batches.is_empty() => drop(batches.swap_remove(index.index(batches.len()))),
                1 if !tickets.is_empty() => settle(tickets.swap_remove(index.index(tickets.len()))),
                2 if !requests.is_empty() => requests.push(requests[index.index(requests.len())].clone()),
                3 if !requests.is_empty() => drop(requests.swap_remove(index.index(requests.len()))),
                _ => {}
            }
            let stats = queue.stats();
            prop_assert!(stats.is_balanced() && stats.in_flight == items(&tickets));
            prop_assert!(queue.pool().held_bytes() <= queue.pool().config().max_size);
            prop_assert!(in_use(&queue) >= batches.iter().map(Batch::bytes).sum::<usize>());
            for (at, request) in &requests {
                prop_assert_eq!(&request.body().to_bytes(), &expected[at]);
            }
        }
        drop((requests, batches));
        tickets.into_iter().for_each(settle);
        prop_assert_eq!(queue.pool().held_bytes(), 0);
        prop_assert_eq!(queue.stats().delivered, number as u64);
    }
}
