//! The samplers that look at nothing: always on, always off; and the one that records whatever another drops.

use crate::{Sampler, SamplingDecision, SamplingParameters, SamplingResult};
use std::borrow::Cow;

/// Keeps every span, whatever its parent says (SAMP-07).
///
/// ```
/// use otlp_sampling::{AlwaysOnSampler, Sampler};
/// assert_eq!(AlwaysOnSampler.description(), "AlwaysOnSampler");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlwaysOnSampler;

impl Sampler for AlwaysOnSampler {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        SamplingResult::new(SamplingDecision::RecordAndSample, span.parent_trace_state())
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Borrowed("AlwaysOnSampler")
    }

    fn looks_at_span(&self) -> bool {
        false
    }
}

/// Drops every span, whatever its parent says (SAMP-07).
///
/// ```
/// use otlp_sampling::{AlwaysOffSampler, Sampler};
/// assert_eq!(AlwaysOffSampler.description(), "AlwaysOffSampler");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlwaysOffSampler;

impl Sampler for AlwaysOffSampler {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        SamplingResult::new(SamplingDecision::Drop, span.parent_trace_state())
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Borrowed("AlwaysOffSampler")
    }

    fn looks_at_span(&self) -> bool {
        false
    }
}

/// Records what another sampler would drop, so that code in the process sees every span; exports no more than the other
/// does (SAMP-13).
///
/// ```
/// use otlp_sampling::{AlwaysRecordSampler, Sampler, TraceIdRatioBasedSampler};
/// let sampler = AlwaysRecordSampler::new(TraceIdRatioBasedSampler::new(0.25));
/// assert_eq!(sampler.description(), "AlwaysRecordSampler{TraceIdRatioBased{0.250000}}");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AlwaysRecordSampler<S> {
    inner: S,
}

impl<S> AlwaysRecordSampler<S> {
    /// Records whatever `inner` decides.
    pub const fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: Sampler> Sampler for AlwaysRecordSampler<S> {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let mut result = self.inner.should_sample(span);
        if result.decision == SamplingDecision::Drop {
            result.decision = SamplingDecision::RecordOnly;
        }
        result
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Owned(format!("AlwaysRecordSampler{{{}}}", self.inner.description()))
    }

    fn looks_at_span(&self) -> bool {
        self.inner.looks_at_span()
    }
}
