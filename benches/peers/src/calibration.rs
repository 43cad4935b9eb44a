//! A fixed amount of work, timed: how fast the core is at this moment. Shared machines drift by 2 ×, and a figure that is
//! divided by this one drifts less.
//!
//! Integers and memory about half and half, as in encoding telemetry: a generator picks words of a table that fits into
//! the second-level cache, and each is read, mixed and written. The time is CPU time of the thread, so that what else runs
//! on the core is not in it.

use crate::process::thread_cpu_ns;

/// 256 KiB.
const WORDS: usize = 32 * 1024;
const ROUNDS: u64 = 8_000_000;

/// The loop and its memory.
#[derive(Debug)]
pub struct Calibration {
    table: Vec<u64>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self::new()
    }
}

impl Calibration {
    /// The loop, warmed up.
    #[must_use]
    pub fn new() -> Self {
        let mut table: Vec<u64> = (0..WORDS as u64).collect();
        turn(&mut table, ROUNDS / 8);
        Self { table }
    }

    /// Runs it once: about 20 ms. In nanoseconds.
    ///
    /// # Errors
    ///
    /// If the thread's clock can't be read.
    pub fn time(&mut self) -> Result<u64, nix::Error> {
        let started = thread_cpu_ns()?;
        turn(&mut self.table, ROUNDS);
        Ok(thread_cpu_ns()? - started)
    }
}

#[inline(never)]
fn turn(table: &mut [u64], rounds: u64) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..rounds {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let word = &mut table[state as usize % WORDS];
        *word = word.rotate_left(5) ^ state;
    }
    std::hint::black_box(table);
}
