//! What hooks see of a record, and what they may do to it.
//!
//! A finished record is its wire form: it is read in place, and copied only where something changes.

use otlp_model::view::{LogRecordView, SpanView, ValueView};
use otlp_model::{
    DecodeError, DropReason, Event, Limits, Redaction, SpanContext, SpanKind, SpanWriter, ToKey, ToValue,
    encode_span, redact_log, redact_span, replace_log_body,
};
use std::borrow::Cow;
use std::fmt;

/// A span that has just started, as a [`SpanHook`](crate::SpanHook) sees it.
pub struct StartedSpan<'a> {
    pub(crate) writer: &'a mut SpanWriter,
    pub(crate) context: &'a SpanContext,
    pub(crate) parent: Option<&'a SpanContext>,
    pub(crate) kind: SpanKind,
}

impl StartedSpan<'_> {
    /// What the span is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.writer.name()
    }

    /// Its role.
    #[must_use]
    pub fn kind(&self) -> SpanKind {
        self.kind
    }

    /// Its identity.
    #[must_use]
    pub fn context(&self) -> &SpanContext {
        self.context
    }

    /// Its parent's; `None` for the root of a trace. Adapters may give a span another parent later.
    #[must_use]
    pub fn parent(&self) -> Option<&SpanContext> {
        self.parent
    }

    /// Sets an attribute, as [`Span::set_attribute`](crate::Span::set_attribute) does.
    pub fn set_attribute(&mut self, key: impl ToKey, value: impl ToValue) -> &mut Self {
        self.writer.set_attribute(key, value.to_value());
        self
    }
}

/// A record as it stands after the hooks so far.
pub(super) struct Finished<'a> {
    record: Cow<'a, [u8]>,
    is_discarded: bool,
    /// A change was asked for and could not be made.
    is_broken: bool,
}

impl<'a> Finished<'a> {
    pub(super) fn new(record: &'a [u8]) -> Self {
        Self { record: Cow::Borrowed(record), is_discarded: false, is_broken: false }
    }

    pub(super) fn is_discarded(&self) -> bool {
        self.is_discarded
    }

    /// The record; `Ok(None)` if it was discarded.
    pub(super) fn into_record(self) -> Result<Option<Cow<'a, [u8]>>, DropReason> {
        match self.is_broken && !self.is_discarded {
            // It might hold what was to be removed.
            true => Err(DropReason::LayerFailed),
            false => Ok((!self.is_discarded).then_some(self.record)),
        }
    }

    fn replace(&mut self, changed: Result<Option<Vec<u8>>, DecodeError>) {
        match changed {
            Ok(Some(record)) => self.record = Cow::Owned(record),
            Ok(None) => {}
            Err(_) => self.is_broken = true,
        }
    }
}

/// A span that has ended, as a [`SpanHook`](crate::SpanHook) sees it.
pub struct EndedSpan<'a>(pub(super) Finished<'a>);

impl EndedSpan<'_> {
    /// All of the span, read in place; what it costs depends on what is read.
    ///
    /// # Errors
    ///
    /// None for the records of this client.
    pub fn view(&self) -> Result<SpanView<'_>, DecodeError> {
        SpanView::from_record(&self.0.record)
    }

    /// Asks about each attribute of the span, of its events and of its links, and does to it what the answer says. Attributes
    /// inside a map are part of its value. What is removed is not counted among the span's dropped attributes.
    pub fn redact(&mut self, decide: impl FnMut(&str, ValueView<'_>) -> Redaction) {
        let changed = redact_span(&self.0.record, decide);
        self.0.replace(changed);
    }

    /// Adds events after those it has; `dropped` more were there already. A span that nests deeper than is read stays as it is.
    pub(super) fn add_events(&mut self, events: Vec<Event>, dropped: u32, limits: &Limits) {
        let Ok(mut span) = self.view().and_then(|view| view.to_span_data()) else { return };
        span.events.extend(events);
        span.dropped_events_count = span.dropped_events_count.saturating_add(dropped);
        let mut record = Vec::new();
        encode_span(&span, limits, &mut record);
        self.0.record = Cow::Owned(record);
    }

    /// Leaves the span out, as if it had not been sampled: later hooks do not see it, and it enters no books.
    pub fn discard(&mut self) {
        self.0.is_discarded = true;
    }
}

/// A log record that was emitted, as a [`LogHook`](crate::LogHook) sees it.
pub struct EmittedLog<'a>(pub(super) Finished<'a>);

impl EmittedLog<'_> {
    /// All of the record, read in place; what it costs depends on what is read.
    ///
    /// # Errors
    ///
    /// None for the records of this client.
    pub fn view(&self) -> Result<LogRecordView<'_>, DecodeError> {
        LogRecordView::from_record(&self.0.record)
    }

    /// Asks about each attribute, and does to it what the answer says; as [`EndedSpan::redact`].
    pub fn redact(&mut self, decide: impl FnMut(&str, ValueView<'_>) -> Redaction) {
        let changed = redact_log(&self.0.record, decide);
        self.0.replace(changed);
    }

    /// Replaces what the record says.
    pub fn set_body(&mut self, body: impl ToValue) {
        let changed = replace_log_body(&self.0.record, body).map(Some);
        self.0.replace(changed);
    }

    /// Leaves the record out: later hooks do not see it, and it enters no books.
    pub fn discard(&mut self) {
        self.0.is_discarded = true;
    }
}

impl fmt::Debug for StartedSpan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartedSpan").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Without content: it may be what is to be removed.
impl fmt::Debug for EndedSpan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndedSpan").field("encoded_bytes", &self.0.record.len()).finish_non_exhaustive()
    }
}

/// Without content: it may be what is to be removed.
impl fmt::Debug for EmittedLog<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmittedLog").field("encoded_bytes", &self.0.record.len()).finish_non_exhaustive()
    }
}
