//! The propagators that can be asked for by name.

use crate::propagation::{
    B3Propagator, BaggagePropagator, CompositePropagator, TextMapPropagator, TraceContextPropagator,
};
use std::sync::Arc;

/// A propagator, as `OTEL_PROPAGATORS` and configuration files name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PropagatorName {
    TraceContext,
    Baggage,
    B3,
    B3Multi,
}

impl PropagatorName {
    pub(crate) const ALL: [Self; 4] = [Self::TraceContext, Self::Baggage, Self::B3, Self::B3Multi];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::Baggage => "baggage",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
        }
    }

    /// All of them together, in their order; none is a propagator that does nothing.
    pub(crate) fn compose(names: &[Self]) -> Arc<dyn TextMapPropagator> {
        Arc::new(names.iter().fold(CompositePropagator::new(), |all, name| match name {
            Self::TraceContext => all.with(TraceContextPropagator),
            Self::Baggage => all.with(BaggagePropagator),
            Self::B3 => all.with(B3Propagator::single()),
            Self::B3Multi => all.with(B3Propagator::multi()),
        }))
    }
}
