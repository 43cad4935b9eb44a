//! What fields mean to a span: most are attributes; those that begin with `otel.` say what it is called, its kind, its status.
//!
//! Used for new spans, whose fields are written as they are read, and for values recorded late, under the span's lock: runs no
//! code of others.

use crate::callsite::Callsite;
use crate::field::Sink;
use crate::fields::ErrorField;
use crate::state::SpanState;
use otlp::{SpanKind, StatusCode, ToValue, ValueRef};
use tracing::field::Field;

/// The attributes of an exception.
pub(crate) const EXCEPTION: &str = "exception";
pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";
pub(crate) const EXCEPTION_CHAIN: &str = "exception.stacktrace";

/// Writes fields to a span.
pub(crate) struct SpanSink<'a, 'b> {
    pub(crate) state: &'a mut SpanState<'b>,
    /// Whether errors become exceptions.
    pub(crate) exceptions: bool,
}

/// The same for a new span, of whose place everything is known.
pub(crate) struct NewSpanSink<'a, 'b> {
    pub(crate) sink: SpanSink<'a, 'b>,
    pub(crate) callsite: &'a Callsite,
}

impl Sink for NewSpanSink<'_, '_> {
    // Inlined where the kind of value is known: of a number it need not be asked whether it says a name, and which to write.
    #[inline(always)]
    fn set(&mut self, field: &Field, value: impl ToValue) {
        match self.callsite.field(field.index()) {
            Some(known) if !known.is_special => {
                self.sink.state.draft.span_mut().set_attribute(&known.key, value);
            }
            _ => self.sink.set(field.name(), value.to_value()),
        }
    }

    fn set_error(&mut self, error: ErrorField) {
        self.sink.put_error(&error);
    }
}

impl SpanSink<'_, '_> {
    /// Takes a value.
    #[inline(never)]
    pub(crate) fn set(&mut self, key: &str, value: ValueRef<'_>) {
        if let ValueRef::String(text) = value
            && let Some(special) = key.strip_prefix("otel.")
            && self.set_special(special, text)
        {
            return;
        }
        self.state.draft.span_mut().set_attribute(key, value);
    }

    /// Takes an error: as an attribute, as another with its sources, and as an exception.
    pub(crate) fn put_error(&mut self, error: &ErrorField) {
        let span = self.state.draft.span_mut();
        span.set_attribute(error.key, &*error.message);
        if !error.sources.is_empty() {
            span.set_attribute(&*error.sources_key, ValueRef::Array(&error.sources));
        }
        if self.exceptions {
            let attributes =
                [(EXCEPTION_MESSAGE, (&*error.message).into()), (EXCEPTION_CHAIN, (&*error.chain).into())];
            let told = if error.chain.is_empty() { &attributes[..1] } else { &attributes };
            span.add_event(EXCEPTION, told);
        }
    }

    /// Takes a field that is not an attribute; `false` if it is one.
    #[inline(never)]
    fn set_special(&mut self, field: &str, text: &str) -> bool {
        match field {
            "name" => {
                self.state.draft.span_mut().update_name(text);
            }
            "kind" => {
                if let Some(kind) = kind(text) {
                    self.state.draft.set_kind(kind);
                }
            }
            "status_code" if text.eq_ignore_ascii_case("error") => self.state.set_error(""),
            "status_code" if text.eq_ignore_ascii_case("ok") => {
                self.state.draft.span_mut().set_status(StatusCode::Ok, "");
            }
            "status_code" => {}
            "status_message" | "status_description" => self.state.set_error(text),
            _ => return false,
        }
        true
    }
}

fn kind(text: &str) -> Option<SpanKind> {
    static KINDS: [(&str, SpanKind); 5] = [
        ("server", SpanKind::Server),
        ("client", SpanKind::Client),
        ("producer", SpanKind::Producer),
        ("consumer", SpanKind::Consumer),
        ("internal", SpanKind::Internal),
    ];
    KINDS.iter().find(|(name, _)| text == *name || text.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
}
