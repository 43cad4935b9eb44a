//! What a program answers: one line of JSON.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What became of an [`Order`](super::Order), as the program saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Spans made.
    pub made: u64,
    /// How long `end` took on the thread that makes spans.
    pub end: Latency,
    /// What flush said; `None`: it was not asked.
    pub flush: Option<Said>,
    /// The threads of the process but the first, over the idle time.
    pub idle: Vec<ThreadUse>,
    /// What shutdown said; `None`: it was not asked.
    pub shutdown: Option<Said>,
    /// The spans that the library says it has not delivered, if it says.
    pub lost_by_own_account: Option<u64>,
}

/// The answer to a call, and how long it took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The error's text; `None`: Ok.
    pub error: Option<String>,
    /// How long the caller waited.
    pub took: Duration,
}

/// How long many calls took, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the calls took no longer.
    pub median_ns: u64,
    /// All but one in a thousand took no longer.
    pub p999_ns: u64,
    /// The longest.
    pub most_ns: u64,
}

impl Latency {
    /// Of single calls, in any order.
    #[must_use]
    pub fn of(mut calls: Vec<u64>) -> Self {
        calls.sort_unstable();
        let at = |share: f64| {
            let rank = (calls.len() as f64 * share).ceil() as usize;
            calls.get(rank.saturating_sub(1)).copied().unwrap_or(0)
        };
        Self { median_ns: at(0.5), p999_ns: at(0.999), most_ns: at(1.0) }
    }
}

/// What a thread used in a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadUse {
    /// Its name.
    pub name: String,
    /// CPU time, in nanoseconds.
    pub cpu_ns: u64,
    /// How often it went to sleep of its own will: once for each time it was woken.
    pub sleeps: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_calls() {
        let latency = Latency::of((1..=10_000).rev().collect());
        assert_eq!(latency, Latency { median_ns: 5_000, p999_ns: 9_990, most_ns: 10_000 });
        assert_eq!(Latency::of(vec![7]), Latency { median_ns: 7, p999_ns: 7, most_ns: 7 });
        assert_eq!(Latency::of(Vec::new()), Latency::default());
    }
}
