//! Fields that are read before they can be written: recycled memory for those of an event, and for values recorded late.
//!
//! Reading runs foreign code, for which a span must not be locked; writing needs the lock. In between they lie here.

use crate::field::{KEPT, Sink, write_text};
use otlp::{AnyValue, ToValue, ValueRef};
use std::cell::Cell;
use std::fmt;
use std::ops::Range;
use tracing::field::Field;

/// The field that holds what an event says.
pub(crate) const MESSAGE: &str = "message";

/// A list of fields.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    values: Vec<(At, Value)>,
    errors: Vec<ErrorField>,
    message: Option<Range<usize>>,
    text: String,
    bytes: Vec<u8>,
}

/// Which field it is: its number among those of its place, and its name.
type At = (usize, &'static str);

#[derive(Debug)]
enum Value {
    Plain(ValueRef<'static>),
    Text(Range<usize>),
    Bytes(Range<usize>),
}

/// A field that is an error.
#[derive(Debug)]
pub(crate) struct ErrorField {
    pub(crate) key: &'static str,
    pub(crate) message: String,
    /// The key of the attribute with the sources.
    pub(crate) sources_key: String,
    pub(crate) sources: Vec<AnyValue>,
    /// The error and its sources; empty if it has none.
    pub(crate) chain: String,
}

thread_local! {
    /// Taken while it is used, so that a `Debug` that makes events finds none and makes its own.
    static SPARE: Cell<Option<Box<Fields>>> = const { Cell::new(None) };
}

impl Fields {
    /// Calls `f` with an empty list, in recycled memory.
    pub(crate) fn with<T>(f: impl FnOnce(&mut Self) -> T) -> T {
        let mut fields = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let result = f(&mut fields);
        fields.clear();
        // While the thread is being torn down there is nowhere to put it, and it is freed.
        let _ = SPARE.try_with(|spare| spare.set(Some(fields)));
        result
    }

    fn clear(&mut self) {
        self.values.clear();
        self.errors.clear();
        self.message = None;
        self.text.clear();
        self.text.shrink_to(KEPT);
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    /// Notes a field whose value is kept there.
    fn note(&mut self, field: &Field, text: Range<usize>) {
        if field.name() == MESSAGE {
            self.message = Some(text);
        } else {
            self.values.push(((field.index(), field.name()), Value::Text(text)));
        }
    }

    fn text(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// What an event says, if it says something.
    pub(crate) fn message(&self) -> Option<&str> {
        self.message.as_ref().map(|range| self.text(range))
    }

    /// The values in their order, without the message and the errors.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&At, ValueRef<'_>)> {
        self.values.iter().map(|(at, value)| (at, self.value(value)))
    }

    #[inline]
    fn value(&self, value: &Value) -> ValueRef<'_> {
        match value {
            Value::Plain(value) => *value,
            Value::Text(range) => ValueRef::String(self.text(range)),
            Value::Bytes(range) => ValueRef::Bytes(self.bytes.get(range.clone()).unwrap_or_default()),
        }
    }

    /// The errors in their order.
    pub(crate) fn errors(&self) -> &[ErrorField] {
        &self.errors
    }

    /// What a field says that is an error.
    pub(crate) fn message_of(&self, key: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.key == key).map(|error| &*error.message)
    }

    /// What a field says that is a text.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        match self.values.iter().find(|((_, of), _)| *of == key)? {
            (_, Value::Text(range)) => Some(self.text(range)),
            _ => None,
        }
    }
}

impl Sink for &mut Fields {
    #[inline(always)]
    fn set(&mut self, field: &Field, value: impl ToValue) {
        let value = match value.to_value() {
            ValueRef::String(text) => {
                let range = self.keep(text);
                return self.note(field, range);
            }
            ValueRef::Bytes(bytes) => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Value::Bytes(start..self.bytes.len())
            }
            ValueRef::Bool(value) => Value::Plain(ValueRef::Bool(value)),
            ValueRef::Int(value) => Value::Plain(ValueRef::Int(value)),
            ValueRef::Uint(value) => Value::Plain(ValueRef::Uint(value)),
            ValueRef::Double(value) => Value::Plain(ValueRef::Double(value)),
            // `tracing` has no others.
            _ => return,
        };
        self.values.push(((field.index(), field.name()), value));
    }

    // Where it stays, instead of elsewhere first. What makes fields meanwhile finds none here and makes its own.
    fn set_shown(&mut self, field: &Field, shown: fmt::Arguments<'_>) {
        let start = self.text.len();
        write_text(&mut self.text, shown);
        self.note(field, start..self.text.len());
    }

    fn set_error(&mut self, error: ErrorField) {
        self.errors.push(error);
    }
}
