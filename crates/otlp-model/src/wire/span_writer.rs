//! The hot path: a live span that is its own wire form.
//!
//! Used by the facade's `Span`, which owns one recycled [`SpanWriter`] while it records, and by typed export. Writes no
//! field twice and reads no clock. Field order on the wire is free; here the fields of fixed size come first, in one
//! block, with the end time left open until it is known. Events are in `span_writer/event.rs`, links in `span_writer/link.rs`.

use super::buffer::{close, open, put_str, put_uint, varint_len, write_varint};
use super::index::Index;
use super::live::{Live, PREFIX};
use super::span_head::{Head, complete};
use crate::{Limits, PreparedAttributes, SpanContext, SpanId, SpanKind, StatusCode, ToKey, ValueRef};

mod draft;
mod event;
mod link;
mod nested;

#[cfg(feature = "proto")]
pub(crate) use link::is_link_kept;

const ATTRIBUTE_TAG: u8 = 0x4a;
const DROPPED_ATTRIBUTES_TAG: u8 = 0x50;
const DROPPED_EVENTS_TAG: u8 = 0x60;
const DROPPED_LINKS_TAG: u8 = 0x70;
const STATUS_TAG: u8 = 0x7a;

/// Writes one span after the other into one buffer, appending OTLP protobuf as the span is made.
///
/// A writer that is used again allocates nothing once its buffer has grown to the size of its spans. Limits apply as
/// values are set, and what they discard is counted in the record. Before [`start`](Self::start) and after
/// [`finish`](Self::finish) every call that would change the span does nothing (conformance SPAN-10).
///
/// ```
/// use otlp_model::{Limits, SpanContext, SpanId, SpanKind, SpanWriter, StatusCode, TraceFlags, TraceId, ValueRef};
/// let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
/// let mut writer = SpanWriter::new();
/// writer.start(&Limits::default(), &context, SpanId::INVALID, false, "GET /users/{id}", SpanKind::Server, 1_000);
/// writer.set_attribute("http.response.status_code", ValueRef::Int(200));
/// writer.add_event("cache.miss", 1_500, [("cache.key", "user:7")]);
/// writer.set_status(StatusCode::Error, "timed out");
/// let record = writer.finish(2_000); // tag, length and span, ready to be queued
/// assert_eq!(record[0], 0x12);
/// ```
#[derive(Debug)]
pub struct SpanWriter {
    live: Live<ATTRIBUTE_TAG>,
    limits: Limits,
    /// Where the name's field starts, and the name's length.
    name: (usize, usize),
    /// The attributes of the event or link being written.
    inner: Index,
    events: usize,
    links: usize,
    dropped_events: u32,
    dropped_links: u32,
    /// Whether limits cost an event or link an attribute or, once it is finished, the span anything.
    limited: bool,
    status: StatusCode,
    description: String,
}

impl Default for SpanWriter {
    fn default() -> Self {
        Self {
            live: Live::default(),
            limits: Limits::UNLIMITED,
            name: (0, 0),
            inner: Index::default(),
            events: 0,
            links: 0,
            dropped_events: 0,
            dropped_links: 0,
            limited: false,
            status: StatusCode::Unset,
            description: String::new(),
        }
    }
}

impl SpanWriter {
    /// A writer without a buffer: nothing is allocated before the first span.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a span, forgetting whatever the writer held before.
    ///
    /// A `parent_span_id` of [`SpanId::INVALID`] makes a root: no parent is written (conformance MODEL-03), and
    /// `parent_is_remote` means nothing. Times are nanoseconds since the Unix epoch.
    #[expect(clippy::too_many_arguments, reason = "the fixed fields of a span, each known at its start")]
    pub fn start(
        &mut self,
        limits: &Limits,
        context: &SpanContext,
        parent_span_id: SpanId,
        parent_is_remote: bool,
        name: &str,
        kind: SpanKind,
        start_unix_nano: u64,
    ) {
        self.limits = *limits;
        self.live.begin(limits);
        (self.events, self.links) = (0, 0);
        (self.dropped_events, self.dropped_links) = (0, 0);
        self.limited = false;
        self.status = StatusCode::Unset;
        self.description.clear();
        let head = Head { context, parent: parent_span_id, parent_is_remote, name, kind, start_unix_nano };
        self.name = (head.put(&mut self.live.buffer), name.len());
    }

    /// Sets an attribute; the last value of a key wins and keeps the place of the first. Without a key, or beyond
    /// [`Limits::attribute_count`], it is discarded and counted. The key is text or a reference to a [`Key`](crate::Key).
    #[inline(always)]
    pub fn set_attribute(&mut self, key: impl ToKey, value: ValueRef<'_>) {
        self.live.set_attribute(key, value);
    }

    /// Sets attributes that were encoded ahead, as if one after the other; [`PreparedAttributes`] shows it.
    #[inline]
    pub fn set_prepared(&mut self, prepared: &PreparedAttributes) {
        self.live.set_prepared(prepared);
    }

    /// Replaces the name.
    pub fn set_name(&mut self, name: &str) {
        if !self.live.recording {
            return;
        }
        let (at, old) = self.name;
        let width = |len: usize| 1 + varint_len(len as u64) + len;
        let (old, new) = (width(old), width(name.len()));
        if old != new {
            self.live.resize_at(at, old, new);
        }
        let field = &mut self.live.buffer.as_mut_slice()[at + 1..at + new];
        let len = write_varint(field, name.len() as u64);
        field[len..].copy_from_slice(name.as_bytes());
        self.name = (at, name.len());
    }

    /// Sets the status: once Ok it stays, Unset is ignored (conformance SPAN-14), and the description is kept with an
    /// error only, of which the latest counts (SPAN-15).
    pub fn set_status(&mut self, code: StatusCode, description: &str) {
        if !self.live.recording || self.status == StatusCode::Ok || code == StatusCode::Unset {
            return;
        }
        self.status = code;
        self.description.clear();
        if code == StatusCode::Error {
            self.description.push_str(description);
        }
    }

    /// Counts attributes, events and links that were discarded before they reached the writer.
    pub fn add_dropped(&mut self, attributes: u32, events: u32, links: u32) {
        if self.live.recording {
            self.live.dropped = self.live.dropped.saturating_add(attributes);
            self.dropped_events = self.dropped_events.saturating_add(events);
            self.dropped_links = self.dropped_links.saturating_add(links);
        }
    }

    /// Ends the span and returns the record: the field of `ScopeSpans.spans`, tag and length included. Empty if no
    /// span was begun since the last time. The bytes are there until the next [`start`](Self::start).
    pub fn finish(&mut self, end_unix_nano: u64) -> &[u8] {
        if !self.live.recording {
            return &[];
        }
        self.live.end();
        let dropped = self.live.dropped | self.dropped_events | self.dropped_links;
        if dropped != 0 || self.status != StatusCode::Unset {
            self.put_rest();
        }
        complete(&mut self.live.buffer, end_unix_nano)
    }

    /// What most spans do not have.
    #[inline(never)]
    fn put_rest(&mut self) {
        let Self { dropped_events, dropped_links, status, .. } = *self;
        let dropped_attributes = self.live.dropped;
        self.limited |= (dropped_attributes | dropped_events | dropped_links) != 0;
        let description = &self.description;
        self.live.buffer.append(|bytes| {
            put_uint(bytes, DROPPED_ATTRIBUTES_TAG, dropped_attributes.into());
            put_uint(bytes, DROPPED_EVENTS_TAG, dropped_events.into());
            put_uint(bytes, DROPPED_LINKS_TAG, dropped_links.into());
            if status != StatusCode::Unset {
                let message = open(bytes, STATUS_TAG, 1);
                put_str(bytes, 0x12, description);
                put_uint(bytes, 0x18, status as u64);
                close(bytes, message);
            }
        });
    }

    /// Whether a span is begun and not finished.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.live.recording
    }

    /// The span's name; empty before the first span.
    #[must_use]
    pub fn name(&self) -> &str {
        let (at, len) = self.name;
        let start = at + 1 + varint_len(len as u64);
        self.live
            .buffer
            .as_slice()
            .get(start..start + len)
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or("")
    }

    /// The bytes written of the current span, or of the last one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live.buffer.len().saturating_sub(PREFIX)
    }

    /// Whether the writer never held a span.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live.buffer.len() == 0
    }

    /// Whether limits, or a missing key, cost the span last finished an attribute, event or link: what a diagnostic, at most
    /// one per span (conformance LIM-11), is to say.
    #[must_use]
    #[inline]
    pub fn has_dropped(&self) -> bool {
        self.limited
    }

    /// The bytes the writer's buffer can hold without growing.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.live.buffer.capacity()
    }

    /// Gives memory back after an unusually large span: a buffer above `max` bytes shrinks to that. Forgets the span
    /// last finished; does nothing while one is being recorded.
    pub fn shrink_to(&mut self, max: usize) {
        if self.live.recording {
            return;
        }
        self.live.shrink_to(max);
        self.name = (0, 0);
        self.description.clear();
        self.description.shrink_to(max);
        self.inner.shrink_to(max / 6);
    }
}
