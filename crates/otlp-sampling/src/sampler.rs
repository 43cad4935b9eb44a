//! The question asked of a sampler, the answer, and the trait between them.
//!
//! Used by the facade's tracer once per span start, and by `SampleLayer` once per finished span.
//! Never asks anything of the caller's thread: a sampler gets all it may look at as arguments.

use otlp_model::{KeyValue, Link, SpanContext, SpanKind, TraceId, TraceState};
use std::borrow::Cow;
use std::sync::Arc;

/// Decides, when a span starts, whether it is recorded and exported.
///
/// Called on the thread that starts the span, from many threads at once: an implementation neither blocks nor panics.
/// It may keep state of its own behind atomics (a rate limit, a table of rules). Rules: conformance SAMP-01 to SAMP-04
/// and SAMP-30.
///
/// ```
/// use otlp_sampling::{Sampler, SamplingDecision, SamplingParameters, SamplingResult};
/// use std::borrow::Cow;
///
/// /// Keeps everything but health checks.
/// struct NoHealthChecks;
///
/// impl Sampler for NoHealthChecks {
///     fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
///         let decision = match span.name {
///             "GET /healthz" => SamplingDecision::Drop,
///             _ => SamplingDecision::RecordAndSample,
///         };
///         SamplingResult::new(decision, span.parent_trace_state())
///     }
///
///     fn description(&self) -> Cow<'_, str> {
///         "NoHealthChecks".into()
///     }
/// }
/// ```
pub trait Sampler: Send + Sync {
    /// The decision for one span about to start.
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult;

    /// The sampler's name and settings, for people. It may change over time: callers do not keep it (SAMP-30).
    fn description(&self) -> Cow<'_, str>;

    /// Whether decisions depend on the span's name, kind, attributes or links; `true` unless a sampler says otherwise. Of one
    /// that says `false` callers may ask without them, which spares them the making of them: it looks at no more than the
    /// parent and the trace id.
    ///
    /// ```
    /// use otlp_sampling::{ParentBasedSampler, Sampler, TraceIdRatioBasedSampler};
    /// assert!(!ParentBasedSampler::new(TraceIdRatioBasedSampler::new(0.1)).looks_at_span());
    /// ```
    fn looks_at_span(&self) -> bool {
        true
    }
}

impl<T: Sampler + ?Sized> Sampler for Arc<T> {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        (**self).should_sample(span)
    }

    fn description(&self) -> Cow<'_, str> {
        (**self).description()
    }

    fn looks_at_span(&self) -> bool {
        (**self).looks_at_span()
    }
}

impl<T: Sampler + ?Sized> Sampler for Box<T> {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        (**self).should_sample(span)
    }

    fn description(&self) -> Cow<'_, str> {
        (**self).description()
    }

    fn looks_at_span(&self) -> bool {
        (**self).looks_at_span()
    }
}

/// What a sampler may look at: everything known of a span before it starts (SAMP-01).
///
/// ```
/// use otlp_model::{SpanKind, TraceId};
/// use otlp_sampling::SamplingParameters;
/// let span = SamplingParameters::new(TraceId::from_bytes([7; 16]), "GET /users/{id}", SpanKind::Server);
/// assert!(span.parent().is_none());
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SamplingParameters<'a> {
    parent: Option<&'a SpanContext>,
    /// The trace the span will belong to: the parent's, or a new one.
    pub trace_id: TraceId,
    /// The span's name.
    pub name: &'a str,
    /// The span's role.
    pub kind: SpanKind,
    /// The attributes given at the start; what is set later is not seen.
    pub attributes: &'a [KeyValue],
    /// The links given at the start.
    pub links: &'a [Link],
}

impl<'a> SamplingParameters<'a> {
    /// A root span without attributes or links.
    #[must_use]
    pub const fn new(trace_id: TraceId, name: &'a str, kind: SpanKind) -> Self {
        Self { parent: None, trace_id, name, kind, attributes: &[], links: &[] }
    }

    /// The same span under a parent, or under none. An invalid parent context counts as none (SAMP-12).
    #[must_use]
    pub fn with_parent(self, parent: impl Into<Option<&'a SpanContext>>) -> Self {
        Self { parent: parent.into().filter(|context| context.is_valid()), ..self }
    }

    /// The same span with the attributes it starts with.
    #[must_use]
    pub const fn with_attributes(self, attributes: &'a [KeyValue]) -> Self {
        Self { attributes, ..self }
    }

    /// The same span with the links it starts with.
    #[must_use]
    pub const fn with_links(self, links: &'a [Link]) -> Self {
        Self { links, ..self }
    }

    /// The parent's context; `None` for a root span. A context found here is valid.
    #[must_use]
    pub const fn parent(&self) -> Option<&'a SpanContext> {
        self.parent
    }

    /// The parent's trace state, empty for a root span: what a sampler that changes nothing answers with (SAMP-03).
    #[must_use]
    pub fn parent_trace_state(&self) -> TraceState {
        self.parent.map(|context| context.trace_state().clone()).unwrap_or_default()
    }
}

/// What becomes of a span (SAMP-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SamplingDecision {
    /// Nothing is recorded and nothing exported.
    Drop,
    /// Recorded for what runs in the process; the sampled flag is clear and nothing is exported.
    RecordOnly,
    /// Recorded, flagged as sampled, and exported.
    RecordAndSample,
}

/// A sampler's answer.
///
/// Making the usual answer, without attributes of its own, allocates nothing: the trace state is shared.
///
/// ```
/// use otlp_model::{KeyValue, TraceState};
/// use otlp_sampling::{SamplingDecision, SamplingResult};
/// let mut result = SamplingResult::new(SamplingDecision::RecordAndSample, TraceState::default());
/// result.attributes.push(KeyValue::new("sampling.rule", "checkout"));
/// assert!(result.is_sampled() && result.is_recording());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SamplingResult {
    /// What becomes of the span.
    pub decision: SamplingDecision,
    /// Attributes to add to the span; the span's limits apply to them (SAMP-04).
    pub attributes: Vec<KeyValue>,
    /// The span's trace state. It replaces the parent's, so that an empty one clears it (SAMP-03).
    pub trace_state: TraceState,
}

impl SamplingResult {
    /// An answer that adds no attributes.
    #[must_use]
    pub const fn new(decision: SamplingDecision, trace_state: TraceState) -> Self {
        Self { decision, attributes: Vec::new(), trace_state }
    }

    /// Whether the span is exported and carries the sampled flag.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        matches!(self.decision, SamplingDecision::RecordAndSample)
    }

    /// Whether the span records what is set on it.
    #[must_use]
    pub const fn is_recording(&self) -> bool {
        !matches!(self.decision, SamplingDecision::Drop)
    }
}
