//! The composable sampler that keeps a share.

use crate::{ComposableSampler, RatioError, SamplingIntent, SamplingParameters, Threshold};
use std::borrow::Cow;

/// Keeps a share of all traces, the same ones wherever the share is as large or larger (SAMP-25).
///
/// ```
/// use otlp_sampling::{ComposableProbability, ComposableSampler};
/// assert_eq!(ComposableProbability::new(0.1).description(), "ComposableProbability{0.1}");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ComposableProbability {
    ratio: f64,
    threshold: Option<Threshold>,
}

impl ComposableProbability {
    /// Keeps the share `ratio`, between 0 (none, as below 2⁻⁵⁶) and 1 (all).
    ///
    /// A ratio outside is taken as the nearer end, and not-a-number as 0; [`try_new`](Self::try_new) refuses them.
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        // `abs` is for -0, which clamping keeps.
        let ratio = if ratio.is_nan() { 0.0 } else { ratio.clamp(0.0, 1.0).abs() };
        Self { ratio, threshold: Threshold::from_probability(ratio) }
    }

    /// Keeps the share `ratio`.
    ///
    /// # Errors
    ///
    /// When `ratio` is not a number between 0 and 1.
    ///
    /// ```
    /// assert!(otlp_sampling::ComposableProbability::try_new(50.0).is_err());
    /// ```
    pub fn try_new(ratio: f64) -> Result<Self, RatioError> {
        RatioError::check(ratio).map(Self::new)
    }

    pub(crate) const fn ratio(&self) -> f64 {
        self.ratio
    }
}

impl ComposableSampler for ComposableProbability {
    fn sampling_intent(&self, _: &SamplingParameters<'_>) -> SamplingIntent {
        self.threshold.map_or(SamplingIntent::NEVER, SamplingIntent::reliable)
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Owned(format!("ComposableProbability{{{}}}", self.ratio))
    }
}
