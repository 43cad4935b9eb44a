//! The sampler that holds a rate for every operation by itself, so that busy ones do not crowd out rare ones.

use crate::clock::Clock;
use crate::rate::RateTarget;
use crate::rate_limiting::by_share;
use crate::{ComposableSampler, SamplingIntent, SamplingParameters, SpansPerSecond};
use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many operations are told apart unless said otherwise.
const OPERATIONS: usize = 1024;
/// How many places an operation may have; more are not looked through.
const PROBES: usize = 16;
/// An operation that was not seen for so long gives its place to another.
const FORGOTTEN_AFTER: u64 = 60 * 1_000_000_000;

/// Keeps a rate of every operation, that is, of the spans of one name and kind, on average and consistently.
///
/// An operation that comes more seldom than the rate is kept whole; of a busy one a share is kept that follows its traffic,
/// as [`ComposableRateLimiting`](crate::ComposableRateLimiting) does for all together. Memory is fixed: up to 1,024
/// operations are told apart (see [`with_operations`](Self::with_operations)), those beyond share one rate, and one that
/// was not seen for a minute gives its place up.
///
/// ```
/// use otlp_sampling::{ComposableAdaptive, ComposableParentThreshold, CompositeSampler, SpansPerSecond};
/// // Ten traces a second of every entry point, whatever its traffic.
/// let root = ComposableAdaptive::per_operation(SpansPerSecond::new(10.0)?);
/// let sampler = CompositeSampler::new(ComposableParentThreshold::new(root));
/// # drop(sampler);
/// # Ok::<(), otlp_sampling::RateError>(())
/// ```
#[derive(Debug)]
pub struct ComposableAdaptive {
    rate: SpansPerSecond,
    operations: Box<[Operation]>,
    others: RateTarget,
    hasher: RandomState,
    clock: Clock,
}

#[derive(Debug)]
struct Operation {
    /// The hash of name and kind; zero as long as the place is free.
    key: AtomicU64,
    target: RateTarget,
}

impl ComposableAdaptive {
    /// Keeps `rate` of each operation on average.
    #[must_use]
    pub fn per_operation(rate: SpansPerSecond) -> Self {
        Self {
            rate,
            operations: places(OPERATIONS, rate),
            others: RateTarget::new(rate),
            hasher: RandomState::new(),
            clock: Clock::default(),
        }
    }

    /// Tells about so many operations apart, for 48 bytes each.
    #[must_use]
    pub fn with_operations(self, operations: usize) -> Self {
        Self { operations: places(operations, self.rate), ..self }
    }

    /// Reads this clock in place of the standard library's: the time since any moment that has passed.
    #[must_use]
    pub fn with_clock(self, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Clock::new(now), ..self }
    }

    /// The operation's own target, or the one of those without a place.
    fn target(&self, key: u64, now: u64) -> &RateTarget {
        let count = self.operations.len().max(1);
        let start = usize::try_from(key % count as u64).unwrap_or_default();
        let probes = || self.operations.iter().cycle().skip(start).take(PROBES.min(count));
        if let Some(own) = probes().find(|operation| operation.key.load(Ordering::Relaxed) == key) {
            return &own.target;
        }
        let free = probes().find(|operation| {
            let holder = operation.key.load(Ordering::Relaxed);
            let is_free = holder == 0 || now.saturating_sub(operation.target.last_used()) > FORGOTTEN_AFTER;
            is_free
                && operation.key.compare_exchange(holder, key, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        });
        match free {
            Some(taken) => {
                taken.target.reset(now);
                &taken.target
            }
            None => &self.others,
        }
    }
}

fn places(operations: usize, rate: SpansPerSecond) -> Box<[Operation]> {
    let free = || Operation { key: AtomicU64::default(), target: RateTarget::new(rate) };
    std::iter::repeat_with(free).take(operations).collect()
}

impl ComposableSampler for ComposableAdaptive {
    fn sampling_intent(&self, span: &SamplingParameters<'_>) -> SamplingIntent {
        let now = self.clock.now();
        let key = self.hasher.hash_one((span.name, span.kind as i32)).max(1);
        by_share(self.target(key, now).share(now))
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Owned(format!("ComposableAdaptive{{{}/s per operation}}", self.rate.get()))
    }
}
