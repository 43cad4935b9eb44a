//! Reads the fields of spans and events: values of each kind as they are, everything else as text.
//!
//! Used for new spans, for values that are recorded later, and for events. `Debug`, `Display` and errors are foreign code,
//! which may itself make spans and events, or panic: nothing is locked or borrowed while it runs, and a panic ends here.

use crate::exception::{Chain, sources};
use crate::fields::ErrorField;
use otlp::{AnyValue, ToValue};
use std::cell::Cell;
use std::error::Error;
use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracing::field::{Field, Visit};

/// Where fields go.
pub(crate) trait Sink {
    /// Takes a value: as it is, so that its kind is known where it is written.
    fn set(&mut self, field: &Field, value: impl ToValue);

    /// Takes what is displayed.
    fn set_shown(&mut self, field: &Field, shown: fmt::Arguments<'_>) {
        with_text(shown, |text| self.set(field, text));
    }

    /// Takes an error.
    fn set_error(&mut self, error: ErrorField);
}

/// Reads fields into a sink.
pub(crate) struct Reader<S>(pub(crate) S);

impl<S: Sink> Visit for Reader<S> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.set_shown(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.set(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            // As the specification maps what its integers cannot hold.
            Err(_) => self.0.set_shown(field, format_args!("{value}")),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.0.set_shown(field, format_args!("{value}")),
        }
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.0.set(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut error = ErrorField {
            key: field.name(),
            message: with_text(format_args!("{value}"), str::to_owned),
            sources_key: format!("{}.chain", field.name()),
            sources: Vec::new(),
            chain: String::new(),
        };
        // What was told until a panic stays.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            error.sources.extend(sources(value).map(|source| AnyValue::from(source.to_string())));
            if !error.sources.is_empty() {
                error.chain = Chain(value).to_string();
            }
        }));
        self.0.set_error(error);
    }
}

thread_local! {
    /// Memory for texts. Taken while it is used, so that a `Debug` that makes spans finds none and makes its own.
    static TEXT: Cell<String> = const { Cell::new(String::new()) };
}

/// How much of an unusually large text's memory is kept.
pub(crate) const KEPT: usize = 16 * 1024;
/// What stands in the place of what could not be shown.
const PANICKED: &str = "(its Display panicked)";

/// Calls `f` with what is displayed, in recycled memory.
pub(crate) fn with_text<T>(shown: fmt::Arguments<'_>, f: impl FnOnce(&str) -> T) -> T {
    if let Some(text) = shown.as_str() {
        return f(text);
    }
    let mut text = TEXT.try_with(Cell::take).unwrap_or_default();
    text.clear();
    write_text(&mut text, shown);
    let result = f(&text);
    text.shrink_to(KEPT);
    let _ = TEXT.try_with(|kept| kept.set(text));
    result
}

/// Appends what is displayed.
pub(crate) fn write_text(text: &mut String, shown: fmt::Arguments<'_>) {
    let start = text.len();
    // An error ends the text early; what there is of it is kept.
    if catch_unwind(AssertUnwindSafe(|| text.write_fmt(shown))).is_err() {
        text.truncate(start);
        text.push_str(PANICKED);
    }
}
