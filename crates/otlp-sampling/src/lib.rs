#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
//!
//! # What this crate never does
//!
//! It draws no random number, reads no clock, logs nothing and knows no protocol: a decision is a function of the
//! arguments and of what the sampler was built with.

mod constant;
mod parent_based;
mod ratio;
#[cfg(feature = "tower")]
mod sample;
mod sampler;

pub use constant::{AlwaysOffSampler, AlwaysOnSampler, AlwaysRecordSampler};
pub use parent_based::ParentBasedSampler;
pub use ratio::{RatioError, TraceIdRatioBasedSampler};
#[cfg(feature = "tower")]
pub use sample::{Sample, SampleFuture, SampleLayer, Sampled};
pub use sampler::{Sampler, SamplingDecision, SamplingParameters, SamplingResult};
