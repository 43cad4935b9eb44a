//! Pushes records into a bare queue and nothing else: something to run under a profiler, an instruction counter, or on
//! one core. Its worker's service drops each batch at once.
//!
//! ```text
//! cargo build --release -p otlp-benches --example queue
//! valgrind --tool=callgrind target/release/examples/queue drop 1 380 100000
//! taskset -c 0 target/release/examples/queue block 1 380 10000000 2
//! target/release/examples/queue drop 2 380 1000000 64 100
//! ```

use otlp_batch::{BatchConfig, OverflowPolicy, PoolConfig};
use otlp_benches::BareQueue;
use std::time::{Duration, Instant};

/// Nanoseconds on a core, and switches that were asked for and that were not, of all threads that live.
fn spent() -> [u64; 3] {
    let mut sum = [0; 3];
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return sum };
    for task in tasks.flatten() {
        let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
        sum[0] += read("schedstat").split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0);
        for line in read("status").lines() {
            let number = line.rsplit('\t').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
            if line.starts_with("voluntary") {
                sum[1] += number;
            } else if line.starts_with("nonvoluntary") {
                sum[2] += number;
            }
        }
    }
    sum
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [policy, threads, bytes, records, rest @ ..] = &arguments[..] else {
        return Err("usage: queue drop|block THREADS BYTES RECORDS [MIB [WORK]]".into());
    };
    let (threads, bytes, records): (usize, usize, u64) = (threads.parse()?, bytes.parse()?, records.parse()?);
    let mib: usize = rest.first().map_or(Ok(64), |mib| mib.parse())?;
    let work: u32 = rest.get(1).map_or(Ok(0), |work| work.parse())?;
    let overflow = match policy.as_str() {
        "block" => OverflowPolicy::Block { timeout: Duration::from_secs(60) },
        _ => OverflowPolicy::DropNewest,
    };
    let config = BatchConfig { overflow, ..BatchConfig::default() };
    let queue = BareQueue::with(&config, PoolConfig { max_size: mib << 20, ..PoolConfig::default() })?;
    let record = vec![7; bytes];
    let step = std::sync::Barrier::new(threads + 1);
    let (wall, before, after) = std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                step.wait();
                let mut number = 4711_u64;
                for _ in 0..records {
                    for _ in 0..work {
                        number = std::hint::black_box(number ^ (number << 13));
                    }
                    queue.push(&record);
                }
                step.wait();
                // Alive until it was counted.
                step.wait();
            });
        }
        let before = spent();
        step.wait();
        let begun = Instant::now();
        step.wait();
        let (wall, after) = (begun.elapsed(), spent());
        step.wait();
        (wall, before, after)
    });
    let all = (records * threads as u64) as f64;
    let spent = |what: usize| (after[what] - before[what]) as f64 / all;
    println!(
        "{policy} {threads} x {bytes} bytes: wall {:.1} ns per record and producer, {:.2} M records/s, CPU {:.1} ns \
         per record, per M {:.1} voluntary and {:.1} other switches, {:.1} batches, dropped {}",
        wall.as_nanos() as f64 / records as f64,
        all / wall.as_secs_f64() / 1e6,
        spent(0),
        spent(1) * 1e6,
        spent(2) * 1e6,
        queue.batches() as f64 / all * 1e6,
        queue.dropped(),
    );
    Ok(())
}
