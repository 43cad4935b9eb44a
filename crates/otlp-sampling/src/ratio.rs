//! The ratio sampler: keeps a share of all traces, and the same ones everywhere.
//!
//! The specification leaves the algorithm open (SAMP-10). Ours is decision DEC-11: the low 56 bits of the trace id, which
//! W3C Trace Context Level 2 asks to be random, are compared with a rejection threshold of 56 bits. Two processes with
//! the same ratio agree on every trace without talking, and a higher ratio keeps all that a lower one keeps. The
//! threshold is not written into the trace state: that is the newer probability sampler's doing.

use crate::threshold::SPACE;
use crate::{Randomness, Sampler, SamplingDecision, SamplingParameters, SamplingResult};
use otlp_model::TraceId;
use std::borrow::Cow;
use std::fmt;

/// Keeps a given share of traces, decided by the trace id alone (SAMP-08).
///
/// The parent's sampled flag is not looked at; put this under a [`ParentBasedSampler`](crate::ParentBasedSampler) to
/// keep or drop traces whole. The decision is right for random trace ids only: ids that count up in their low 56 bits
/// are kept or dropped in long runs.
///
/// ```
/// use otlp_model::{SpanKind, TraceId};
/// use otlp_sampling::{Sampler, SamplingParameters, TraceIdRatioBasedSampler};
/// let sampler = TraceIdRatioBasedSampler::new(0.1);
/// let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse()?;
/// assert!(!sampler.should_sample(&SamplingParameters::new(id, "GET /", SpanKind::Server)).is_sampled());
/// # Ok::<(), otlp_model::ParseIdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceIdRatioBasedSampler {
    ratio: f64,
    /// The smallest randomness that is kept; `SPACE` keeps nothing, 0 keeps all.
    threshold: u64,
}

impl TraceIdRatioBasedSampler {
    /// Keeps the share `ratio` of all traces, between 0 (none) and 1 (all).
    ///
    /// A ratio outside is taken as the nearer end, and not-a-number as 0; [`try_new`](Self::try_new) refuses them. The
    /// share is exact to one part in 2⁵⁶.
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        // `abs` is for -0, which clamping keeps.
        let ratio = if ratio.is_nan() { 0.0 } else { ratio.clamp(0.0, 1.0).abs() };
        // Scaling by a power of two is exact; only the part below one 2⁻⁵⁶ is rounded.
        let kept = (ratio * SPACE as f64).round() as u64;
        Self { ratio, threshold: SPACE - kept.min(SPACE) }
    }

    /// Keeps the share `ratio` of all traces.
    ///
    /// # Errors
    ///
    /// When `ratio` is not a number between 0 and 1.
    ///
    /// ```
    /// use otlp_sampling::TraceIdRatioBasedSampler;
    /// let error = TraceIdRatioBasedSampler::try_new(10.0).unwrap_err();
    /// assert_eq!(error.to_string(), "a sampling ratio must be between 0 and 1, got 10 (for 10 % write 0.1)");
    /// ```
    pub fn try_new(ratio: f64) -> Result<Self, RatioError> {
        RatioError::check(ratio).map(Self::new)
    }

    /// The share of traces kept, between 0 and 1.
    ///
    /// ```
    /// assert_eq!(otlp_sampling::TraceIdRatioBasedSampler::new(0.1).ratio(), 0.1);
    /// ```
    #[must_use]
    pub const fn ratio(&self) -> f64 {
        self.ratio
    }

    fn keeps(&self, trace_id: TraceId) -> bool {
        randomness(trace_id) >= self.threshold
    }
}

/// The low 56 bits of a trace id, as SAMP-15 reads them.
fn randomness(trace_id: TraceId) -> u64 {
    Randomness::of_trace_id(trace_id).bits()
}

impl Sampler for TraceIdRatioBasedSampler {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let decision = if self.keeps(span.trace_id) {
            SamplingDecision::RecordAndSample
        } else {
            SamplingDecision::Drop
        };
        SamplingResult::new(decision, span.parent_trace_state())
    }

    /// `TraceIdRatioBased{0.100000}`: six decimals, or as many as tell this ratio from every other (SAMP-06).
    fn description(&self) -> Cow<'_, str> {
        let exact = self.ratio.to_string();
        let decimals = exact.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        Cow::Owned(format!("TraceIdRatioBased{{{:.*}}}", decimals.max(6), self.ratio))
    }

    fn looks_at_span(&self) -> bool {
        false
    }
}

/// A sampling ratio that is no share: see [`TraceIdRatioBasedSampler::try_new`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioError {
    ratio: f64,
}

impl RatioError {
    /// `ratio`, if it is a share.
    pub(crate) fn check(ratio: f64) -> Result<f64, Self> {
        if (0.0..=1.0).contains(&ratio) { Ok(ratio) } else { Err(Self { ratio }) }
    }
}

impl fmt::Display for RatioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a sampling ratio must be between 0 and 1, got {}", self.ratio)?;
        // The usual mistake is a percentage.
        if self.ratio > 1.0 && self.ratio <= 100.0 {
            write!(f, " (for {} % write {})", self.ratio, self.ratio / 100.0)?;
        }
        Ok(())
    }
}

impl std::error::Error for RatioError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_randomness_is_the_last_seven_bytes() {
        // conf: SAMP-15, DEC-11
        let id: TraceId = "ffffffffffffffffff00000000000001".parse().unwrap();
        assert_eq!(randomness(id), 1);
        let id: TraceId = "000000000000000000ffffffffffffff".parse().unwrap();
        assert_eq!(randomness(id), SPACE - 1);
    }

    #[test]
    fn thresholds_are_the_specifications() {
        // conf: SAMP-14, DEC-11
        for (ratio, threshold) in [(1.0, 0), (0.5, SPACE / 2), (0.25, SPACE / 4 * 3), (0.0, SPACE)] {
            assert_eq!(TraceIdRatioBasedSampler::new(ratio).threshold, threshold, "{ratio}");
        }
        // The published thresholds are these, cut to a few digits.
        for (ratio, digits) in
            [(0.1, "e6666"), (0.01, "fd70a"), (0.001, "ffbe7"), (0.0001, "fff97"), (0.000_001, "ffffe")]
        {
            let threshold = format!("{:014x}", TraceIdRatioBasedSampler::new(ratio).threshold);
            assert!(threshold.starts_with(digits), "{ratio}: {threshold}");
        }
    }

    #[test]
    fn the_smallest_share_keeps_one_value_and_none_keeps_none() {
        // conf: SAMP-14
        assert_eq!(TraceIdRatioBasedSampler::new(2f64.powi(-56)).threshold, SPACE - 1);
        assert_eq!(TraceIdRatioBasedSampler::new(f64::MIN_POSITIVE).threshold, SPACE);
    }

    #[test]
    fn a_ratio_outside_is_the_nearer_end() {
        for (ratio, taken) in [
            (1.5, 1.0),
            (f64::INFINITY, 1.0),
            (-0.1, 0.0),
            (f64::NEG_INFINITY, 0.0),
            (f64::NAN, 0.0),
            (-f64::NAN, 0.0),
            (-0.0, 0.0),
        ] {
            let sampler = TraceIdRatioBasedSampler::new(ratio);
            assert_eq!(sampler, TraceIdRatioBasedSampler::new(taken), "{ratio}");
            assert_eq!(sampler.threshold, if taken == 1.0 { 0 } else { SPACE }, "{ratio}");
        }
        assert_eq!(TraceIdRatioBasedSampler::new(-0.0).description(), "TraceIdRatioBased{0.000000}");
    }

    #[test]
    fn a_refused_ratio_is_named() {
        for refused in [f64::NAN, -0.001, 1.001, f64::INFINITY] {
            let error = TraceIdRatioBasedSampler::try_new(refused).unwrap_err();
            assert!(error.to_string().contains(&refused.to_string()), "{error}");
        }
        for taken in [0.0, 1.0, 0.5] {
            assert_eq!(TraceIdRatioBasedSampler::try_new(taken), Ok(TraceIdRatioBasedSampler::new(taken)));
        }
    }
}
