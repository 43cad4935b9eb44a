//! The bare queue: one push, beside a copy into a ring of chunks, which is all that no queue can do without.
//!
//! Records of 64 bytes (a small log record), 380 (a span of 8 attributes and an event) and 4,096, from one producer and
//! from two; times are per record of one producer. A worker on a thread of its own takes batches with the default
//! options and drops them, after a look at each cache line, as the kernel would read them to send them. So the memory
//! of a record wanders between two cores, which the floor's does not. Between two pushes of one series the producer
//! works for some 100 ns, as it does in life: stores on their way to the cache then cost less than back to back.
//!
//! With two producers and the worker, three threads want a core: on a machine of two, their time is the sum of the CPU
//! time of all three, divided by two. `examples/queue.rs` prints CPU time, context switches and losses.

#![expect(clippy::expect_used, reason = "a benchmark that can't start has nothing to say")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use otlp_benches::{BareQueue, on_threads};
use std::hint::black_box;

const SIZES: [usize; 3] = [64, 380, 4096];

/// As many rounds of work as take about 100 ns.
const WORK: u32 = 100;

/// Copies records into chunks of 64 KiB, one after the other, as many as a batch of 1 MiB fills.
struct Ring {
    memory: Vec<u8>,
    used: usize,
}

impl Ring {
    fn new() -> Self {
        Self { memory: vec![0; 1024 * 1024], used: 0 }
    }

    #[inline]
    fn push(&mut self, record: &[u8]) {
        if self.used + record.len() > self.memory.len() {
            self.used = 0;
        }
        let end = self.used + record.len();
        self.memory[self.used..end].copy_from_slice(record);
        self.used = end;
    }
}

fn work(number: &mut u64) {
    for _ in 0..WORK {
        *number = black_box(*number ^ (*number << 13));
    }
}

fn push(criterion: &mut Criterion) {
    for size in SIZES {
        let record = vec![7; size];
        let mut group = criterion.benchmark_group(format!("push, {size} bytes"));
        group.throughput(Throughput::Elements(1));
        let mut ring = Ring::new();
        group.bench_function("floor", |bencher| bencher.iter(|| ring.push(black_box(&record))));
        let queue = BareQueue::new().expect("the queue starts");
        group.bench_function("queue", |bencher| bencher.iter(|| queue.push(&record)));
        let mut number = 4711;
        group.bench_function("work alone", |bencher| bencher.iter(|| work(&mut number)));
        group.bench_function("queue, with work between", |bencher| {
            bencher.iter(|| {
                work(&mut number);
                queue.push(&record);
            });
        });
        group.bench_function("queue, two producers", |bencher| {
            bencher.iter_custom(|rounds| on_threads(2, || (0..rounds).for_each(|_| queue.push(&record))));
        });
        group.bench_function("queue, two producers, with work between", |bencher| {
            bencher.iter_custom(|rounds| {
                on_threads(2, || {
                    let mut number = 4711;
                    for _ in 0..rounds {
                        work(&mut number);
                        queue.push(&record);
                    }
                })
            });
        });
        group.finish();
        println!("lost during the measurement: {}", queue.dropped());
    }
}

criterion_group!(queue, push);
criterion_main!(queue);
