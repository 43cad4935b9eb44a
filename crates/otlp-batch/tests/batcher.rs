//! The batcher against a model of a queue: random arrivals, outcomes, flushes and evictions, in virtual time.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use otlp_batch::{BatchConfig, BatchId, Batcher, Depth, FlushId, Step, Strategy as Batching};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Event {
    Push {
        items: u64,
        bytes: u64,
    },
    /// An idle stretch; timers that fall due in it are heeded on time.
    Pass(Duration),
    /// The outcome of some batch in flight.
    Complete(prop::sample::Index),
    Flush,
    /// The oldest record is evicted; as in the queue, everything is staged first if nothing is.
    Evict,
    /// A push found no room.
    Pressure,
    /// The worker is polled for no reason.
    Step,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0..4_u64, 0..120_u64).prop_map(|(items, bytes)| Event::Push { items, bytes }),
        3 => (0..1500_u64).prop_map(|ms| Event::Pass(Duration::from_millis(ms))),
        2 => any::<prop::sample::Index>().prop_map(Event::Complete),
        1 => Just(Event::Flush),
        1 => Just(Event::Evict),
        1 => Just(Event::Pressure),
        1 => Just(Event::Step),
    ];
    prop::collection::vec(event, 0..120)
}

fn configs() -> impl Strategy<Value = BatchConfig> {
    let strategy = prop_oneof![Just(Batching::Size), Just(Batching::Time), Just(Batching::Hybrid)];
    (strategy, 1..12_usize, 1..400_usize, prop_oneof![Just(0), 1..4000_u64]).prop_map(
        |(strategy, max_batch_items, max_batch_bytes, delay)| BatchConfig {
            strategy,
            max_batch_items,
            max_batch_bytes,
            max_delay: Duration::from_millis(delay),
            ..BatchConfig::default()
        },
    )
}

#[derive(Debug, Clone, Copy)]
struct Rec {
    id: u64,
    items: u64,
    bytes: u64,
    arrived: Instant,
}

/// A queue in the smallest form, and a worker that does what the batcher says.
struct Model {
    config: BatchConfig,
    batcher: Batcher,
    now: Instant,
    fresh: VecDeque<Rec>,
    staged: VecDeque<Rec>,
    front: u64,
    pressure: bool,
    pushed: u64,
    in_flight: Vec<(BatchId, Vec<Rec>)>,
    done: BTreeSet<u64>,
    flushes: HashMap<FlushId, u64>,
    closed: bool,
    last: Step,
}

impl Model {
    fn new(config: BatchConfig) -> Self {
        let now = tokio::time::Instant::now().into_std();
        let batcher = Batcher::new(&config);
        let mut model = Self {
            config,
            batcher,
            now,
            fresh: VecDeque::new(),
            staged: VecDeque::new(),
            front: 0,
            pressure: false,
            pushed: 0,
            in_flight: Vec::new(),
            done: BTreeSet::new(),
            flushes: HashMap::new(),
            closed: false,
            last: Step::Finished,
        };
        model.run();
        model
    }

    fn depth(&self) -> Depth {
        let sum = |records: &VecDeque<Rec>, of: fn(&Rec) -> u64| records.iter().map(of).sum::<u64>();
        Depth {
            front: self.front,
            staged_records: self.staged.len() as u64,
            staged_items: sum(&self.staged, |r| r.items),
            staged_bytes: sum(&self.staged, |r| r.bytes),
            fresh_records: self.fresh.len() as u64,
            fresh_items: sum(&self.fresh, |r| r.items),
            fresh_bytes: sum(&self.fresh, |r| r.bytes),
            pressure: self.pressure,
        }
    }

    fn stage(&mut self) -> u64 {
        self.staged.extend(self.fresh.drain(..));
        self.front + self.staged.len() as u64
    }

    /// Steps until the batcher waits.
    fn run(&mut self) {
        for _ in 0..10_000 {
            let depth = self.depth();
            self.last = self.batcher.step(self.now, &depth);
            match self.last {
                Step::Stage => drop(self.stage()),
                Step::Take { max_items, max_bytes } => self.take(&depth, max_items, max_bytes),
                Step::Wait { wake, .. } => {
                    if depth.records() == 0 {
                        self.pressure = false;
                    }
                    let depth = self.depth();
                    let met = depth.items() >= wake.items
                        || depth.bytes() >= wake.bytes
                        || (wake.first && depth.records() > 0)
                        || (wake.pressure && depth.pressure);
                    assert!(
                        !met || depth.records() == 0,
                        "waits for what is already there: {depth:?} {wake:?}"
                    );
                    return self.check();
                }
                Step::Finished => return self.check(),
            }
        }
        panic!("no progress: {:?}", self.last);
    }

    fn take(&mut self, depth: &Depth, max_items: u64, max_bytes: u64) {
        assert_eq!(max_items, self.config.max_batch_items as u64);
        assert_eq!(max_bytes, self.config.max_batch_bytes as u64);
        let full = depth.items() >= max_items || depth.bytes() >= max_bytes || depth.pressure;
        let flushing = !self.flushes.is_empty() || self.closed;
        if self.config.strategy == Batching::Size {
            assert!(full || flushing, "a batch that was not full, and nobody had asked");
        }
        self.pressure = false;
        let mut batch: Vec<Rec> = Vec::new();
        while let Some(next) = self.staged.front() {
            let items = batch.iter().map(|r| r.items).sum::<u64>() + next.items;
            let bytes = batch.iter().map(|r| r.bytes).sum::<u64>() + next.bytes;
            if !batch.is_empty() && (items > max_items || bytes > max_bytes) {
                break;
            }
            batch.extend(self.staged.pop_front());
        }
        assert!(!batch.is_empty(), "nothing to take");
        self.front += batch.len() as u64;
        let id = self.batcher.taken(self.front);
        self.in_flight.push((id, batch));
    }

    fn complete(&mut self, at: usize) {
        let (id, batch) = self.in_flight.swap_remove(at);
        self.done.extend(batch.iter().map(|record| record.id));
        self.batcher.completed(id);
    }

    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        // Every timer on its time.
        while let Step::Wait { until: Some(until), .. } = self.last {
            if until > end {
                break;
            }
            self.now = self.now.max(until);
            self.run();
        }
        self.now = end;
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Push { items, bytes } => {
                let record = Rec { id: self.pushed, items, bytes, arrived: self.now };
                self.pushed += 1;
                self.fresh.push_back(record);
                let depth = self.depth();
                // As the queue does: nobody is woken but for what was asked.
                if let Step::Wait { wake, .. } = self.last
                    && (wake.first || depth.items() >= wake.items || depth.bytes() >= wake.bytes)
                {
                    self.run();
                }
            }
            Event::Pass(duration) => self.pass(duration),
            Event::Complete(index) => {
                if !self.in_flight.is_empty() {
                    self.complete(index.index(self.in_flight.len()));
                    self.run();
                }
            }
            Event::Flush => {
                let end = self.stage();
                let id = self.batcher.flush(end);
                self.flushes.insert(id, self.pushed);
                self.run();
            }
            Event::Evict => {
                if self.staged.is_empty() {
                    self.stage();
                }
                if let Some(record) = self.staged.pop_front() {
                    self.front += 1;
                    self.done.insert(record.id);
                }
                self.pressure = true;
                self.run();
            }
            Event::Pressure => {
                self.pressure = true;
                self.run();
            }
            Event::Step => self.run(),
        }
        self.check();
    }

    /// What holds whenever the batcher waits.
    fn check(&mut self) {
        while let Some(id) = self.batcher.next_flushed() {
            let end = self.flushes.remove(&id).expect("a flush completes once");
            assert!((0..end).all(|id| self.done.contains(&id)), "complete before its records have outcomes");
        }
        for end in self.flushes.values() {
            assert!((0..*end).any(|id| !self.done.contains(&id)), "all outcomes known, but not complete");
        }
        if self.config.strategy != Batching::Size {
            for record in self.fresh.iter().chain(&self.staged) {
                let age = self.now - record.arrived;
                assert!(age <= self.config.max_delay, "{record:?} is {age:?} old");
            }
        }
    }
}

proptest! {
    /// Nothing lost, duplicated, reordered or too old; limits kept; flushes exact; close drains.
    // conf: BATCH-02, BATCH-03, BATCH-10, BATCH-12, BATCH-20, BATCH-21, BATCH-22, BATCH-28
    #[test]
    fn the_batcher_keeps_its_contract(config in configs(), events in events()) {
        let mut model = Model::new(config);
        for event in events {
            model.apply(event);
        }
        model.batcher.close();
        model.closed = true;
        model.run();
        prop_assert!(model.fresh.is_empty() && model.staged.is_empty(), "close drains");
        while !model.in_flight.is_empty() {
            prop_assert!(model.last != Step::Finished, "finished with batches in flight");
            model.complete(0);
            model.run();
        }
        prop_assert_eq!(model.last, Step::Finished);
        prop_assert!(model.flushes.is_empty());
        prop_assert_eq!(model.done.len() as u64, model.pushed, "every record has one outcome");
    }
}

fn start() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn depth(items: u64) -> Depth {
    Depth { fresh_records: items, fresh_items: items, fresh_bytes: items * 100, ..Depth::default() }
}

fn config(strategy: Batching) -> BatchConfig {
    BatchConfig {
        strategy,
        max_batch_items: 10,
        max_batch_bytes: 100_000,
        max_delay: Duration::from_secs(5),
        ..BatchConfig::default()
    }
}

/// A full batch leaves at once, without the timer.
// conf: BATCH-02
#[test]
fn size_does_not_wait_for_the_timer() {
    for strategy in [Batching::Size, Batching::Hybrid] {
        let mut batcher = Batcher::new(&config(strategy));
        assert!(matches!(batcher.step(start(), &depth(9)), Step::Wait { wake, .. } if wake.items == 10));
        assert_eq!(batcher.step(start(), &depth(10)), Step::Stage);
    }
}

/// Under load without a pause, batches stay full: a record's time is counted from its own arrival.
#[test]
fn a_queue_that_is_never_empty_does_not_make_small_batches() {
    let mut batcher = Batcher::new(&config(Batching::Hybrid));
    let start = start();
    let mut front = 0;
    for second in 0..60 {
        let now = start + Duration::from_secs(second);
        // Fifteen records, of which ten leave; always five more behind them.
        let fresh = Depth { front, ..depth(if second == 0 { 15 } else { 10 }) };
        let staged_records = if second == 0 { 0 } else { 5 };
        let fresh = Depth { staged_records, staged_items: staged_records, ..fresh };
        assert_eq!(batcher.step(now, &fresh), Step::Stage);
        let all = Depth { front, staged_records: 15, staged_items: 15, ..Depth::default() };
        assert_eq!(batcher.step(now, &all), Step::Take { max_items: 10, max_bytes: 100_000 });
        front += 10;
        let batch = batcher.taken(front);
        batcher.completed(batch);
        let rest = Depth { front, staged_records: 5, staged_items: 5, ..Depth::default() };
        let step = batcher.step(now, &rest);
        assert!(matches!(step, Step::Wait { until: Some(until), .. } if until > now), "{second}: {step:?}");
    }
}

/// The timer strategy leaves a full batch where it is, and sends all of it in batches within the limits when due.
#[test]
fn time_waits_though_a_batch_is_full() {
    let mut batcher = Batcher::new(&config(Batching::Time));
    let start = start();
    let due = start + Duration::from_secs(5);
    assert!(matches!(batcher.step(start, &depth(1)), Step::Wait { until, .. } if until == Some(due)));
    assert!(matches!(batcher.step(start, &depth(50)), Step::Wait { wake, .. } if wake.items == u64::MAX));
    assert_eq!(batcher.step(due, &depth(50)), Step::Stage);
}

/// No delay means no wait between exports.
// conf: BATCH-28
#[test]
fn no_delay_is_no_wait() {
    let mut batcher = Batcher::new(&BatchConfig { max_delay: Duration::ZERO, ..config(Batching::Hybrid) });
    assert_eq!(batcher.step(start(), &depth(1)), Step::Stage);
}

/// A flush of nothing is complete at once, and takes nothing.
// conf: BATCH-06
#[test]
fn an_empty_flush_is_complete() {
    let mut batcher = Batcher::new(&config(Batching::Hybrid));
    let flush = batcher.flush(0);
    assert_eq!(batcher.next_flushed(), Some(flush));
    assert!(matches!(batcher.step(start(), &depth(0)), Step::Wait { wake, .. } if wake.first));
}

/// A flush waits for batches taken before it, whose outcomes are not known.
// conf: BATCH-10
#[test]
fn a_flush_includes_what_is_in_flight() {
    let mut batcher = Batcher::new(&config(Batching::Hybrid));
    let batch = batcher.taken(10);
    let flush = batcher.flush(10);
    assert_eq!(batcher.next_flushed(), None);
    batcher.completed(batch);
    assert_eq!(batcher.next_flushed(), Some(flush));
}
