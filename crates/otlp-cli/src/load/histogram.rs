//! Durations in buckets: p50 and p99 of millions of values in 15 KiB, exact to three in a hundred.
//!
//! Written by one thread or several without waiting, read by another at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets for each power of two.
const FINE: u64 = 32;
const BUCKETS: usize = 60 * FINE as usize;

/// Counts of durations, in nanoseconds.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: Box<[AtomicU64]>,
    max: AtomicU64,
}

/// What is told of a histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Summary {
    pub(super) count: u64,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), max: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(super) fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(bucket(nanos)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.max.fetch_max(nanos, Ordering::Relaxed);
    }

    /// All of them together, as they are now.
    pub(super) fn merged(histograms: &[Arc<Self>]) -> Self {
        let merged = Self::default();
        for histogram in histograms {
            for (sum, count) in merged.counts.iter().zip(&histogram.counts) {
                sum.fetch_add(count.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            merged.max.fetch_max(histogram.max.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        merged
    }

    pub(super) fn summary(&self) -> Summary {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let count = counts.iter().sum();
        let max = self.max.load(Ordering::Relaxed);
        let at = |share: f64| {
            let rank = (count as f64 * share).ceil() as u64;
            let mut seen = 0;
            let found = counts.iter().position(|count| {
                seen += count;
                seen >= rank.max(1)
            });
            Duration::from_nanos(found.map_or(0, upper).min(max))
        };
        Summary { count, p50: at(0.5), p99: at(0.99), max: Duration::from_nanos(max) }
    }
}

/// The bucket of a value: itself below 32, then 32 for each power of two.
fn bucket(nanos: u64) -> usize {
    let exponent = u64::from(63 - (nanos | 1).leading_zeros());
    let bucket = match exponent.checked_sub(5) {
        None => nanos,
        Some(shift) => (shift + 1) * FINE + ((nanos >> shift) & (FINE - 1)),
    };
    bucket as usize
}

/// The largest value of a bucket.
fn upper(bucket: usize) -> u64 {
    let (group, within) = (bucket as u64 / FINE, bucket as u64 % FINE);
    match group.checked_sub(1) {
        None => within,
        Some(shift) => ((FINE + within + 1) << shift) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_in_a_hundred() {
        let histogram = Histogram::default();
        for value in 1..=10_000u64 {
            histogram.record(Duration::from_nanos(value));
        }
        let Summary { count, p50, p99, max } = Histogram::merged(&[Arc::new(histogram)]).summary();
        assert_eq!((count, max.as_nanos()), (10_000, 10_000));
        assert!((5_000..5_160).contains(&p50.as_nanos()), "{p50:?}");
        assert!((9_900..=10_000).contains(&p99.as_nanos()), "{p99:?}");
        assert_eq!(Histogram::default().summary(), Summary::default());
    }

    #[test]
    fn every_value_is_in_the_bucket_that_ends_above_it() {
        for shift in 0..58 {
            for value in [1u64 << shift, (1 << shift) + 1, (2 << shift) - 1] {
                let bucket = bucket(value);
                assert!(bucket < BUCKETS && upper(bucket) >= value, "{value}");
                assert!(bucket == 0 || upper(bucket - 1) < value, "{value}");
            }
        }
    }
}
