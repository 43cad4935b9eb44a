//! Events of `tracing`: as events of the span they belong to, as log records, or both.
//!
//! Reads the event's fields once and without any lock, and writes them under the span's.

use crate::callsite::Callsite;
use crate::current::{Current, current};
use crate::field::Reader;
use crate::fields::{ErrorField, Fields};
use crate::layer::OtlpLayer;
use crate::log::severity;
use crate::metadata::{TARGET, of_log_field};
use crate::shared::{SharedState, nearest_context, shared_of};
use crate::sink::{EXCEPTION, EXCEPTION_CHAIN, EXCEPTION_MESSAGE};
use otlp::{KeyRef, ToValue, TraceContext, ValueRef};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The field by which `#[instrument(err)]` tells of an error.
const ERROR: &str = "error";

impl OtlpLayer {
    pub(crate) fn take<S>(&self, event: &Event<'_>, callsite: &Callsite, registry: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let severity = severity(*event.metadata().level());
        // Whether its span is sampled, which need not be the current one, the record is asked when it is emitted.
        let logger = self.logger().filter(|logger| logger.takes(severity));
        if logger.is_none() && !self.options().span_events {
            return;
        }
        // If nobody wants them, the fields are not even looked at: the span may be none that is recording.
        let span = match event.is_contextual().then(|| current(self.number())) {
            Some(Current::Recording(shared)) => Some(shared),
            Some(Current::Silent) => None,
            _ => registry.event_span(event).and_then(|span| shared_of(&span)),
        };
        let now = span.as_ref().and_then(|shared| shared.now());
        if logger.is_none() && now.is_none() {
            return;
        }
        Fields::with(|fields| {
            event.record(&mut Reader(&mut *fields));
            let said = Said::new(self, event, callsite, fields);
            if let (Some(shared), Some(now)) = (&span, now) {
                shared.with(|state| {
                    if let Some(description) = said.status {
                        state.set_error(description);
                    }
                    if self.options().span_events {
                        let span = state.draft.span_mut();
                        span.add_event_with(said.name, Some(now), &callsite.attributes, said.told());
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
    callsite: &'a Callsite,
    /// Whether places are told.
    location: bool,
    /// Whether errors become exceptions, and whether the event is nothing else.
    exceptions: bool,
    is_exception: bool,
    /// Whether all fields are called what they are.
    has_own_keys: bool,
}

impl<'a> Said<'a> {
    #[inline]
    fn new(layer: &OtlpLayer, event: &Event<'_>, callsite: &'a Callsite, fields: &'a Fields) -> Self {
        let (metadata, options) = (event.metadata(), layer.options());
        // One that is empty says nothing.
        let message = fields.message().filter(|message| !message.is_empty());
        let is_of_level_error = *metadata.level() == Level::ERROR;
        // Nothing else asks for it.
        let text = if message.is_none() || is_of_level_error { fields.text_of(ERROR) } else { None };
        // `#[instrument(err)]` tells a text. An error as such may have been handled: it is an exception, and no failure.
        let is_bare_text = message.is_none() && text.is_some();
        let is_exception =
            options.exceptions && message.is_none() && (text.is_some() || !fields.errors().is_empty());
        let name = match message {
            Some(message) => message,
            None if is_exception => EXCEPTION,
            None => metadata.name(),
        };
        let is_error = options.error_status && (is_of_level_error || is_bare_text);
        Self {
            metadata,
            name,
            status: is_error.then(|| text.or_else(|| fields.message_of(ERROR)).unwrap_or_default()),
            fields,
            callsite,
            location: options.location,
            exceptions: options.exceptions,
            is_exception,
            has_own_keys: !is_exception && !callsite.is_log_record,
        }
    }

    /// The level, the target and the place, where the event's own metadata has them, in front of what it [told](Self::told).
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (KeyRef<'_>, ValueRef<'_>)> {
        let known = self.callsite.attributes.attributes().iter();
        known.map(|known| (KeyRef::Text(&known.key), known.value.to_value())).chain(self.told())
    }

    /// The fields and the errors. To be walked through by the iterator's own means (`for_each`, `fold`): asked for one after the
    /// other it would look each time at which of its parts it is.
    fn told(&self) -> impl Iterator<Item = (KeyRef<'_>, ValueRef<'_>)> {
        let fields = self.fields.values().filter_map(|(field, value)| Some((self.key(field)?, value)));
        let errors = self.fields.errors().iter();
        let errors = errors.flat_map(|error| (0..EACH).filter_map(|at| self.of_error(error, at)));
        fields.chain(errors.map(|(key, value)| (KeyRef::Text(key), value)))
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
        self.callsite.is_log_record
    }

    /// What a field is called; `None` if it is left out.
    #[inline]
    fn key(&self, &(at, name): &(usize, &'static str)) -> Option<KeyRef<'a>> {
        if self.has_own_keys
            && let Some(known) = self.callsite.field(at)
        {
            return Some(KeyRef::Key(&known.key));
        }
        self.other_key(at, name)
    }

    #[inline(never)]
    fn other_key(&self, at: usize, name: &'static str) -> Option<KeyRef<'a>> {
        if self.is_exception && name == ERROR {
            return Some(KeyRef::Text(EXCEPTION_MESSAGE));
        }
        if self.callsite.is_log_record
            && let Some(key) = of_log_field(name)
        {
            return (self.location || key == TARGET).then_some(KeyRef::Text(key));
        }
        Some(self.callsite.field(at).map_or(KeyRef::Text(name), |known| KeyRef::Key(&known.key)))
    }
}

/// What [`Said::of_error`] knows at most.
const EACH: usize = 4;
