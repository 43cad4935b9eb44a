//! The samplers that can be asked for by name, as data: it can be shown and compared, and makes the sampler when one is needed.

#[cfg(feature = "config-file")]
use super::ComposableSpec;
use crate::decision::Decider;
use otlp_sampling::{
    AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, Sampler, TraceIdRatioBasedSampler,
};
#[cfg(feature = "config-file")]
use otlp_sampling::{AlwaysRecordSampler, CompositeSampler, ProbabilitySampler};
use std::fmt;

/// A sampler, as the environment and configuration files describe it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SamplerSpec {
    AlwaysOn,
    AlwaysOff,
    /// The share of traces, between 0 and 1.
    Ratio(f64),
    /// The same, with the threshold handed on.
    #[cfg(feature = "config-file")]
    Probability(f64),
    /// What decides of roots; children follow their parent.
    ParentBased(Box<SamplerSpec>),
    /// The same, with a sampler for each kind of parent: remote and sampled, remote and not, local and sampled, local and not.
    #[cfg(feature = "config-file")]
    ByParent {
        root: Box<SamplerSpec>,
        by_parent: Box<[SamplerSpec; 4]>,
    },
    /// What this one drops is recorded, and not exported.
    #[cfg(feature = "config-file")]
    AlwaysRecord(Box<SamplerSpec>),
    #[cfg(feature = "config-file")]
    Composite(ComposableSpec),
}

impl SamplerSpec {
    /// The samplers that follow each kind of parent.
    #[cfg(feature = "config-file")]
    pub(crate) const FOLLOW: [Self; 4] = [Self::AlwaysOn, Self::AlwaysOff, Self::AlwaysOn, Self::AlwaysOff];

    pub(crate) fn parent_based(root: Self) -> Self {
        Self::ParentBased(Box::new(root))
    }

    /// The sampler of a client.
    pub(crate) fn decider(&self) -> Decider {
        match self {
            Self::AlwaysOn => Decider::new(AlwaysOnSampler),
            Self::AlwaysOff => Decider::new(AlwaysOffSampler),
            Self::ParentBased(root) if **root == Self::AlwaysOn => Decider::Parent,
            other => Decider::Asked { sampler: other.sampler(), is_silent: false },
        }
    }

    fn sampler(&self) -> Box<dyn Sampler> {
        match self {
            Self::AlwaysOn => Box::new(AlwaysOnSampler),
            Self::AlwaysOff => Box::new(AlwaysOffSampler),
            Self::Ratio(ratio) => Box::new(TraceIdRatioBasedSampler::new(*ratio)),
            #[cfg(feature = "config-file")]
            Self::Probability(ratio) => Box::new(ProbabilitySampler::new(*ratio)),
            Self::ParentBased(root) => Box::new(ParentBasedSampler::new(root.sampler())),
            #[cfg(feature = "config-file")]
            Self::ByParent { root, by_parent } => {
                let [remote, remote_not, local, local_not] = &**by_parent;
                Box::new(
                    ParentBasedSampler::new(root.sampler())
                        .with_remote_parent_sampled(remote.sampler())
                        .with_remote_parent_not_sampled(remote_not.sampler())
                        .with_local_parent_sampled(local.sampler())
                        .with_local_parent_not_sampled(local_not.sampler()),
                )
            }
            #[cfg(feature = "config-file")]
            Self::AlwaysRecord(root) => Box::new(AlwaysRecordSampler::new(root.sampler())),
            #[cfg(feature = "config-file")]
            Self::Composite(spec) => Box::new(CompositeSampler::new(spec.sampler())),
        }
    }
}

impl fmt::Display for SamplerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlwaysOn => f.write_str("always_on"),
            Self::AlwaysOff => f.write_str("always_off"),
            Self::Ratio(ratio) => write!(f, "traceidratio({ratio})"),
            #[cfg(feature = "config-file")]
            Self::Probability(ratio) => write!(f, "probability({ratio})"),
            Self::ParentBased(root) => write!(f, "parentbased({root})"),
            #[cfg(feature = "config-file")]
            Self::ByParent { root, by_parent } => {
                let [remote, remote_not, local, local_not] = &**by_parent;
                write!(f, "parentbased({root}, {remote}, {remote_not}, {local}, {local_not})")
            }
            #[cfg(feature = "config-file")]
            Self::AlwaysRecord(root) => write!(f, "always_record({root})"),
            #[cfg(feature = "config-file")]
            Self::Composite(spec) => write!(f, "composite({})", spec.sampler().description()),
        }
    }
}
