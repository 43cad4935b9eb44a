//! What a span of `tracing` cannot say in its own words: a parent in another process, links, attributes by any name, a status.
//!
//! Reaches the spans of a [`Registry`], whichever way the layer lies on it: filtered, boxed, or behind a reload handle.

use crate::shared::{nearest_context, with_state};
use crate::state::SpanState;
use otlp::{KeyRef, StatusCode, ToKey, ToValue, TraceContext, ValueRef};
use std::time::SystemTime;
use tracing::span::Id;
use tracing::{Dispatch, Span};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// What can be told to a span of `tracing` about its OTLP span.
///
/// On a span that the layer does not record, because it is disabled, filtered or not sampled, everything does nothing.
///
/// ```
/// use otlp_tracing::OtlpSpanExt;
/// # fn f(received: otlp::TraceContext, cause: otlp::TraceContext) -> Result<(), otlp_tracing::SetParentError> {
/// let span = tracing::info_span!("handle request");
/// span.set_parent(&received)?;
/// span.add_link(&cause, &[("link.kind", "cause".into())]);
/// span.set_attribute("tenant", "blue");
/// let _entered = span.enter();
/// # Ok(()) }
/// ```
pub trait OtlpSpanExt {
    /// Makes the span a child of `parent`, as a received request says it: in that trace, sampled as it says, with its baggage.
    ///
    /// A span's place and its sampling are settled when it is first entered, gets a child or a link to it, tells its
    /// [`context`](Self::context), or is closed: this has to come before. If the parent is current when the span is made,
    /// nothing of this is needed: see [`otlp::TraceContext::attach`].
    ///
    /// # Errors
    ///
    /// [`AlreadySettled`](SetParentError::AlreadySettled): too late. So it is from the beginning for a child of a span of this
    /// process that is not sampled, which records nothing; make a span with a parent elsewhere a root: `parent: None`.
    /// [`NotSeen`](SetParentError::NotSeen): the layer does not know the span.
    fn set_parent(&self, parent: &TraceContext) -> Result<(), SetParentError>;

    /// The span's context, to be handed to other processes; settles the span. If the layer does not record the span, that of
    /// the nearest around it that it does, or what is current.
    ///
    /// ```
    /// use otlp_tracing::OtlpSpanExt;
    /// let context = tracing::Span::current().context();
    /// assert!(!context.is_valid(), "there is no layer");
    /// ```
    fn context(&self) -> TraceContext;

    /// Links another span.
    fn add_link(&self, context: &TraceContext, attributes: &[(&str, ValueRef<'_>)]);

    /// Sets an attribute, also one that the span was not declared with.
    fn set_attribute(&self, key: impl ToKey, value: impl ToValue);

    /// Sets the status. Ok is final; only an error keeps its description.
    fn set_status(&self, code: StatusCode, description: impl AsRef<str>);

    /// Replaces the name. Samplers see it if the span is not settled.
    fn update_name(&self, name: impl AsRef<str>);

    /// Records that something happened now.
    fn add_event(&self, name: impl AsRef<str>, attributes: &[(&str, ValueRef<'_>)]);

    /// Records that something happened at `time`.
    fn add_event_at(&self, name: impl AsRef<str>, time: SystemTime, attributes: &[(&str, ValueRef<'_>)]);
}

/// Why a span does not get another parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetParentError {
    /// Its place is settled: it was entered, has children, or its context was told; or it is below a span of this process that
    /// is not sampled.
    #[error(
        "the span has its place in the trace already: give it its parent before it is entered, has children or tells its context"
    )]
    AlreadySettled,
    /// The layer does not know it: there is none on a `Registry`, or a filter leaves the span out.
    #[error(
        "no layer of otlp-tracing has seen the span: is there one on the registry, and does its filter let the span pass?"
    )]
    NotSeen,
}

impl OtlpSpanExt for Span {
    fn set_parent(&self, parent: &TraceContext) -> Result<(), SetParentError> {
        let set =
            |span: SpanRef<'_, Registry>| match with_state(&span, |state| state.draft.set_parent(parent)) {
                Some(true) => Ok(()),
                Some(false) => Err(SetParentError::AlreadySettled),
                // Spans below one that is not sampled are left out, and stand where it stands.
                None if nearest_context(&span).is_some() => Err(SetParentError::AlreadySettled),
                None => Err(SetParentError::NotSeen),
            };
        in_registry(self, set).unwrap_or(Err(SetParentError::NotSeen))
    }

    fn context(&self) -> TraceContext {
        let context = in_registry(self, |span| nearest_context(&span)).flatten();
        context.or_else(TraceContext::current).unwrap_or_default()
    }

    fn add_link(&self, context: &TraceContext, attributes: &[(&str, ValueRef<'_>)]) {
        on(self, |state| {
            state.draft.span_mut().add_link(context, attributes);
        });
    }

    fn set_attribute(&self, key: impl ToKey, value: impl ToValue) {
        let (key, value) = (key.to_key(), value.to_value());
        on(self, |state| {
            match key {
                KeyRef::Key(key) => state.draft.span_mut().set_attribute(key, value),
                KeyRef::Text(key) => state.draft.span_mut().set_attribute(key, value),
                _ => return,
            };
        });
    }

    fn set_status(&self, code: StatusCode, description: impl AsRef<str>) {
        let description = description.as_ref();
        on(self, |state| match code {
            StatusCode::Error => state.set_error(description),
            code => {
                state.draft.span_mut().set_status(code, "");
            }
        });
    }

    fn update_name(&self, name: impl AsRef<str>) {
        let name = name.as_ref();
        on(self, |state| {
            state.draft.span_mut().update_name(name);
        });
    }

    fn add_event(&self, name: impl AsRef<str>, attributes: &[(&str, ValueRef<'_>)]) {
        let name = name.as_ref();
        on(self, |state| {
            state.draft.span_mut().add_event(name, attributes);
        });
    }

    fn add_event_at(&self, name: impl AsRef<str>, time: SystemTime, attributes: &[(&str, ValueRef<'_>)]) {
        let name = name.as_ref();
        on(self, |state| {
            state.draft.span_mut().add_event_at(name, time, attributes);
        });
    }
}

/// The context of a span by its id, for other layers: what they get in `on_enter` and the like. Settles the span. `None` if the
/// layer does not record it, nor any around it.
///
/// ```
/// # fn f(dispatch: &tracing::Dispatch, id: &tracing::span::Id) {
/// if let Some(context) = otlp_tracing::context_of(dispatch, id) {
///     println!("trace {}", context.trace_id());
/// }
/// # }
/// ```
#[must_use]
pub fn context_of(dispatch: &Dispatch, id: &Id) -> Option<TraceContext> {
    dispatch.downcast_ref::<Registry>()?.span(id).and_then(|span| nearest_context(&span))
}

/// Calls `f` with what the layer keeps of a span, if it does. `f` runs no code of others.
fn on(span: &Span, f: impl FnOnce(&mut SpanState<'_>)) {
    in_registry(span, |span| with_state(&span, f));
}

fn in_registry<T>(span: &Span, f: impl FnOnce(SpanRef<'_, Registry>) -> T) -> Option<T> {
    span.with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        Some(f(span))
    })?
}
