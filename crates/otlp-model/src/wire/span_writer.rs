//! The hot path: a live span that is its own wire form.
//!
//! Used by the facade's `Span`, which owns one recycled [`SpanWriter`] while it records, and by typed export. Writes no
//! field twice and reads no clock. Field order on the wire is free; here the fields of fixed size come first, in one
//! block, with the end time left open until it is known.

use super::buffer::{copy_short, open, put_bytes, put_fixed64, put_str, put_uint, varint_len, write_varint};
use super::index::Index;
use super::live::{Live, PREFIX};
use super::room::Buffer;
use super::short::{SHORT_TEXT, ShortKey, ShortValue, put};
use super::span_head::{Head, complete, id_field, link_flags};
use super::value::put_key_value;
use crate::key::hash;
use crate::{KeyRef, Limits, SpanContext, SpanId, SpanKind, StatusCode, ToKey, ToValue, ValueRef};

mod draft;

const ATTRIBUTE_TAG: u8 = 0x4a;
const DROPPED_ATTRIBUTES_TAG: u8 = 0x50;
const EVENT_TAG: u8 = 0x5a;
const DROPPED_EVENTS_TAG: u8 = 0x60;
const LINK_TAG: u8 = 0x6a;
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

    /// Adds an event; beyond [`Limits::events`] it is discarded and counted. Its time is nanoseconds since the Unix
    /// epoch and may lie outside the span (conformance SPAN-16). An event without attributes:
    /// `writer.add_event("name", time, [("", ""); 0])`.
    pub fn add_event<K, V>(
        &mut self,
        name: &str,
        time_unix_nano: u64,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) where
        K: ToKey,
        V: ToValue,
    {
        self.put_event(name, time_unix_nano, attributes, 0);
    }

    /// As [`add_event`](Self::add_event), of an event that has lost `dropped` attributes before.
    pub fn put_event<K: ToKey, V: ToValue>(
        &mut self,
        name: &str,
        time_unix_nano: u64,
        attributes: impl IntoIterator<Item = (K, V)>,
        dropped: u32,
    ) {
        if !self.live.recording {
            return;
        }
        if self.events >= self.limits.events {
            self.dropped_events = self.dropped_events.saturating_add(1);
            return;
        }
        self.events += 1;
        let body = open_event(&mut self.live.buffer, name, time_unix_nano);
        let max = self.limits.attributes_per_event;
        let dropped = dropped.saturating_add(self.put_inner::<0x1a, _, _>(max, attributes));
        if dropped > 0 {
            self.live.buffer.append(|bytes| put_uint(bytes, 0x20, dropped.into()));
        }
        close(&mut self.live.buffer, body);
    }

    /// Adds a link; beyond [`Limits::links`] it is discarded and counted. A link whose context is invalid is kept if
    /// it has attributes or a trace state (conformance SPAN-18); otherwise it says nothing and is left out.
    pub fn add_link<K, V>(&mut self, context: &SpanContext, attributes: impl IntoIterator<Item = (K, V)>)
    where
        K: ToKey,
        V: ToValue,
    {
        self.put_link(context, attributes, 0);
    }

    /// As [`add_link`](Self::add_link), of a link that has lost `dropped` attributes before.
    pub fn put_link<K: ToKey, V: ToValue>(
        &mut self,
        context: &SpanContext,
        attributes: impl IntoIterator<Item = (K, V)>,
        dropped: u32,
    ) {
        if !self.live.recording {
            return;
        }
        let mut attributes = attributes.into_iter().peekable();
        if !is_link_kept(context, attributes.peek().is_some() || dropped > 0) {
            return;
        }
        if self.links >= self.limits.links {
            self.dropped_links = self.dropped_links.saturating_add(1);
            return;
        }
        self.links += 1;
        let body = self.live.buffer.append(|bytes| {
            bytes.extend_from_slice(&[LINK_TAG, 0]);
            let body = bytes.len();
            if context.trace_id().is_valid() {
                put_bytes(bytes, 0x0a, context.trace_id().as_bytes());
            }
            if context.span_id().is_valid() {
                bytes.extend_from_slice(&id_field(0x12, context.span_id()));
            }
            put_str(bytes, 0x1a, context.trace_state().as_str());
            body
        });
        let max = self.limits.attributes_per_link;
        let dropped = dropped.saturating_add(self.put_inner::<0x22, _, _>(max, attributes));
        self.live.buffer.append(|bytes| {
            put_uint(bytes, 0x28, dropped.into());
            bytes.push(0x35);
            bytes.extend_from_slice(&link_flags(context).to_le_bytes());
        });
        close(&mut self.live.buffer, body);
    }

    /// The attributes of an event or link; returns how many were discarded.
    #[inline]
    fn put_inner<const TAG: u8, K: ToKey, V: ToValue>(
        &mut self,
        max: usize,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) -> u32 {
        self.inner.begin(max);
        let mut discarded = 0u32;
        // By its own means: an iterator made of several would be asked for each which of them it is at.
        attributes.into_iter().for_each(|(key, value)| {
            let value = value.to_value();
            let is_kept = match key.to_key() {
                KeyRef::Text(key) => self.put_inner_one::<TAG>(key, hash(key.as_bytes()), value),
                KeyRef::Key(key) => self.put_inner_one::<TAG>(key, key.hash(), value),
            };
            discarded = discarded.saturating_add(u32::from(!is_kept));
        });
        self.inner.end();
        self.limited |= discarded > 0;
        discarded
    }

    #[inline(always)]
    fn put_inner_one<const TAG: u8>(&mut self, key: impl ShortKey, hash: u32, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::String(text) => self.put_inner_plain::<TAG>(key, hash, text),
            ValueRef::Int(value) => self.put_inner_plain::<TAG>(key, hash, value),
            ValueRef::Double(value) => self.put_inner_plain::<TAG>(key, hash, value),
            ValueRef::Bool(value) => self.put_inner_plain::<TAG>(key, hash, value),
            value => self.put_inner_any::<TAG>(key.text(), hash, value),
        }
    }

    #[inline(never)]
    fn put_inner_plain<const TAG: u8>(
        &mut self,
        key: impl ShortKey,
        hash: u32,
        value: impl ShortValue,
    ) -> bool {
        let (buffer, index) = (&mut self.live.buffer, &mut self.inner);
        (value.is_allowed(self.live.value_limits)
            && put(buffer, TAG, key, value, |buffer| index.note_new(hash, buffer.len())))
            || self.put_inner_any::<TAG>(key.text(), hash, value.to_value())
    }

    #[inline(never)]
    fn put_inner_any<const TAG: u8>(&mut self, key: &str, hash: u32, value: ValueRef<'_>) -> bool {
        let limits = self.live.value_limits;
        self.inner
            .set(&mut self.live.buffer, key, hash, |bytes| put_key_value(bytes, TAG, key, value, limits))
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
                super::buffer::close(bytes, message);
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

/// Whether a link says anything: an invalid context without attributes, kept or dropped, does not (conformance SPAN-18).
pub(crate) fn is_link_kept(context: &SpanContext, had_attributes: bool) -> bool {
    context.is_valid() || had_attributes || !context.trace_state().is_empty()
}

/// Begins an event with its time and name; where its body starts, behind one byte for its length.
#[inline]
fn open_event(buffer: &mut Buffer, name: &str, time_unix_nano: u64) -> usize {
    const ROOM: usize = 2 + 9 + 2 + SHORT_TEXT;
    let body = buffer.len() + 2;
    if name.len().wrapping_sub(1) < SHORT_TEXT
        && let Some(room) = buffer.room::<ROOM>()
    {
        room[..3].copy_from_slice(&[EVENT_TAG, 0, 0x09]);
        room[3..11].copy_from_slice(&time_unix_nano.to_le_bytes());
        room[11..13].copy_from_slice(&[0x12, name.len() as u8]);
        copy_short(room, 13, name.as_bytes());
        buffer.advance(13 + name.len());
    } else {
        buffer.append(|bytes| {
            bytes.extend_from_slice(&[EVENT_TAG, 0]);
            put_fixed64(bytes, 0x09, time_unix_nano);
            put_str(bytes, 0x12, name);
        });
    }
    body
}

/// Ends a message whose body starts at `body`, behind one byte for its length.
#[inline]
fn close(buffer: &mut Buffer, body: usize) {
    let len = buffer.len() - body;
    if len < 0x80 {
        buffer.as_mut_slice()[body - 1] = len as u8;
        return;
    }
    buffer.resize_at(body - 1, 1, varint_len(len as u64));
    write_varint(&mut buffer.as_mut_slice()[body - 1..], len as u64);
}
