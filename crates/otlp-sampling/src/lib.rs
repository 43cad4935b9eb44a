#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
//!
//! # What this crate never does
//!
//! It logs nothing, waits for nothing and knows no protocol. A decision is a function of the arguments and of what the
//! sampler was built with, with two exceptions that can be replaced: samplers that hold a rate read a monotonic clock, and
//! [`CompositeSampler`] draws a random number where counts are not reliable anyway.

mod sampler;

// Samplers that decide by themselves.
mod constant;
mod parent_based;
mod rate_limiting;
mod ratio;

// Consistent probability sampling: thresholds, and samplers of thresholds that can be put together.
mod adaptive;
mod composable;
mod composite;
mod ot_entry;
mod threshold;

// Behind the samplers that hold a rate.
mod clock;
mod rate;

#[cfg(feature = "tower")]
mod sample;

pub use adaptive::ComposableAdaptive;
pub use composable::{
    ComposableAlwaysOff, ComposableAlwaysOn, ComposableAnnotating, ComposableParentThreshold,
    ComposableProbability, ComposableRuleBased, ComposableSampler, Predicate, SamplingIntent,
};
pub use composite::{CompositeSampler, ProbabilitySampler};
pub use constant::{AlwaysOffSampler, AlwaysOnSampler, AlwaysRecordSampler};
pub use parent_based::ParentBasedSampler;
pub use rate::{RateError, SpansPerSecond};
pub use rate_limiting::{ComposableRateLimiting, RateLimitingSampler};
pub use ratio::{RatioError, TraceIdRatioBasedSampler};
#[cfg(feature = "tower")]
pub use sample::{Sample, SampleFuture, SampleLayer, Sampled};
pub use sampler::{Sampler, SamplingDecision, SamplingParameters, SamplingResult};
pub use threshold::{ParseThresholdError, Randomness, Threshold};
