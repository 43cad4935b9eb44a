//! Events of `tracing` as events of the span they belong to.
//!
//! Reads the event's fields without any lock, and writes them under the span's.

use crate::field::Reader;
use crate::fields::Fields;
use crate::layer::OtlpLayer;
use crate::metadata::{LEVEL, TARGET, is_log_record, location, of_log_field};
use crate::sink::{EXCEPTION, EXCEPTION_CHAIN, EXCEPTION_MESSAGE};
use crate::state::with_state;
use otlp::ValueRef;
use std::borrow::Cow;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The field by which `#[instrument(err)]` tells of an error.
const ERROR: &str = "error";

impl OtlpLayer {
    pub(crate) fn event_on_span<S>(&self, event: &Event<'_>, registry: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(span) = registry.event_span(event) else { return };
        // Of a span that is not recording the fields are not even looked at.
        let Some(Some(now)) = with_state(&span, |state| state.now()) else { return };
        Fields::with(|fields| {
            event.record(&mut Reader(&mut *fields));
            let said = Said::new(self, event, fields);
            with_state(&span, |state| {
                if let Some(description) = said.status {
                    state.set_error(description);
                }
                state.draft.span_mut().add_event_with(said.name, Some(now), said.attributes());
            });
        });
    }
}

/// What an event says, in the terms of a span's event.
struct Said<'a> {
    name: &'a str,
    /// What the span's status becomes an error with.
    status: Option<&'a str>,
    /// Target, level and place, where the event's own metadata has them.
    known: [Option<(&'static str, ValueRef<'a>)>; 5],
    fields: &'a Fields,
    is_log_record: bool,
    /// Whether places are told.
    location: bool,
    /// Whether errors become exceptions, and whether the event is nothing else.
    exceptions: bool,
    is_exception: bool,
}

impl<'a> Said<'a> {
    fn new(layer: &OtlpLayer, event: &Event<'_>, fields: &'a Fields) -> Self {
        let (metadata, options) = (event.metadata(), layer.options());
        let (message, error) = (fields.message(), fields.text_of(ERROR));
        let is_bare_error = message.is_none() && error.is_some();
        let is_exception =
            options.exceptions && message.is_none() && (error.is_some() || !fields.errors().is_empty());
        let name = match message {
            Some(message) => message,
            None if is_exception => EXCEPTION,
            None => metadata.name(),
        };
        let is_error = options.error_status && (*metadata.level() == Level::ERROR || is_bare_error);
        let is_log_record = is_log_record(metadata);
        let mut known = [None; 5];
        known[0] = Some((LEVEL, metadata.level().as_str().into()));
        if !is_log_record {
            known[1] = Some((TARGET, metadata.target().into()));
        }
        if options.location && !is_log_record {
            let mut places = known[2..].iter_mut();
            location(metadata, |key, value| {
                if let Some(place) = places.next() {
                    *place = Some((key, value));
                }
            });
        }
        Self {
            name,
            status: is_error.then(|| error.unwrap_or_default()),
            known,
            fields,
            is_log_record,
            location: options.location,
            exceptions: options.exceptions,
            is_exception,
        }
    }

    fn attributes(&self) -> impl Iterator<Item = (Cow<'_, str>, ValueRef<'_>)> {
        let known = self.known.iter().flatten().map(|(key, value)| (Cow::Borrowed(*key), *value));
        let values =
            self.fields.values().filter_map(|(key, value)| Some((Cow::Borrowed(self.key(key)?), value)));
        let errors = self.fields.errors().iter().flat_map(|error| {
            let sources = ValueRef::Array(&error.sources);
            let (message, chain) = (ValueRef::String(&error.message), ValueRef::String(&error.chain));
            let has_sources = !error.sources.is_empty();
            [
                Some((Cow::Borrowed(error.key), message)),
                has_sources.then(|| (Cow::Owned(format!("{}.chain", error.key)), sources)),
                self.exceptions.then_some((Cow::Borrowed(EXCEPTION_MESSAGE), message)),
                (self.exceptions && has_sources).then_some((Cow::Borrowed(EXCEPTION_CHAIN), chain)),
            ]
        });
        known.chain(values).chain(errors.flatten())
    }

    /// What a field is called; `None` if it is left out.
    fn key(&self, field: &'static str) -> Option<&'static str> {
        if self.is_exception && field == ERROR {
            return Some(EXCEPTION_MESSAGE);
        }
        if self.is_log_record
            && let Some(key) = of_log_field(field)
        {
            return (self.location || key == TARGET).then_some(key);
        }
        Some(field)
    }
}
