//! Events of `tracing`: as events of the span they belong to, as log records, or both.
//!
//! Reads the event's fields once and without any lock, and writes them under the span's.

use crate::field::Reader;
use crate::fields::Fields;
use crate::layer::OtlpLayer;
use crate::log::severity;
use crate::metadata::{LEVEL, TARGET, is_log_record, location, of_log_field};
use crate::sink::{EXCEPTION, EXCEPTION_CHAIN, EXCEPTION_MESSAGE};
use crate::state::{SpanState, nearest_context, with_state};
use otlp::{TraceContext, ValueRef};
use std::borrow::Cow;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The field by which `#[instrument(err)]` tells of an error.
const ERROR: &str = "error";

impl OtlpLayer {
    pub(crate) fn take<S>(&self, event: &Event<'_>, registry: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let severity = severity(*event.metadata().level());
        let logger = self.logger().filter(|logger| logger.enabled(severity));
        if logger.is_none() && !self.options().span_events {
            return;
        }
        let span = registry.event_span(event);
        // If nobody wants them, the fields are not even looked at: the span may be none that is recording.
        let now = span.as_ref().and_then(|span| with_state(span, SpanState::now)).flatten();
        if logger.is_none() && now.is_none() {
            return;
        }
        Fields::with(|fields| {
            event.record(&mut Reader(&mut *fields));
            let said = Said::new(self, event, fields);
            if let (Some(span), Some(now)) = (&span, now) {
                with_state(span, |state| {
                    if let Some(description) = said.status {
                        state.set_error(description);
                    }
                    if self.options().span_events {
                        state.draft.span_mut().add_event_with(said.name, Some(now), said.span_attributes());
                    }
                });
            }
            if let Some(logger) = logger {
                let context = match &span {
                    Some(span) => nearest_context(span),
                    None => event.is_root().then(TraceContext::default),
                };
                said.log(logger.record(severity), context.as_ref());
            }
        });
    }
}

/// What an event says, in the terms of a span's event.
pub(crate) struct Said<'a> {
    pub(crate) metadata: &'static Metadata<'static>,
    name: &'a str,
    /// What the span's status becomes an error with.
    status: Option<&'a str>,
    /// Target and place, where the event's own metadata has them.
    known: [Option<(&'static str, ValueRef<'a>)>; 4],
    pub(crate) fields: &'a Fields,
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
        let mut known = [None; 4];
        if !is_log_record {
            known[0] = Some((TARGET, metadata.target().into()));
        }
        if options.location && !is_log_record {
            let mut places = known[1..].iter_mut();
            location(metadata, |key, value| {
                if let Some(place) = places.next() {
                    *place = Some((key, value));
                }
            });
        }
        Self {
            metadata,
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

    fn span_attributes(&self) -> impl Iterator<Item = (Cow<'_, str>, ValueRef<'_>)> {
        let level = self.metadata.level().as_str();
        std::iter::once((Cow::Borrowed(LEVEL), level.into())).chain(self.attributes())
    }

    /// The target, the place, the fields and the errors.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (Cow<'_, str>, ValueRef<'_>)> {
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

    pub(crate) fn is_log_record(&self) -> bool {
        self.is_log_record
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
