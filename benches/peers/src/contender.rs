//! The frame that every contender runs in: it reads the order, builds, calibrates, lets the threads make their items, ends,
//! calibrates again, and prints the figures as one line of JSON.
//!
//! What is measured starts with the first item and stops when the contender's own flush and shutdown have returned. The
//! frame knows no library; it is the same code for all.

use crate::allocations::allocations;
use crate::calibration::Calibration;
use crate::process::{cpu_ns, resident_bytes, thread_cpu_ns};
use crate::{Figures, Order, Workload};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

/// A client under comparison.
pub trait Contender: Sized + Sync {
    /// Whether it is a layer for `tracing`, which adds attributes by itself.
    const IS_LAYER: bool = false;

    /// Makes it ready to take items.
    ///
    /// # Errors
    ///
    /// [`Failure::cannot`] for what the library has no way to do.
    fn build(order: &Order) -> Result<Self, Failure>;

    /// Makes these items, on the calling thread.
    fn make(&self, items: Range<u64>);

    /// Flushes and shuts down as the library recommends, checks its answer, and returns how many items it says it lost,
    /// if it can say.
    ///
    /// # Errors
    ///
    /// In lossless mode whatever the library answers but success.
    fn finish(self) -> Result<Option<u64>, Failure>;
}

/// Why there are no figures.
#[derive(Debug)]
pub struct Failure {
    text: String,
    exit: u8,
}

impl Failure {
    /// The library can't do what was ordered: exit code 2.
    pub fn cannot(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: 2 }
    }

    /// It could, but it went wrong: exit code 1.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit: 1 }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}

/// Runs a contender: the whole `main` of each.
#[must_use]
pub fn run<C: Contender>() -> ExitCode {
    let figures = Order::parse(std::env::args().skip(1))
        .map_err(Failure::new)
        .and_then(|order| measure::<C>(&order))
        .and_then(|figures| Ok(serde_json::to_string(&figures)?));
    match figures {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{}", failure.text);
            ExitCode::from(failure.exit)
        }
    }
}

fn measure<C: Contender>(order: &Order) -> Result<Figures, Failure> {
    let mut calibration = Calibration::new();
    let (resident_before, _) = resident_bytes();
    if order.workload == Workload::Full && !C::IS_LAYER {
        return Err(Failure::cannot("only a layer for `tracing` adds attributes by itself"));
    }
    let contender = C::build(order)?;

    let calibrated_before = calibration.time()?;
    let (allocated, (user, system), started) = (allocations(), cpu_ns()?, Instant::now());
    let (producer_cpu_ns, producer_wall_ns) = produce(&contender, order)?;
    let lost_by_own_account = contender.finish()?;
    let (wall, (user_after, system_after)) = (started.elapsed(), cpu_ns()?);
    let allocations = allocations() - allocated;
    let calibrated_after = calibration.time()?;

    let (_, most_resident) = resident_bytes();
    Ok(Figures {
        made: order.items,
        wall_ns: wall.as_nanos() as u64,
        producer_cpu_ns,
        producer_wall_ns,
        user_ns: user_after - user,
        system_ns: system_after - system,
        peak_rss_bytes: most_resident.saturating_sub(resident_before),
        allocations,
        calibration_ns: [calibrated_before, calibrated_after],
        lost_by_own_account,
    })
}

/// CPU time of the producing threads, summed, and the wall time of the longest.
fn produce<C: Contender>(contender: &C, order: &Order) -> Result<(u64, u64), Failure> {
    let part = |items: Range<u64>| -> Result<(u64, u64), nix::Error> {
        let (started, cpu) = (Instant::now(), thread_cpu_ns()?);
        contender.make(items);
        Ok((thread_cpu_ns()? - cpu, started.elapsed().as_nanos() as u64))
    };
    let (items, threads) = (order.items, order.threads.max(1));
    if threads == 1 {
        return Ok(part(0..items)?);
    }
    std::thread::scope(|scope| {
        let shares = (0..threads).map(|n| items * n / threads..items * (n + 1) / threads);
        let running: Vec<_> = shares.map(|share| scope.spawn(|| part(share))).collect();
        let mut total = (0, 0);
        for thread in running {
            let (cpu, wall) = thread.join().map_err(|_| Failure::new("a producing thread panicked"))??;
            total = (total.0 + cpu, total.1.max(wall));
        }
        Ok(total)
    })
}
