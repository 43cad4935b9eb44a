//! Spans with their events and links.

use super::request::{FromMessage, repeated};
use super::{AttributesView, DecodeError, Message};
use crate::{Event, Link, SpanContext, SpanData, SpanId, SpanKind, Status, StatusCode, TraceFlags, TraceId};

/// "Whether the parent (of a link: the linked span) is remote is known", and that it is.
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// One span.
///
/// ```
/// use otlp_model::{Limits, SpanContext, SpanData, SpanId, TraceFlags, TraceId, encode_span, view::SpanView};
/// let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
/// let span = SpanData::new(context, "GET", 1_000, 2_000);
/// let mut record = Vec::new();
/// encode_span(&span, &Limits::default(), &mut record);
/// let view = SpanView::from_record(&record)?;
/// assert_eq!((view.name, view.flags()), ("GET", TraceFlags::SAMPLED));
/// assert_eq!(view.to_span_data()?, span);
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SpanView<'a> {
    /// The trace's id; [`TraceId::INVALID`] if absent or of a wrong length.
    pub trace_id: TraceId,
    /// The span's id; [`SpanId::INVALID`] if absent or of a wrong length.
    pub span_id: SpanId,
    /// The parent's id; [`SpanId::INVALID`] for a root span.
    pub parent_span_id: SpanId,
    /// The W3C trace state as it stands on the wire.
    pub trace_state: &'a str,
    /// The flags as they stand on the wire, for forwarding; see [`flags`](Self::flags).
    pub raw_flags: u32,
    /// What the span is called.
    pub name: &'a str,
    /// Its role; unspecified and unknown ones are [`SpanKind::Internal`].
    pub kind: SpanKind,
    /// Start, in nanoseconds since the Unix epoch.
    pub start_time_unix_nano: u64,
    /// End, in nanoseconds since the Unix epoch.
    pub end_time_unix_nano: u64,
    /// Attributes.
    pub attributes: AttributesView<'a>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
    /// How many events were discarded.
    pub dropped_events_count: u32,
    /// How many links were discarded.
    pub dropped_links_count: u32,
    /// The status; unset if absent.
    pub status: StatusView<'a>,
    message: Message<'a>,
}

impl<'a> SpanView<'a> {
    /// Reads one record of the queue: the field `ScopeSpans.spans`, tag and length included.
    ///
    /// # Errors
    /// The bytes are no such field, or more than one.
    pub fn from_record(record: &'a [u8]) -> Result<Self, DecodeError> {
        record_message(record).and_then(Self::from_message)
    }

    /// The W3C trace flags of the span's own context; all other bits are masked (MODEL-06).
    #[must_use]
    pub fn flags(&self) -> TraceFlags {
        trace_flags(self.raw_flags)
    }

    /// Whether the parent is in another process; `None` if the writer did not say.
    #[must_use]
    pub fn parent_is_remote(&self) -> Option<bool> {
        is_remote(self.raw_flags)
    }

    /// The events in order.
    pub fn events(&self) -> impl Iterator<Item = Result<EventView<'a>, DecodeError>> + use<'a> {
        repeated(self.message, 11)
    }

    /// The links in order.
    pub fn links(&self) -> impl Iterator<Item = Result<LinkView<'a>, DecodeError>> + use<'a> {
        repeated(self.message, 13)
    }

    /// The span, owned. A trace state that breaks W3C's grammar is left out, an unknown parent is local.
    ///
    /// # Errors
    /// An attribute, event or link is malformed.
    pub fn to_span_data(&self) -> Result<SpanData, DecodeError> {
        let context = SpanContext::new(self.trace_id, self.span_id, self.flags())
            .with_trace_state(self.trace_state.parse().unwrap_or_default());
        Ok(SpanData {
            context,
            parent_span_id: self.parent_span_id,
            parent_is_remote: self.parent_is_remote().unwrap_or(false),
            name: self.name.to_owned().into(),
            kind: self.kind,
            start_time_unix_nano: self.start_time_unix_nano,
            end_time_unix_nano: self.end_time_unix_nano,
            attributes: self.attributes.to_key_values()?,
            dropped_attributes_count: self.dropped_attributes_count,
            events: self.events().map(|event| event?.to_event()).collect::<Result<_, _>>()?,
            dropped_events_count: self.dropped_events_count,
            links: self.links().map(|link| link?.to_link()).collect::<Result<_, _>>()?,
            dropped_links_count: self.dropped_links_count,
            status: Status { code: self.status.code, description: self.status.description.to_owned().into() },
        })
    }
}

impl<'a> FromMessage<'a> for SpanView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut span = Self {
            trace_id: TraceId::INVALID,
            span_id: SpanId::INVALID,
            parent_span_id: SpanId::INVALID,
            trace_state: "",
            raw_flags: 0,
            name: "",
            kind: SpanKind::Internal,
            start_time_unix_nano: 0,
            end_time_unix_nano: 0,
            attributes: AttributesView::new(message, 9),
            dropped_attributes_count: 0,
            dropped_events_count: 0,
            dropped_links_count: 0,
            status: StatusView { code: StatusCode::Unset, description: "" },
            message,
        };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => span.trace_id = TraceId::from_slice(field.bytes()?).unwrap_or_default(),
                2 => span.span_id = SpanId::from_slice(field.bytes()?).unwrap_or_default(),
                3 => span.trace_state = field.string()?,
                4 => span.parent_span_id = SpanId::from_slice(field.bytes()?).unwrap_or_default(),
                5 => span.name = field.string()?,
                6 => span.kind = kind(field.int32()?),
                7 => span.start_time_unix_nano = field.fixed64()?,
                8 => span.end_time_unix_nano = field.fixed64()?,
                10 => span.dropped_attributes_count = field.uint32()?,
                12 => span.dropped_events_count = field.uint32()?,
                14 => span.dropped_links_count = field.uint32()?,
                15 => span.status = StatusView::from_message(field.message()?)?,
                16 => span.raw_flags = field.fixed32()?,
                _ => {}
            }
        }
        Ok(span)
    }
}

/// The message in a record of the queue: field 2, alone.
pub(super) fn record_message(record: &[u8]) -> Result<Message<'_>, DecodeError> {
    let mut fields = Message::new(record).fields();
    match (fields.next().transpose()?, fields.next()) {
        (Some(field), None) if field.number == 2 => field.message(),
        _ => Err(DecodeError::new(0, "a record is one field with the number 2")),
    }
}

pub(super) fn trace_flags(raw: u32) -> TraceFlags {
    TraceFlags::from_bits(raw.to_le_bytes()[0])
}

fn is_remote(raw: u32) -> Option<bool> {
    (raw & HAS_IS_REMOTE != 0).then_some(raw & IS_REMOTE != 0)
}

fn kind(number: i32) -> SpanKind {
    match number {
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

/// The status of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusView<'a> {
    /// The code; unknown ones are [`StatusCode::Unset`].
    pub code: StatusCode,
    /// What went wrong.
    pub description: &'a str,
}

impl<'a> FromMessage<'a> for StatusView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut status = Self { code: StatusCode::Unset, description: "" };
        for field in message.fields() {
            let field = field?;
            match field.number {
                2 => status.description = field.string()?,
                3 => {
                    status.code = match field.int32()? {
                        1 => StatusCode::Ok,
                        2 => StatusCode::Error,
                        _ => StatusCode::Unset,
                    }
                }
                _ => {}
            }
        }
        Ok(status)
    }
}

/// Something that happened within a span.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct EventView<'a> {
    /// What happened.
    pub name: &'a str,
    /// When, in nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// Attributes.
    pub attributes: AttributesView<'a>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
}

impl EventView<'_> {
    fn to_event(self) -> Result<Event, DecodeError> {
        Ok(Event {
            name: self.name.to_owned().into(),
            time_unix_nano: self.time_unix_nano,
            attributes: self.attributes.to_key_values()?,
            dropped_attributes_count: self.dropped_attributes_count,
        })
    }
}

impl<'a> FromMessage<'a> for EventView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let attributes = AttributesView::new(message, 3);
        let mut event = Self { name: "", time_unix_nano: 0, attributes, dropped_attributes_count: 0 };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => event.time_unix_nano = field.fixed64()?,
                2 => event.name = field.string()?,
                4 => event.dropped_attributes_count = field.uint32()?,
                _ => {}
            }
        }
        Ok(event)
    }
}

/// A relation to another span.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LinkView<'a> {
    /// The linked span's trace.
    pub trace_id: TraceId,
    /// The linked span.
    pub span_id: SpanId,
    /// The W3C trace state of the linked context as it stands on the wire.
    pub trace_state: &'a str,
    /// The flags as they stand on the wire.
    pub raw_flags: u32,
    /// Attributes.
    pub attributes: AttributesView<'a>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
}

impl LinkView<'_> {
    /// The W3C trace flags of the linked context (MODEL-06).
    #[must_use]
    pub fn flags(&self) -> TraceFlags {
        trace_flags(self.raw_flags)
    }

    /// Whether the linked context came from another process; `None` if the writer did not say.
    #[must_use]
    pub fn is_remote(&self) -> Option<bool> {
        is_remote(self.raw_flags)
    }

    fn to_link(self) -> Result<Link, DecodeError> {
        let context = SpanContext::new(self.trace_id, self.span_id, self.flags())
            .with_remote(self.is_remote().unwrap_or(false))
            .with_trace_state(self.trace_state.parse().unwrap_or_default());
        Ok(Link {
            context,
            attributes: self.attributes.to_key_values()?,
            dropped_attributes_count: self.dropped_attributes_count,
        })
    }
}

impl<'a> FromMessage<'a> for LinkView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut link = Self {
            trace_id: TraceId::INVALID,
            span_id: SpanId::INVALID,
            trace_state: "",
            raw_flags: 0,
            attributes: AttributesView::new(message, 4),
            dropped_attributes_count: 0,
        };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => link.trace_id = TraceId::from_slice(field.bytes()?).unwrap_or_default(),
                2 => link.span_id = SpanId::from_slice(field.bytes()?).unwrap_or_default(),
                3 => link.trace_state = field.string()?,
                5 => link.dropped_attributes_count = field.uint32()?,
                6 => link.raw_flags = field.fixed32()?,
                _ => {}
            }
        }
        Ok(link)
    }
}
