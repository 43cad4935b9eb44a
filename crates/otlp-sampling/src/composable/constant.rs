//! The composable samplers that look at nothing.

use crate::{ComposableSampler, SamplingIntent, SamplingParameters, Threshold};
use std::borrow::Cow;

/// Keeps every span: threshold 0, by which counts are exact (SAMP-25).
///
/// ```
/// use otlp_sampling::{ComposableAlwaysOn, ComposableSampler};
/// assert_eq!(ComposableAlwaysOn.description(), "ComposableAlwaysOn");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComposableAlwaysOn;

impl ComposableSampler for ComposableAlwaysOn {
    fn sampling_intent(&self, _: &SamplingParameters<'_>) -> SamplingIntent {
        SamplingIntent::reliable(Threshold::ALWAYS)
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Borrowed("ComposableAlwaysOn")
    }
}

/// Drops every span (SAMP-25).
///
/// ```
/// use otlp_sampling::{ComposableAlwaysOff, ComposableSampler};
/// assert_eq!(ComposableAlwaysOff.description(), "ComposableAlwaysOff");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComposableAlwaysOff;

impl ComposableSampler for ComposableAlwaysOff {
    fn sampling_intent(&self, _: &SamplingParameters<'_>) -> SamplingIntent {
        SamplingIntent::NEVER
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Borrowed("ComposableAlwaysOff")
    }
}
