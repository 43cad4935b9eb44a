//! The samplers that can be asked for by name, as data: it can be shown and compared, and makes the sampler when one is needed.

use crate::decision::Decider;
use otlp_sampling::{
    AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, Sampler, TraceIdRatioBasedSampler,
};
use std::fmt;

/// A sampler, as the environment and configuration files describe it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SamplerSpec {
    AlwaysOn,
    AlwaysOff,
    /// The share of traces, between 0 and 1.
    Ratio(f64),
    /// What decides of roots; children follow their parent.
    ParentBased(Box<SamplerSpec>),
}

impl SamplerSpec {
    pub(crate) fn parent_based(root: Self) -> Self {
        Self::ParentBased(Box::new(root))
    }

    /// The sampler of a client.
    pub(crate) fn decider(&self) -> Decider {
        match self {
            Self::AlwaysOn => Decider::new(AlwaysOnSampler),
            Self::AlwaysOff => Decider::new(AlwaysOffSampler),
            Self::ParentBased(root) if **root == Self::AlwaysOn => Decider::Parent,
            other => Decider::Asked(other.sampler()),
        }
    }

    fn sampler(&self) -> Box<dyn Sampler> {
        match self {
            Self::AlwaysOn => Box::new(AlwaysOnSampler),
            Self::AlwaysOff => Box::new(AlwaysOffSampler),
            Self::Ratio(ratio) => Box::new(TraceIdRatioBasedSampler::new(*ratio)),
            Self::ParentBased(root) => Box::new(ParentBasedSampler::new(root.sampler())),
        }
    }
}

impl fmt::Display for SamplerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlwaysOn => f.write_str("always_on"),
            Self::AlwaysOff => f.write_str("always_off"),
            Self::Ratio(ratio) => write!(f, "traceidratio({ratio})"),
            Self::ParentBased(root) => write!(f, "parentbased({root})"),
        }
    }
}
