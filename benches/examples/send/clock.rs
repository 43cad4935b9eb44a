//! What this thread has used so far: CPU time and page faults, as Linux counts them, and time on the wall.

use std::fs::read_to_string;
use std::time::{Duration, Instant};

/// A reading, or the difference of two.
pub(crate) struct Used {
    pub(crate) cpu_ns: u64,
    pub(crate) faults: u64,
    pub(crate) wall: Duration,
    at: Instant,
}

impl Used {
    /// A reading now; zeros where there is no `/proc`.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub(crate) fn now() -> Self {
        let of = |file: &str, column: usize| {
            let text = read_to_string(format!("/proc/thread-self/{file}")).unwrap_or_default();
            // The name of the program, in brackets, may contain blanks.
            let (_, columns) = text.rsplit_once(')').unwrap_or(("", &text));
            columns.split_whitespace().nth(column).and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        Self { cpu_ns: of("schedstat", 0), faults: of("stat", 7), wall: Duration::ZERO, at: Instant::now() }
    }

    /// What was used since this reading.
    pub(crate) fn since(&self) -> Self {
        let now = Self::now();
        Self {
            cpu_ns: now.cpu_ns - self.cpu_ns,
            faults: now.faults - self.faults,
            wall: now.at - self.at,
            at: now.at,
        }
    }
}
