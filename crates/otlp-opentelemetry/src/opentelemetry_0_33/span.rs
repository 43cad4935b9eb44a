//! Their span on ours: every call appends to the record that is sent.

use super::context::{from_span_context, to_span_context};
use super::opentelemetry::KeyValue;
use super::opentelemetry::trace::{self as theirs, Status};
use super::value::{Converted, pair, set_attribute};
use otlp::{StatusCode, ToValue, ValueRef};
use std::borrow::Cow;
use std::time::SystemTime;

/// Attributes up to this number need no list on the heap.
const FEW: usize = 8;

/// A span of the OpenTelemetry API on the client's own path. It is its wire form: nothing is kept to be encoded later.
///
/// Made by a [`Tracer`](super::Tracer). It ends by `end` or when it is dropped. Of attributes with the same key the last one
/// counts, where the SDK sends them all.
#[derive(Debug)]
pub struct Span {
    inner: otlp::Span,
    context: theirs::SpanContext,
}

impl Span {
    #[inline]
    pub(super) fn new(inner: otlp::Span) -> Self {
        let context = to_span_context(inner.context().span_context());
        Self { inner, context }
    }

    /// A span of no trace, which does nothing.
    pub(super) fn none() -> Self {
        Self {
            inner: otlp::Span::non_recording(&otlp::TraceContext::default()),
            context: theirs::SpanContext::NONE,
        }
    }

    pub(super) fn put_event(&mut self, event: &theirs::Event) {
        with_pairs(&event.attributes, |pairs| {
            self.inner.add_event_at(&event.name, event.timestamp, pairs);
        });
    }
}

impl theirs::Span for Span {
    fn add_event<T: Into<Cow<'static, str>>>(&mut self, name: T, attributes: Vec<KeyValue>) {
        if self.is_recording() {
            with_pairs(&attributes, |pairs| {
                self.inner.add_event(name.into(), pairs);
            });
        }
    }

    fn add_event_with_timestamp<T: Into<Cow<'static, str>>>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        if self.is_recording() {
            with_pairs(&attributes, |pairs| {
                self.inner.add_event_at(name.into(), timestamp, pairs);
            });
        }
    }

    fn span_context(&self) -> &theirs::SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.inner.is_recording()
    }

    #[inline]
    fn set_attribute(&mut self, attribute: KeyValue) {
        set_attribute(&mut self.inner, &attribute);
    }

    fn set_status(&mut self, status: Status) {
        match status {
            Status::Unset => {}
            Status::Ok => {
                self.inner.set_status(StatusCode::Ok, "");
            }
            Status::Error { description } => {
                self.inner.set_status(StatusCode::Error, description);
            }
        }
    }

    fn update_name<T: Into<Cow<'static, str>>>(&mut self, new_name: T) {
        self.inner.update_name(new_name.into());
    }

    fn add_link(&mut self, span_context: theirs::SpanContext, attributes: Vec<KeyValue>) {
        if self.is_recording() {
            with_pairs(&attributes, |pairs| {
                self.inner.add_link(&from_span_context(&span_context).into(), pairs);
            });
        }
    }

    fn end(&mut self) {
        self.inner.end();
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.inner.end_at(timestamp);
    }
}

/// Calls `put` with the attributes as our spans take them.
fn with_pairs(attributes: &[KeyValue], put: impl FnOnce(&[(&str, ValueRef<'_>)])) {
    let mut few = [("", ValueRef::Empty); FEW];
    if attributes.len() <= FEW {
        let plain = attributes.iter().zip(&mut few).all(|(attribute, slot)| {
            let (key, value) = pair(attribute);
            let Converted::Plain(value) = value else { return false };
            *slot = (key, value);
            true
        });
        if plain {
            return put(few.get(..attributes.len()).unwrap_or_default());
        }
    }
    let converted: Vec<_> = attributes.iter().map(pair).collect();
    let pairs: Vec<_> = converted.iter().map(|(key, value)| (*key, value.to_value())).collect();
    put(&pairs);
}
