//! A real client for minutes, at a steady rate, against one fault after the other: `cargo xtask soak [SECONDS] [--seed N]`.
//!
//! Two clients, one over gRPC and one over HTTP, each before a fault proxy and a collector. A phase makes spans while a
//! random fault lasts, then lifts it and flushes: everything must have arrived and the books must be exact. One line for each
//! phase; the seed, printed first, gives the same faults again. Ends with an error at the first item that is missing, and when the
//! process, collectors included, has grown beyond its bound.

#![expect(clippy::disallowed_methods, reason = "a soak is paced by the clock")]

mod fault;
mod lane;

use fault::Fault;
use lane::Lane;
use std::error::Error;
use std::time::{Duration, Instant};

type Failure = Box<dyn Error + Send + Sync>;

const USAGE: &str = "usage: soak [SECONDS] [--seed N]";

/// Spans a second, of each client.
const RATE: u64 = 500;
/// What the process may grow to: twice the default bound of a client, and what the collectors of a phase hold.
const MOST_RESIDENT: u64 = 256 * 1024 * 1024;

fn main() -> Result<(), Failure> {
    let (seconds, seed) = arguments()?;
    println!("soak: {seconds} s, seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut lanes = [Lane::grpc()?, Lane::http()?];
    let started = Instant::now();
    let mut phase = 0;
    while started.elapsed() < Duration::from_secs(seconds) {
        phase += 1;
        let (fault, length) = (Fault::random(&mut random), random.u64(4..=20));
        let length = length.min(seconds.saturating_sub(started.elapsed().as_secs())).max(1);
        let settled = run(&mut lanes, &fault, length, &mut random)?;
        let resident = resident_bytes();
        println!(
            "{:5} s  phase {phase}: {length} s of {fault}; settled in {:.1} s; {} | {}; {} MiB",
            started.elapsed().as_secs(),
            settled.as_secs_f64(),
            lanes[0],
            lanes[1],
            resident >> 20
        );
        if resident > MOST_RESIDENT {
            return Err(
                format!("{} MiB are resident, more than {}", resident >> 20, MOST_RESIDENT >> 20).into()
            );
        }
    }
    for lane in lanes {
        println!("{}", lane.shutdown()?);
    }
    println!("nothing was lost, and the books are exact (seed {seed})");
    Ok(())
}

fn arguments() -> Result<(u64, u64), Failure> {
    let (mut seconds, mut seed) = (600, fastrand::u64(..));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => seed = arguments.next().ok_or(USAGE)?.parse()?,
            text => seconds = text.parse().map_err(|_| USAGE)?,
        }
    }
    Ok((seconds, seed))
}

/// One phase. Returns how long it took, once the fault was lifted, until everything had arrived.
fn run(
    lanes: &mut [Lane; 2],
    fault: &Fault,
    length: u64,
    random: &mut fastrand::Rng,
) -> Result<Duration, Failure> {
    for lane in lanes.iter() {
        fault.begin(lane)?;
    }
    let begun = Instant::now();
    for second in 0..length {
        for lane in lanes.iter() {
            fault.again(lane, random)?;
        }
        for tick in 0..100 {
            let due = begun + Duration::from_secs(second) + Duration::from_millis(10 * tick);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            lanes.iter_mut().for_each(|lane| lane.make(RATE / 100));
        }
    }
    for lane in lanes.iter() {
        fault.lift(lane)?;
    }
    let lifted = Instant::now();
    for lane in lanes.iter_mut() {
        lane.settle()?;
    }
    Ok(lifted.elapsed())
}

/// Resident memory of this process; 0 where there is no `/proc`.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
