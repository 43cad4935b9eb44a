//! Samplers that answer with a threshold instead of a decision, so that they can be put together.
//!
//! Asked by [`CompositeSampler`](crate::CompositeSampler), which alone decides and alone writes the trace state's `ot`
//! entry. Nothing here sees a trace's randomness.

mod annotating;
mod constant;
mod parent_threshold;
mod predicate;
mod probability;
mod rule_based;
mod text;

pub use annotating::ComposableAnnotating;
pub use constant::{ComposableAlwaysOff, ComposableAlwaysOn};
pub use parent_threshold::ComposableParentThreshold;
pub use predicate::Predicate;
pub use probability::ComposableProbability;
pub use rule_based::ComposableRuleBased;

use crate::{SamplingParameters, SamplingResult, Threshold};
use std::borrow::Cow;
use std::sync::Arc;

/// Says with which share a span should be kept; a [`CompositeSampler`](crate::CompositeSampler) makes the decision.
///
/// Called as [`Sampler`](crate::Sampler) is: from many threads, on the thread that starts the span.
///
/// ```
/// use otlp_sampling::{
///     ComposableAlwaysOn, ComposableProbability, ComposableSampler, CompositeSampler, SamplingIntent, SamplingParameters,
/// };
/// use std::borrow::Cow;
///
/// /// Keeps everything by night.
/// struct ByNight<F> {
///     is_night: F,
///     by_day: ComposableProbability,
/// }
///
/// impl<F: Fn() -> bool + Send + Sync> ComposableSampler for ByNight<F> {
///     fn sampling_intent(&self, span: &SamplingParameters<'_>) -> SamplingIntent {
///         if (self.is_night)() { ComposableAlwaysOn.sampling_intent(span) } else { self.by_day.sampling_intent(span) }
///     }
///
///     fn description(&self) -> Cow<'_, str> {
///         "ByNight".into()
///     }
/// }
///
/// let by_day = ComposableProbability::new(0.01);
/// let sampler = CompositeSampler::new(ByNight { is_night: || true, by_day });
/// # drop(sampler);
/// ```
pub trait ComposableSampler: Send + Sync {
    /// With which share the span should be kept.
    fn sampling_intent(&self, span: &SamplingParameters<'_>) -> SamplingIntent;

    /// Adds to the answer for a span that is kept: attributes, entries of the trace state. Of what it does to the `ot`
    /// entry and to the decision nothing counts (SAMP-23). By default it adds nothing.
    fn annotate(&self, _span: &SamplingParameters<'_>, _result: &mut SamplingResult) {}

    /// The sampler's name and settings, for people.
    fn description(&self) -> Cow<'_, str>;
}

impl<T: ComposableSampler + ?Sized> ComposableSampler for Arc<T> {
    fn sampling_intent(&self, span: &SamplingParameters<'_>) -> SamplingIntent {
        (**self).sampling_intent(span)
    }

    fn annotate(&self, span: &SamplingParameters<'_>, result: &mut SamplingResult) {
        (**self).annotate(span, result);
    }

    fn description(&self) -> Cow<'_, str> {
        (**self).description()
    }
}

impl<T: ComposableSampler + ?Sized> ComposableSampler for Box<T> {
    fn sampling_intent(&self, span: &SamplingParameters<'_>) -> SamplingIntent {
        (**self).sampling_intent(span)
    }

    fn annotate(&self, span: &SamplingParameters<'_>, result: &mut SamplingResult) {
        (**self).annotate(span, result);
    }

    fn description(&self) -> Cow<'_, str> {
        (**self).description()
    }
}

/// What a [`ComposableSampler`] wants.
///
/// ```
/// use otlp_sampling::{SamplingIntent, Threshold};
/// assert_eq!(SamplingIntent::NEVER.threshold, None);
/// assert!(SamplingIntent::reliable(Threshold::ALWAYS).is_adjusted_count_reliable);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplingIntent {
    /// Below which randomness to drop the span; `None` drops it whatever its randomness.
    pub threshold: Option<Threshold>,
    /// Whether a kept span stands for exactly [`Threshold::adjusted_count`] spans. If so the decision is made by the
    /// trace's own randomness and the threshold is written down for others to count by.
    pub is_adjusted_count_reliable: bool,
}

impl SamplingIntent {
    /// Drop.
    pub const NEVER: Self = Self { threshold: None, is_adjusted_count_reliable: false };

    /// Keep by this threshold, and count by it.
    #[must_use]
    pub const fn reliable(threshold: Threshold) -> Self {
        Self { threshold: Some(threshold), is_adjusted_count_reliable: true }
    }

    /// Keep by this threshold, of which nothing follows for counts.
    #[must_use]
    pub const fn unreliable(threshold: Threshold) -> Self {
        Self { threshold: Some(threshold), is_adjusted_count_reliable: false }
    }
}
