//! The composable sampler that does as the parent did, and keeps its threshold.

use crate::{
    ComposableSampler, Randomness, SamplingIntent, SamplingParameters, SamplingResult, Threshold, ot_entry,
};
use std::borrow::Cow;

/// Keeps what the parent kept, by the parent's own threshold if it has one; asks `root` where there is no parent (SAMP-24).
///
/// A parent whose sampled flag does not go with its threshold is taken at its flag, and the threshold is not passed on
/// (SAMP-26): somebody in between changed one of them, and counts made by it would be wrong.
///
/// ```
/// use otlp_sampling::{ComposableParentThreshold, ComposableProbability, CompositeSampler};
/// // A tenth of the traces that begin here; of others what their caller kept, counted as the caller counts.
/// let sampler = CompositeSampler::new(ComposableParentThreshold::new(ComposableProbability::new(0.1)));
/// # drop(sampler);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComposableParentThreshold<S> {
    root: S,
}

impl<S> ComposableParentThreshold<S> {
    /// Asks `root` for spans without a parent.
    pub const fn new(root: S) -> Self {
        Self { root }
    }
}

impl<S: ComposableSampler> ComposableSampler for ComposableParentThreshold<S> {
    fn sampling_intent(&self, span: &SamplingParameters<'_>) -> SamplingIntent {
        let Some(parent) = span.parent() else { return self.root.sampling_intent(span) };
        let state = parent.trace_state();
        let randomness =
            ot_entry::randomness(state).unwrap_or_else(|| Randomness::of_trace_id(span.trace_id));
        match ot_entry::threshold(state) {
            Some(threshold) if threshold.keeps(randomness) == parent.is_sampled() => {
                SamplingIntent::reliable(threshold)
            }
            _ if parent.is_sampled() => SamplingIntent::unreliable(Threshold::ALWAYS),
            _ => SamplingIntent::NEVER,
        }
    }

    fn annotate(&self, span: &SamplingParameters<'_>, result: &mut SamplingResult) {
        if span.parent().is_none() {
            self.root.annotate(span, result);
        }
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Owned(format!("ComposableParentThreshold{{root:{}}}", self.root.description()))
    }
}
