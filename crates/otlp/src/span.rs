//! A live span: its own wire form, written as it is made.
//!
//! A sampled span owns one recycled buffer, and every call appends OTLP protobuf to it. [`Span::end`] completes the
//! record and copies it into the queue; nothing is encoded after that. An unsampled span owns nothing and does nothing.
//! No call returns an error or panics, and none allocates once the thread has made a few spans. Events are in `span/event.rs`,
//! what a recording span owns is in `span/live.rs`, and a span without a settled place in the trace in `span/draft.rs`.

use crate::Timestamp;
use crate::context::{ContextGuard, TraceContext};
use crate::tracer::{Identity, Plan, TracerInner};
use otlp_model::{
    KeyValue, PreparedAttributes, SpanContext, SpanId, StatusCode, ToKey, ToValue, TraceFlags, TraceId,
    TraceState, ValueRef,
};
use std::fmt;
use std::sync::Arc;

mod clock;
mod draft;
mod end;
mod event;
mod live;

pub use clock::SpanClock;
pub use draft::{SamplingAnswer, SamplingQuestion, SpanDraft};
pub use end::SpanEnd;
use live::Live;
pub(crate) use live::without_spares;

/// An operation being timed. It ends with [`end`](Span::end) or when it is dropped, whichever comes first, and only
/// once; after that every call does nothing (conformance SPAN-10).
///
/// ```
/// # async fn f(client: otlp::Client) {
/// let tracer = client.tracer("shop");
/// let mut span = tracer.start("load cart");
/// span.set_attribute("cart.items", 3).set_attribute("cart.id", "c-17");
/// span.add_event("cache miss", &[("cache.key", "cart:c-17".into())]);
/// span.set_status(otlp::StatusCode::Error, "cart is locked");
/// span.end();
/// # }
/// ```
pub struct Span {
    live: Option<Box<Live>>,
    context: TraceContext,
}

impl Span {
    /// A span that is not sampled. Its context is made here, in its place: moving it costs more than making it.
    #[inline]
    pub(crate) fn inert(
        trace_id: TraceId,
        span_id: SpanId,
        flags: TraceFlags,
        trace_state: TraceState,
    ) -> Self {
        let context =
            SpanContext::new(trace_id, span_id, flags.with_sampled(false)).with_trace_state(trace_state);
        Self { live: None, context: context.into() }
    }

    /// A span where tracing is off: its context is its parent's, so that what is propagated is as if it were not there.
    pub(crate) fn silent(parent: Option<&SpanContext>) -> Self {
        Self { live: None, context: parent.cloned().unwrap_or_default().into() }
    }

    #[inline(always)]
    pub(crate) fn recording(
        tracer: &Arc<TracerInner>,
        identity: Identity,
        trace_state: TraceState,
        parent: Option<&SpanContext>,
        plan: &Plan<'_>,
        sampler_attributes: &[KeyValue],
    ) -> Self {
        let live = Live::take(tracer);
        let (live, context) =
            Self::start_recording(live, identity, trace_state, parent, plan, sampler_attributes);
        Self { live, context: context.into() }
    }

    /// The parts of a recording span; without `live`, of one that is not sampled.
    ///
    /// The context is made twice, of what is in registers: once to be read, once in its place. A copy would read in one go what
    /// was written in parts just now, and wait until it is there. Inlined for the same reason.
    #[inline(always)]
    fn start_recording(
        mut live: Option<Box<Live>>,
        (trace_id, span_id, flags): Identity,
        trace_state: TraceState,
        parent: Option<&SpanContext>,
        plan: &Plan<'_>,
        sampler_attributes: &[KeyValue],
    ) -> (Option<Box<Live>>, SpanContext) {
        let flags = flags.with_sampled(live.is_some());
        let context = |trace_state| SpanContext::new(trace_id, span_id, flags).with_trace_state(trace_state);
        if let Some(live) = &mut live {
            live.start(&context(trace_state.clone()), parent, plan, sampler_attributes);
        }
        (live, context(trace_state))
    }

    /// Takes over what the context it was started under has besides an identity.
    pub(crate) fn take_extras(&mut self, parent: &TraceContext) {
        self.context.take_extras(parent);
    }

    /// A span that records nothing and stands for `context`: for propagating a received context without tracing here
    /// (conformance SPAN-21).
    ///
    /// ```
    /// let span = otlp::Span::non_recording(&otlp::TraceContext::default());
    /// assert!(!span.is_recording());
    /// ```
    #[must_use]
    pub fn non_recording(context: &TraceContext) -> Self {
        Self { live: None, context: context.clone() }
    }

    /// The span's identity, for children and other processes; the same for its lifetime, also after its end.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        self.context.clone()
    }

    /// Makes the span current on this thread until the guard is dropped: what starts meanwhile is its child. The span
    /// itself stays free to be written to, and does not end with the guard.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let tracer = client.tracer("shop");
    /// let mut request = tracer.start("request");
    /// let _current = request.enter();
    /// tracer.start("child of request").end();
    /// request.set_attribute("children", 1);
    /// # }
    /// ```
    #[must_use = "the span is current only as long as the guard lives"]
    pub fn enter(&self) -> ContextGuard {
        self.context.attach()
    }

    /// Calls `f` with the span current on this thread; the span does not end.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let tracer = client.tracer("shop");
    /// let request = tracer.start("request");
    /// let total = request.in_span(|| {
    ///     tracer.start("child of request").end();
    ///     42
    /// });
    /// # }
    /// ```
    pub fn in_span<R>(&self, f: impl FnOnce() -> R) -> R {
        let _current = self.enter();
        f()
    }

    /// Now, by the span's clock, which never turns back behind its start whatever the wall clock does: for
    /// [`end_at`](Self::end_at) and [`add_event_at`](Self::add_event_at). `None` if the span is not recording.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let mut span = client.tracer("shop").start("answer");
    /// let answered = span.now();
    /// // … work that is not to be counted …
    /// if let Some(answered) = answered {
    ///     span.end_at(answered);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        self.clock().map(SpanClock::now)
    }

    /// The span's clock, to be read where the span itself is not at hand. `None` if the span is not recording.
    #[must_use]
    pub fn clock(&self) -> Option<SpanClock> {
        Some(self.live.as_ref()?.clock)
    }

    /// Whether calls have an effect: it is sampled and has not ended.
    #[must_use]
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.live.is_some()
    }

    /// Sets an attribute, replacing an earlier value of the same key. What the limits forbid is counted in the span's
    /// dropped attributes.
    ///
    /// The key is any text, or a reference to a [`Key`](crate::Key) that was prepared at compile time:
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// static CART: otlp::Key = otlp::Key::new("cart.id");
    /// let mut span = client.tracer("shop").start("load cart");
    /// span.set_attribute(&CART, "c-17").set_attribute("cart.items", 3);
    /// # }
    /// ```
    // Inlined, so that the hash of a key that the caller writes as a literal is a constant.
    #[inline(always)]
    pub fn set_attribute(&mut self, key: impl ToKey, value: impl ToValue) -> &mut Self {
        if let Some(live) = &mut self.live {
            live.writer.set_attribute(key, value.to_value());
        }
        self
    }

    /// Sets attributes that were encoded ahead, because many spans have the same. As if one after the other, and in one go where
    /// none of their keys was set before.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// use otlp::{KeyValue, PreparedAttributes};
    /// let peer = PreparedAttributes::new([
    ///     KeyValue::new("server.address", "db.internal"),
    ///     KeyValue::new("server.port", 5432),
    /// ]);
    /// let mut span = client.tracer("shop").start("SELECT");
    /// span.set_prepared(&peer);
    /// # }
    /// ```
    #[inline]
    pub fn set_prepared(&mut self, prepared: &PreparedAttributes) -> &mut Self {
        if let Some(live) = &mut self.live {
            live.writer.set_prepared(prepared);
        }
        self
    }

    /// Links another span, of this or another trace.
    pub fn add_link(&mut self, context: &TraceContext, attributes: &[(&str, ValueRef<'_>)]) -> &mut Self {
        if let Some(live) = &mut self.live {
            live.writer.add_link(context.span_context(), attributes.iter().copied());
        }
        self
    }

    /// Sets the status. `Ok` is final and overrides `Error`; `Unset` is ignored; only `Error` keeps a description
    /// (conformance SPAN-14, SPAN-15).
    pub fn set_status(&mut self, code: StatusCode, description: impl AsRef<str>) -> &mut Self {
        if let Some(live) = &mut self.live {
            live.writer.set_status(code, description.as_ref());
        }
        self
    }

    /// Replaces the name. The sampler is not asked again (conformance SPAN-20).
    pub fn update_name(&mut self, name: impl AsRef<str>) -> &mut Self {
        if let Some(live) = &mut self.live {
            live.writer.set_name(name.as_ref());
        }
        self
    }

    /// Ends the span now and hands it to the client. Never blocks, unless the client was told so:
    /// [`with_overflow_policy`](crate::ClientBuilder::with_overflow_policy) with `Block`, or
    /// [`with_async_export(false)`](crate::ClientBuilder::with_async_export).
    #[inline]
    pub fn end(&mut self) {
        if let Some(live) = self.live.take() {
            let end = live.clock.now();
            live.end(end.unix_nano());
        }
    }

    /// What is left to do of the span: to end it, elsewhere, such as without a lock that is held here. The span itself has ended
    /// then. `None` if it was not recording.
    ///
    /// ```
    /// # fn f(client: otlp::Client, place: &std::sync::Mutex<otlp::Span>) {
    /// let ending = place.lock().ok().and_then(|mut span| span.take_end());
    /// if let Some(ending) = ending {
    ///     ending.end();
    /// }
    /// # }
    /// ```
    #[inline]
    pub fn take_end(&mut self) -> Option<SpanEnd> {
        self.live.take().map(|live| SpanEnd(Some(live)))
    }

    /// Ends the span as of `time`, which is written as given.
    pub fn end_at(&mut self, time: impl Into<Timestamp>) {
        if let Some(live) = self.live.take() {
            live.end(time.into().unix_nano());
        }
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        if self.is_recording() {
            self.end();
        }
    }
}

/// The span's identity, where a look at it will do; [`Span::context`] gives one away.
///
/// ```
/// # fn f(span: otlp::Span) {
/// let context: &otlp::TraceContext = span.as_ref();
/// assert_eq!(*context, span.context());
/// # }
/// ```
impl AsRef<TraceContext> for Span {
    #[inline]
    fn as_ref(&self) -> &TraceContext {
        &self.context
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Span");
        text.field("trace_id", &self.context.trace_id()).field("span_id", &self.context.span_id());
        if let Some(live) = &self.live {
            text.field("name", &live.writer.name()).field("encoded_bytes", &live.writer.len());
        }
        text.field("recording", &self.is_recording()).finish()
    }
}
