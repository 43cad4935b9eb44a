//! Spans as plain data: for typed export, adapters and tests. The facade's live span never builds one.

use crate::{KeyValue, SpanContext, SpanId};
use std::borrow::Cow;

/// The role of a span in a request; the discriminants are the wire values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SpanKind {
    /// Work inside the process.
    #[default]
    Internal = 1,
    /// Handling of a request from a remote client.
    Server = 2,
    /// A request to a remote service.
    Client = 3,
    /// Sending of a message that is handled later.
    Producer = 4,
    /// Handling of a message sent earlier.
    Consumer = 5,
}

/// Whether the work of a span succeeded; the discriminants are the wire values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StatusCode {
    /// Nothing was said.
    #[default]
    Unset = 0,
    /// The application says it succeeded.
    Ok = 1,
    /// It failed.
    Error = 2,
}

/// The status of a span: a code, and a description that only errors carry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// The code.
    pub code: StatusCode,
    /// What went wrong; empty unless the code is [`StatusCode::Error`].
    pub description: Cow<'static, str>,
}

/// A finished span.
///
/// ```
/// use otlp_model::{KeyValue, SpanContext, SpanData, SpanId, SpanKind, TraceFlags, TraceId};
/// let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
/// let mut span = SpanData::new(context, "GET /users/{id}", 1_000, 2_000);
/// span.kind = SpanKind::Server;
/// span.attributes.push(KeyValue::new("http.response.status_code", 200));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SpanData {
    /// The span's own identity; its remote bit means nothing here.
    pub context: SpanContext,
    /// The parent's id; [`SpanId::INVALID`] for a root span.
    pub parent_span_id: SpanId,
    /// Whether the parent is in another process.
    pub parent_is_remote: bool,
    /// What the span is called: low-cardinality.
    pub name: Cow<'static, str>,
    /// Its role.
    pub kind: SpanKind,
    /// Start, in nanoseconds since the Unix epoch.
    pub start_time_unix_nano: u64,
    /// End, in nanoseconds since the Unix epoch.
    pub end_time_unix_nano: u64,
    /// Attributes; of equal keys the last one is written.
    pub attributes: Vec<KeyValue>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
    /// Events in the order recorded.
    pub events: Vec<Event>,
    /// How many events were discarded.
    pub dropped_events_count: u32,
    /// Links in the order added.
    pub links: Vec<Link>,
    /// How many links were discarded.
    pub dropped_links_count: u32,
    /// The status.
    pub status: Status,
}

impl SpanData {
    /// An internal root span without attributes.
    pub fn new(
        context: SpanContext,
        name: impl Into<Cow<'static, str>>,
        start_time_unix_nano: u64,
        end_time_unix_nano: u64,
    ) -> Self {
        Self {
            context,
            parent_span_id: SpanId::INVALID,
            parent_is_remote: false,
            name: name.into(),
            kind: SpanKind::default(),
            start_time_unix_nano,
            end_time_unix_nano,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: Vec::new(),
            dropped_events_count: 0,
            links: Vec::new(),
            dropped_links_count: 0,
            status: Status::default(),
        }
    }
}

/// Something that happened at a moment within a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// What happened.
    pub name: Cow<'static, str>,
    /// When, in nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// Attributes; of equal keys the last one is written.
    pub attributes: Vec<KeyValue>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
}

/// A relation to another span, of the same or another trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// The linked span; its remote bit is written.
    pub context: SpanContext,
    /// Attributes; of equal keys the last one is written.
    pub attributes: Vec<KeyValue>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
}
