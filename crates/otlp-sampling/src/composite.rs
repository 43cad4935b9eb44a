//! The sampler that makes decisions of intents, and the plain probability sampler made of it.
//!
//! The one place that compares a threshold with a trace's randomness and writes `th`. Draws a random number only where the
//! specification asks for one: for a threshold of which nothing follows for counts.

use crate::{
    ComposableProbability, ComposableSampler, Randomness, RatioError, Sampler, SamplingDecision,
    SamplingParameters, SamplingResult, ot_entry,
};
use std::borrow::Cow;

/// Keeps or drops a span as a [`ComposableSampler`] intends, and writes down by which threshold (SAMP-22).
///
/// | intent | decided by | trace state of a kept span |
/// |---|---|---|
/// | a threshold, reliable | the trace's randomness: `rv`, or the trace id's low 56 bits | `th` set |
/// | a threshold, unreliable | a fresh random number | `th` removed |
/// | none | dropped | |
///
/// Of a dropped span `th` is removed, too. A dropped span allocates nothing unless there was a `th` to remove.
///
/// ```
/// use otlp_model::{SpanKind, TraceId};
/// use otlp_sampling::{ComposableProbability, CompositeSampler, Sampler, SamplingParameters};
/// let sampler = CompositeSampler::new(ComposableProbability::new(0.5));
/// let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse()?;
/// let result = sampler.should_sample(&SamplingParameters::new(id, "GET /", SpanKind::Server));
/// assert_eq!(result.trace_state.as_str(), "ot=th:8");
/// # Ok::<(), otlp_model::ParseIdError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CompositeSampler<S> {
    inner: S,
    random: fn() -> u64,
}

impl<S> CompositeSampler<S> {
    /// Decides as `inner` intends.
    pub const fn new(inner: S) -> Self {
        Self { inner, random: || fastrand::u64(..) }
    }

    /// Takes fresh random numbers from `random`, of which the low 56 bits count; for tests, and for other generators.
    #[must_use]
    pub fn with_random(self, random: fn() -> u64) -> Self {
        Self { random, ..self }
    }
}

impl<S: ComposableSampler> Sampler for CompositeSampler<S> {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let intent = self.inner.sampling_intent(span);
        let state = span.parent_trace_state();
        let kept = intent.threshold.filter(|threshold| {
            let randomness = if intent.is_adjusted_count_reliable {
                ot_entry::randomness(&state).unwrap_or_else(|| Randomness::of_trace_id(span.trace_id))
            } else {
                Randomness::from_bits((self.random)())
            };
            threshold.keeps(randomness)
        });
        let Some(threshold) = kept else {
            return SamplingResult::new(SamplingDecision::Drop, ot_entry::without_threshold(&state));
        };
        let mut result = SamplingResult::new(SamplingDecision::RecordAndSample, state.clone());
        self.inner.annotate(span, &mut result);
        let annotated = ot_entry::restored(result.trace_state, &state);
        result.decision = SamplingDecision::RecordAndSample;
        result.trace_state = if intent.is_adjusted_count_reliable {
            ot_entry::with_threshold(&annotated, threshold)
        } else {
            ot_entry::without_threshold(&annotated)
        };
        result
    }

    fn description(&self) -> Cow<'_, str> {
        self.inner.description()
    }
}

/// Keeps a share of all traces, and writes down which (SAMP-19): the successor of
/// [`TraceIdRatioBasedSampler`](crate::TraceIdRatioBasedSampler).
///
/// Every kept span carries `ot=th:…` in its trace state, so that a receiver knows how many spans it stands for, and that
/// other services can keep the same traces. The parent's sampled flag is not looked at: put a
/// [`ComposableProbability`] under a [`ComposableParentThreshold`](crate::ComposableParentThreshold) to keep or drop traces
/// whole.
///
/// ```
/// use otlp_sampling::{ProbabilitySampler, Sampler};
/// assert_eq!(ProbabilitySampler::new(0.25).description(), "ProbabilitySampler{0.25}");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ProbabilitySampler {
    inner: CompositeSampler<ComposableProbability>,
}

impl ProbabilitySampler {
    /// Keeps the share `ratio`, as [`ComposableProbability::new`].
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        Self { inner: CompositeSampler::new(ComposableProbability::new(ratio)) }
    }

    /// Keeps the share `ratio`.
    ///
    /// # Errors
    ///
    /// When `ratio` is not a number between 0 and 1.
    pub fn try_new(ratio: f64) -> Result<Self, RatioError> {
        RatioError::check(ratio).map(Self::new)
    }
}

impl Sampler for ProbabilitySampler {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        self.inner.should_sample(span)
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Owned(format!("ProbabilitySampler{{{}}}", self.inner.inner.ratio()))
    }

    fn looks_at_span(&self) -> bool {
        false
    }
}
