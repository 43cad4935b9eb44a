//! Events of `tracing`: as events of the span they belong to, as log records, or both.
//!
//! Reads the event's fields once and without any lock, and writes them under the span's.

use crate::current::{Current, current};
use crate::field::Reader;
use crate::fields::{ErrorField, Fields};
use crate::layer::OtlpLayer;
use crate::log::severity;
use crate::metadata::{FILE, LEVEL, LINE, MODULE, TARGET, is_log_record, of_log_field};
use crate::shared::{SharedState, nearest_context, shared_of};
use crate::sink::{EXCEPTION, EXCEPTION_CHAIN, EXCEPTION_MESSAGE};
use crate::state::SpanState;
use otlp::{TraceContext, ValueRef};
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
        // If nobody wants them, the fields are not even looked at: the span may be none that is recording.
        let span = match event.is_contextual().then(|| current(self.number())) {
            Some(Current::Recording(shared)) => Some(shared),
            Some(Current::Silent) => None,
            _ => registry.event_span(event).and_then(|span| shared_of(&span)),
        };
        let now = span.as_ref().and_then(|shared| shared.with(SpanState::now)).flatten();
        if logger.is_none() && now.is_none() {
            return;
        }
        Fields::with(|fields| {
            event.record(&mut Reader(&mut *fields));
            let said = Said::new(self, event, fields);
            if let (Some(shared), Some(now)) = (&span, now) {
                shared.with(|state| {
                    if let Some(description) = said.status {
                        state.set_error(description);
                    }
                    if self.options().span_events {
                        state.draft.span_mut().add_event_with(said.name, Some(now), said.span_attributes());
                    }
                });
            }
            if let Some(logger) = logger {
                let context = span.as_deref().and_then(SharedState::context).or_else(|| {
                    match registry.event_span(event) {
                        Some(span) => nearest_context(&span),
                        None => event.is_root().then(TraceContext::default),
                    }
                });
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
    pub(crate) fields: &'a Fields,
    is_log_record: bool,
    /// Whether places are told.
    location: bool,
    /// Whether errors become exceptions, and whether the event is nothing else.
    exceptions: bool,
    is_exception: bool,
}

impl<'a> Said<'a> {
    #[inline]
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
        Self {
            metadata,
            name,
            status: is_error.then(|| error.unwrap_or_default()),
            fields,
            is_log_record: is_log_record(metadata),
            location: options.location,
            exceptions: options.exceptions,
            is_exception,
        }
    }

    fn span_attributes(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        let level = self.metadata.level().as_str();
        std::iter::once((LEVEL, level.into())).chain(self.attributes())
    }

    /// The target, the place, the fields and the errors. To be walked through by the iterator's own means (`for_each`, `fold`):
    /// asked for one after the other it would look each time at which of its parts it is.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        let known = (0..EACH).filter_map(|at| self.known(at));
        let fields = self.fields.values().filter_map(|(key, value)| Some((self.key(key)?, value)));
        let errors = self.fields.errors().iter();
        let errors = errors.flat_map(|error| (0..EACH).filter_map(|at| self.of_error(error, at)));
        known.chain(fields).chain(errors)
    }

    /// Target and place, where the event's own metadata has them.
    fn known(&self, at: usize) -> Option<(&'static str, ValueRef<'static>)> {
        match at {
            _ if self.is_log_record => None,
            0 => Some((TARGET, self.metadata.target().into())),
            _ if !self.location => None,
            1 => Some((FILE, self.metadata.file()?.into())),
            2 => Some((MODULE, self.metadata.module_path()?.into())),
            _ => Some((LINE, self.metadata.line()?.into())),
        }
    }

    fn of_error(&self, error: &'a ErrorField, at: usize) -> Option<(&'a str, ValueRef<'a>)> {
        let has_sources = !error.sources.is_empty();
        match at {
            0 => Some((error.key, (&*error.message).into())),
            1 => has_sources.then(|| (&*error.sources_key, ValueRef::Array(&error.sources))),
            2 => self.exceptions.then(|| (EXCEPTION_MESSAGE, (&*error.message).into())),
            _ => (self.exceptions && has_sources).then(|| (EXCEPTION_CHAIN, (&*error.chain).into())),
        }
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

/// What [`Said::known`] and [`Said::of_error`] know at most.
const EACH: usize = 4;
