//! Samplers that hold a rate over everything they are asked: one exactly, one on average and consistently.

use crate::clock::Clock;
use crate::rate::{RateLimit, RateTarget};
use crate::{
    AlwaysOnSampler, ComposableSampler, Sampler, SamplingDecision, SamplingIntent, SamplingParameters,
    SamplingResult, SpansPerSecond, Threshold, ot_entry,
};
use std::borrow::Cow;
use std::time::Duration;

/// Never keeps more than a rate: a bucket that holds one second's worth of spans, at least one.
///
/// Which spans it keeps is chance, so it is not consistent between services, and kept spans carry no threshold: nobody can
/// count by them. Where that matters use [`ComposableRateLimiting`]. Put it at the root of a
/// [`ParentBasedSampler`](crate::ParentBasedSampler), so that it limits traces and does not tear them apart.
///
/// ```
/// use otlp_sampling::{ParentBasedSampler, RateLimitingSampler, SpansPerSecond};
/// let sampler = ParentBasedSampler::new(RateLimitingSampler::new(SpansPerSecond::new(100.0)?));
/// # drop(sampler);
/// # Ok::<(), otlp_sampling::RateError>(())
/// ```
#[derive(Debug)]
pub struct RateLimitingSampler<S = AlwaysOnSampler> {
    inner: S,
    rate: SpansPerSecond,
    limit: RateLimit,
    clock: Clock,
}

impl RateLimitingSampler {
    /// Keeps `rate`, and drops what is more.
    #[must_use]
    pub fn new(rate: SpansPerSecond) -> Self {
        Self::limiting(AlwaysOnSampler, rate)
    }
}

impl<S> RateLimitingSampler<S> {
    /// Keeps what `inner` keeps, up to `rate`.
    pub fn limiting(inner: S, rate: SpansPerSecond) -> Self {
        Self { inner, rate, limit: RateLimit::new(rate), clock: Clock::default() }
    }

    /// Reads this clock in place of the standard library's: the time since any moment that has passed.
    ///
    /// ```
    /// use otlp_sampling::{RateLimitingSampler, SpansPerSecond};
    /// use std::time::Duration;
    /// let stopped = RateLimitingSampler::new(SpansPerSecond::new(5.0)?).with_clock(|| Duration::from_secs(1));
    /// # drop(stopped);
    /// # Ok::<(), otlp_sampling::RateError>(())
    /// ```
    #[must_use]
    pub fn with_clock(self, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Clock::new(now), ..self }
    }
}

impl<S: Sampler> Sampler for RateLimitingSampler<S> {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let mut result = self.inner.should_sample(span);
        if result.decision == SamplingDecision::RecordAndSample && !self.limit.admit(self.clock.now()) {
            result = SamplingResult::new(SamplingDecision::Drop, span.parent_trace_state());
        }
        result.trace_state = ot_entry::without_threshold(&result.trace_state);
        result
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Owned(format!("RateLimiting{{{}/s,{}}}", self.rate.get(), self.inner.description()))
    }

    fn looks_at_span(&self) -> bool {
        self.inner.looks_at_span()
    }
}

/// Keeps a rate on average, by the share that the present traffic asks for.
///
/// The decision is made by the trace's own randomness and the threshold is written down: services that hold different
/// rates keep traces of which one is a subset of the other, and counts by `th` are right. In exchange the rate holds on
/// average only: when traffic jumps from little to `n` spans a second, the first second keeps up to `1 + ln(n / rate)`
/// times the rate.
///
/// ```
/// use otlp_sampling::{ComposableParentThreshold, ComposableRateLimiting, CompositeSampler, SpansPerSecond};
/// let root = ComposableRateLimiting::new(SpansPerSecond::new(100.0)?);
/// let sampler = CompositeSampler::new(ComposableParentThreshold::new(root));
/// # drop(sampler);
/// # Ok::<(), otlp_sampling::RateError>(())
/// ```
#[derive(Debug)]
pub struct ComposableRateLimiting {
    rate: SpansPerSecond,
    target: RateTarget,
    clock: Clock,
}

impl ComposableRateLimiting {
    /// Keeps `rate` on average.
    #[must_use]
    pub fn new(rate: SpansPerSecond) -> Self {
        Self { rate, target: RateTarget::new(rate), clock: Clock::default() }
    }

    /// Reads this clock in place of the standard library's: the time since any moment that has passed.
    #[must_use]
    pub fn with_clock(self, now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Clock::new(now), ..self }
    }
}

impl ComposableSampler for ComposableRateLimiting {
    fn sampling_intent(&self, _: &SamplingParameters<'_>) -> SamplingIntent {
        by_share(self.target.share(self.clock.now()))
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Owned(format!("ComposableRateLimiting{{{}/s}}", self.rate.get()))
    }
}

/// The intent to keep a share.
pub(crate) fn by_share(share: f64) -> SamplingIntent {
    Threshold::from_probability(share).map_or(SamplingIntent::NEVER, SamplingIntent::reliable)
}
