//! The trace context: what a span hands to its children, explicitly or as the current context of a thread or future.
//!
//! Used by tracers, spans and propagators. Nothing becomes current by itself (conformance SPAN-02): `current.rs` does it
//! for a thread until a guard is dropped, `future.rs` for a future wherever it is polled. Knows no header: that is
//! `propagation`.

mod current;
mod future;

pub use current::ContextGuard;
pub(crate) use current::{is_any_current, with_current};
pub use future::{FutureExt, WithContext, WithSpan};

use crate::baggage::Baggage;
use otlp_model::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use std::sync::Arc;

/// The identity of a span, as its children and other processes see it, and the baggage that travels with it. Cloning is
/// cheap; without baggage it costs nothing more than the identity.
///
/// ```
/// # async fn f(client: otlp::Client) {
/// let tracer = client.tracer("shop");
/// let mut parent = tracer.start("parent");
/// let context = parent.context();
/// let child = tracer.start_with_context("child", otlp::SpanKind::Internal, &context);
/// assert_eq!(child.context().trace_id(), context.trace_id());
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceContext {
    span: SpanContext,
    extras: Extras,
}

/// What few contexts have, behind one pointer, which is null in all others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Extras(Option<Arc<Extra>>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Extra {
    baggage: Baggage,
    /// B3's debug flag, for which W3C has no bit (conformance PROP-37).
    is_debug: bool,
}

impl TraceContext {
    /// A context from its parts, without baggage.
    ///
    /// An invalid `context` (an all-zero id) is no parent: a span started with it is a root span.
    #[must_use]
    pub fn new(context: SpanContext) -> Self {
        Self { span: context, extras: Extras::default() }
    }

    pub(crate) fn with_extras(span: SpanContext, extras: Extras) -> Self {
        Self { span, extras }
    }

    /// The context that is current on this thread, if there is one.
    ///
    /// ```
    /// assert_eq!(otlp::TraceContext::current(), None);
    /// ```
    #[must_use]
    pub fn current() -> Option<Self> {
        with_current(|current| current.cloned())
    }

    /// Makes this context current on this thread until the guard is dropped; then the one before is current again.
    ///
    /// Has no effect while the thread is being torn down, nor inside a sampler, an id generator, or a hook that is shown the start
    /// of a span: these are called while the current context is read.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let tracer = client.tracer("shop");
    /// let request = tracer.start("request");
    /// let guard = request.context().attach();
    /// let child = tracer.start("child of request");
    /// drop(guard);
    /// let root = tracer.start("root of its own trace");
    /// assert_ne!(root.context().trace_id(), child.context().trace_id());
    /// # }
    /// ```
    #[must_use = "the context is current only as long as the guard lives"]
    pub fn attach(&self) -> ContextGuard {
        ContextGuard::attach(self)
    }

    /// This context for another span, with the same baggage. What a propagator makes of what it has read.
    ///
    /// ```
    /// use otlp::{Baggage, SpanContext, TraceContext};
    /// let baggage = Baggage::default().insert("tenant", "blue");
    /// let context = TraceContext::default().with_baggage(baggage).with_span_context(SpanContext::default());
    /// assert_eq!(context.baggage().get("tenant"), Some("blue"));
    /// ```
    #[must_use]
    pub fn with_span_context(self, context: SpanContext) -> Self {
        // B3's debug flag belongs to the trace it came with.
        Self { span: context, ..self.with_debug(false) }
    }

    /// The baggage: what the application lets travel with the trace. Spans that are started under this context hand it on.
    #[must_use]
    pub fn baggage(&self) -> &Baggage {
        const NONE: &Baggage = &Baggage::EMPTY;
        self.extras.0.as_ref().map_or(NONE, |extra| &extra.baggage)
    }

    /// This context with another baggage. It is on every request that the context is injected into, also to strangers:
    /// see the warning of [`Baggage`].
    ///
    /// ```
    /// use otlp::{Baggage, TraceContext};
    /// # fn f(client: otlp::Client) {
    /// let context = TraceContext::current().unwrap_or_default();
    /// let baggage = context.baggage().insert("tenant", "blue");
    /// let _current = context.with_baggage(baggage).attach();
    /// let span = client.tracer("shop").start("checkout");
    /// assert_eq!(span.context().baggage().get("tenant"), Some("blue"));
    /// # }
    /// ```
    #[must_use]
    pub fn with_baggage(self, baggage: Baggage) -> Self {
        let is_debug = self.is_debug();
        Self { span: self.span, extras: Extras::new(baggage, is_debug) }
    }

    /// Whether B3's debug flag came with this trace.
    pub(crate) fn is_debug(&self) -> bool {
        self.extras.0.as_ref().is_some_and(|extra| extra.is_debug)
    }

    pub(crate) fn with_debug(self, is_debug: bool) -> Self {
        if is_debug == self.is_debug() {
            return self;
        }
        let baggage = self.baggage().clone();
        Self { span: self.span, extras: Extras::new(baggage, is_debug) }
    }

    /// What it has besides an identity.
    pub(crate) fn extras(&self) -> Extras {
        self.extras.clone()
    }

    /// Whether it has anything besides an identity.
    #[inline(always)]
    pub(crate) fn has_extras(&self) -> bool {
        self.extras.0.is_some()
    }

    /// For the context of a span, which is new: takes over what `parent` has besides an identity.
    pub(crate) fn take_extras(&mut self, parent: &Self) {
        self.extras = parent.extras.clone();
    }

    /// The trace's id.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.span.trace_id()
    }

    /// The span's id.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.span.span_id()
    }

    /// The W3C trace flags.
    #[must_use]
    pub fn flags(&self) -> TraceFlags {
        self.span.flags()
    }

    /// The W3C trace state.
    #[must_use]
    pub fn trace_state(&self) -> &TraceState {
        self.span.trace_state()
    }

    /// Whether the trace is sampled.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.span.is_sampled()
    }

    /// Whether the span runs in another process.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.span.is_remote()
    }

    /// Whether both ids are non-zero.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.span.is_valid()
    }

    /// The identity alone, as the model's type.
    #[must_use]
    pub fn span_context(&self) -> &SpanContext {
        &self.span
    }
}

impl Extras {
    fn new(baggage: Baggage, is_debug: bool) -> Self {
        Self((is_debug || !baggage.is_empty()).then(|| Arc::new(Extra { baggage, is_debug })))
    }
}

impl From<SpanContext> for TraceContext {
    fn from(context: SpanContext) -> Self {
        Self::new(context)
    }
}
