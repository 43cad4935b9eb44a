//! Whether a span is recorded: the client's sampler, and a short way for those whose answer is known ahead.
//!
//! Asked by the tracer once per span. What a sampler is, and which there are, is the business of `otlp-sampling`.

use otlp_model::{KeyValue, SpanContext, TraceState};
use otlp_sampling::{AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, Sampler, SamplingParameters};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A client's sampler.
///
/// Three of them look at nothing but the parent's flag and change nothing but the decision. They are recognised when
/// the client is built: to ask them costs twice as much as all else that an unsampled span does.
#[derive(Default)]
pub(crate) enum Decider {
    /// As [`AlwaysOnSampler`].
    On,
    /// As [`AlwaysOffSampler`].
    Off,
    /// As [`ParentBasedSampler`](otlp_sampling::ParentBasedSampler) with its defaults: yes without a parent, else as the
    /// parent.
    #[default]
    Parent,
    /// Any other. One more variant would cost every span ten instructions, so silence is among these.
    Asked {
        sampler: Box<dyn Sampler>,
        /// As if tracing were not there: a span is its parent (conformance ENV-12).
        is_silent: bool,
    },
}

/// A sampler's answer, in parts.
#[derive(Debug)]
pub(crate) struct Sampling {
    pub(crate) sampled: bool,
    pub(crate) attributes: Option<Vec<KeyValue>>,
    pub(crate) trace_state: TraceState,
}

impl Decider {
    pub(crate) fn new(sampler: impl Sampler + 'static) -> Self {
        let any: &dyn Any = &sampler;
        if any.is::<AlwaysOnSampler>() {
            Self::On
        } else if any.is::<AlwaysOffSampler>() {
            Self::Off
        } else {
            Self::Asked { sampler: Box::new(sampler), is_silent: false }
        }
    }

    /// Tracing is off.
    pub(crate) fn silent() -> Self {
        Self::Asked { sampler: Box::new(AlwaysOffSampler), is_silent: true }
    }

    /// What it is, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::On => "always_on",
            Self::Off => "always_off",
            Self::Parent => "parentbased(always_on)",
            Self::Asked { is_silent: true, .. } => "none",
            Self::Asked { .. } => "set in code",
        }
    }

    /// Whether tracing is off.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::Asked { is_silent: true, .. })
    }

    /// Whether decisions depend on what a span starts with.
    pub(crate) fn looks_at_span(&self) -> bool {
        matches!(self, Self::Asked { sampler, .. } if sampler.looks_at_span())
    }

    /// The same without the short way, on which nothing else is looked at.
    pub(crate) fn always_asked(self) -> Self {
        let sampler: Box<dyn Sampler> = match self {
            Self::On => Box::new(AlwaysOnSampler),
            Self::Off => Box::new(AlwaysOffSampler),
            Self::Parent => Box::new(ParentBasedSampler::default()),
            Self::Asked { .. } => return self,
        };
        Self::Asked { sampler, is_silent: false }
    }

    /// The decision for a span under a valid parent or none, where the parent alone decides: the span then takes its
    /// trace state over as it is. Otherwise the sampler to [`ask`].
    #[inline]
    pub(crate) fn by_parent(&self, parent: Option<&SpanContext>) -> Result<bool, &dyn Sampler> {
        match self {
            Self::On => Ok(true),
            Self::Off => Ok(false),
            Self::Parent => Ok(parent.is_none_or(SpanContext::is_sampled)),
            Self::Asked { sampler, .. } => Err(&**sampler),
        }
    }
}

/// Asks a sampler. One that panics samples nothing, for this span.
///
/// The answer is taken apart inside `catch_unwind`, because the usual one is a single byte: moving the whole out, and
/// dropping its empty parts, costs more than everything else that an unsampled span does.
#[inline]
pub(crate) fn ask(sampler: &dyn Sampler, parameters: &SamplingParameters<'_>) -> Sampling {
    let mut sampling = Sampling { sampled: false, attributes: None, trace_state: TraceState::default() };
    let asked = catch_unwind(AssertUnwindSafe(|| {
        let mut answer = sampler.should_sample(parameters);
        sampling.sampled = answer.is_sampled();
        if answer.attributes.capacity() > 0 || !answer.trace_state.is_empty() {
            sampling.attributes = Some(std::mem::take(&mut answer.attributes));
            sampling.trace_state = std::mem::take(&mut answer.trace_state);
        }
        // What is left of it owns nothing, so nothing leaks.
        std::mem::forget(answer);
    }));
    if asked.is_err() {
        sampling.trace_state = parameters.parent_trace_state();
    }
    sampling
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::{SpanId, SpanKind, TraceFlags, TraceId};

    #[test]
    fn the_short_way_decides_as_the_sampler_itself() {
        // conf: SAMP-05, SAMP-07, SAMP-11, SAMP-12
        let trace_id = TraceId::from_bytes([7; 16]);
        let parent = |flags, remote, state: &str| {
            SpanContext::new(trace_id, SpanId::from_bytes([1; 8]), TraceFlags::from_bits(flags))
                .with_remote(remote)
                .with_trace_state(state.parse().unwrap())
        };
        let mut parents = vec![None];
        for flags in 0..=u8::MAX {
            for (remote, state) in [(false, ""), (false, "a=1"), (true, ""), (true, "a=1,b=2")] {
                parents.push(Some(parent(flags, remote, state)));
            }
        }
        let deciders: [(Decider, Box<dyn Sampler>); 3] = [
            (Decider::new(AlwaysOnSampler), Box::new(AlwaysOnSampler)),
            (Decider::new(AlwaysOffSampler), Box::new(AlwaysOffSampler)),
            (Decider::default(), Box::new(ParentBasedSampler::new(AlwaysOnSampler))),
        ];
        for (decider, sampler) in &deciders {
            for parent in &parents {
                let parameters =
                    SamplingParameters::new(trace_id, "name", SpanKind::Server).with_parent(parent);
                let answer = sampler.should_sample(&parameters);
                assert_eq!(decider.by_parent(parent.as_ref()).ok(), Some(answer.is_sampled()));
                assert!(answer.attributes.is_empty());
                assert_eq!(answer.trace_state, parameters.parent_trace_state());
            }
        }
    }

    #[test]
    fn any_other_sampler_is_asked() {
        let follower = ParentBasedSampler::default().with_remote_parent_sampled(AlwaysOffSampler);
        let hidden: Box<dyn Sampler> = Box::new(AlwaysOnSampler);
        for decider in [Decider::new(follower), Decider::new(hidden)] {
            assert!(decider.by_parent(None).is_err());
        }
    }
}
