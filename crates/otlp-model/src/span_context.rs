//! The identity of a span as it propagates between processes.

use crate::{SpanId, TraceFlags, TraceId, TraceState};

/// The immutable identity of a span: ids, flags, trace state, and whether it came from another process.
///
/// ```
/// use otlp_model::{SpanContext, SpanId, TraceFlags, TraceId};
/// let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
/// assert!(context.is_valid() && context.is_sampled() && !context.is_remote());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpanContext {
    trace_id: TraceId,
    span_id: SpanId,
    flags: TraceFlags,
    is_remote: bool,
    trace_state: TraceState,
}

impl SpanContext {
    /// A local context with an empty trace state.
    #[must_use]
    pub fn new(trace_id: TraceId, span_id: SpanId, flags: TraceFlags) -> Self {
        Self { trace_id, span_id, flags, is_remote: false, trace_state: TraceState::default() }
    }

    /// This context with another trace state.
    #[must_use]
    pub fn with_trace_state(self, trace_state: TraceState) -> Self {
        Self { trace_state, ..self }
    }

    /// This context marked as received from another process, or as local.
    #[must_use]
    pub fn with_remote(self, is_remote: bool) -> Self {
        Self { is_remote, ..self }
    }

    /// The trace's id.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span's id.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The W3C trace flags.
    #[must_use]
    pub fn flags(&self) -> TraceFlags {
        self.flags
    }

    /// The W3C trace state.
    #[must_use]
    pub fn trace_state(&self) -> &TraceState {
        &self.trace_state
    }

    /// Whether the span was started in another process.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.is_remote
    }

    /// Whether the sampled flag is set.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags.is_sampled()
    }

    /// Whether both ids are non-zero.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.trace_id.is_valid() && self.span_id.is_valid()
    }
}
