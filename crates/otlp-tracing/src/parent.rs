//! Under which context a new span starts.
//!
//! A span that the layer does not see, because a filter of its own leaves it out, is no parent: what is below becomes a child
//! of the nearest that it does see, or a root if the parent was named.

use crate::known;
use crate::layer::OtlpLayer;
use crate::shared::nearest_context;
use crate::state::asking;
use otlp::TraceContext;
use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

impl OtlpLayer {
    /// Makes `parent` the parent's context, unless the span is a root. Written in its place, since a context that is returned is
    /// moved, and that waits for what was just written.
    pub(crate) fn find_parent<S>(
        &self,
        attributes: &Attributes<'_>,
        registry: &Context<'_, S>,
        parent: &mut TraceContext,
    ) where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if let Some(id) = attributes.parent() {
            if !known::copy_context(self.number(), id, parent) {
                let context = self.shared_of(id, registry).and_then(|shared| shared.context());
                let nearest = || registry.span(id).and_then(|span| nearest_context(&span));
                *parent = context.or_else(nearest).unwrap_or_default();
            }
        } else if attributes.is_contextual() {
            let entered = (!self.activates_contexts()).then(|| registry.lookup_current()).flatten();
            let context = entered.and_then(|span| nearest_context(&span));
            *parent = context.or_else(TraceContext::current).unwrap_or_default();
        }
    }

    /// Whether a new span can be left out, because it would not record, and nothing would be told of it that is not told by its
    /// parent: a span around it in the registry, where this context is found wherever the new one is entered.
    pub(crate) fn stands_for<S>(&self, new: &Id, parent: &TraceContext, registry: &Context<'_, S>) -> bool
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let around = || nearest_context(&registry.span(new)?);
        parent.is_valid()
            && !parent.is_sampled()
            && !asking(|| self.tracer().may_record(parent))
            && around().as_ref() == Some(parent)
    }
}
