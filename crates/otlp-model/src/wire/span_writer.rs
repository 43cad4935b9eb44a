//! The hot path: a live span that is its own wire form.
//!
//! Used by the facade's `Span`, which owns one recycled [`SpanWriter`] while it records, and by typed export. Writes no
//! field twice and reads no clock. Field order on the wire is free; here the fields of fixed size come first, in one
//! block, with the end time left open until it is known.

use super::buffer::{
    FIELD_2, Open, SHORT, close, copy_short, open, put_bytes, put_fixed64, put_str, put_uint, resize_at,
    take_room, varint_len, write_varint,
};
use super::index::Index;
use super::value::{Scalar, ValueLimits, put_key_value, put_scalar_entry, put_text_entry};
use crate::{Limits, SpanContext, SpanId, SpanKind, StatusCode, ToValue, ValueRef};

/// Room in front of the body for the record's tag and length, filled from the right when the length is known.
const PREFIX: usize = 11;
const TRACE_ID: usize = PREFIX;
const SPAN_ID: usize = TRACE_ID + 2 + 16;
const KIND: usize = SPAN_ID + 2 + 8;
const START: usize = KIND + 2;
const END: usize = START + 1 + 8;
const FLAGS: usize = END + 1 + 8;
const HEAD: usize = FLAGS + 2 + 4;
/// What is reserved at least when the buffer has to grow for a span or an event.
const FIRST: usize = 512;

const TRACE_STATE_TAG: u8 = 0x1a;
const PARENT_TAG: u8 = 0x22;
const NAME_TAG: u8 = 0x2a;
const ATTRIBUTE_TAG: u8 = 0x4a;
const DROPPED_ATTRIBUTES_TAG: u8 = 0x50;
const EVENT_TAG: u8 = 0x5a;
const DROPPED_EVENTS_TAG: u8 = 0x60;
const LINK_TAG: u8 = 0x6a;
const DROPPED_LINKS_TAG: u8 = 0x70;
const STATUS_TAG: u8 = 0x7a;

/// Bit 8 of a flags word: whether the context is remote is known (conformance MODEL-04).
const REMOTE_KNOWN: u32 = 0x100;
/// Bit 9 of a flags word: the context is remote.
pub(crate) const REMOTE: u32 = 0x200;

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
    buf: Vec<u8>,
    recording: bool,
    limits: Limits,
    value_limits: ValueLimits,
    /// Where the name's field starts, and the name's length.
    name: (usize, usize),
    attributes: Index,
    /// The attributes of the event or link being written.
    inner: Index,
    events: usize,
    links: usize,
    dropped_attributes: u32,
    dropped_events: u32,
    dropped_links: u32,
    /// Whether an event or link lost an attribute.
    dropped_inner: bool,
    status: StatusCode,
    description: String,
}

impl Default for SpanWriter {
    fn default() -> Self {
        Self {
            buf: Vec::new(),
            recording: false,
            limits: Limits::UNLIMITED,
            value_limits: ValueLimits::UNLIMITED,
            name: (0, 0),
            attributes: Index::default(),
            inner: Index::default(),
            events: 0,
            links: 0,
            dropped_attributes: 0,
            dropped_events: 0,
            dropped_links: 0,
            dropped_inner: false,
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
        let flags = span_flags(context, parent_span_id, parent_is_remote);
        let mut head = [0; HEAD];
        head[TRACE_ID..TRACE_ID + 2].copy_from_slice(&[0x0a, 16]);
        head[TRACE_ID + 2..SPAN_ID].copy_from_slice(context.trace_id().as_bytes());
        head[SPAN_ID..SPAN_ID + 2].copy_from_slice(&[0x12, 8]);
        head[SPAN_ID + 2..KIND].copy_from_slice(context.span_id().as_bytes());
        head[KIND..START].copy_from_slice(&[0x30, kind as u8]);
        head[START] = 0x39;
        head[START + 1..END].copy_from_slice(&start_unix_nano.to_le_bytes());
        head[END] = 0x41;
        head[FLAGS..FLAGS + 2].copy_from_slice(&[0x85, 0x01]);
        head[FLAGS + 2..].copy_from_slice(&flags.to_le_bytes());

        self.limits = *limits;
        self.value_limits = ValueLimits::of(limits);
        self.attributes.clear();
        (self.events, self.links) = (0, 0);
        (self.dropped_attributes, self.dropped_events, self.dropped_links) = (0, 0, 0);
        self.dropped_inner = false;
        self.status = StatusCode::Unset;
        self.description.clear();
        self.recording = true;

        let state = context.trace_state().as_str();
        self.name = put_start(&mut self.buf, &head, parent_span_id, state, name);
    }

    /// Sets an attribute; the last value of a key wins and keeps the place of the first. Without a key, or beyond
    /// [`Limits::attribute_count`], it is discarded and counted.
    #[inline(always)]
    pub fn set_attribute(&mut self, key: &str, value: ValueRef<'_>) {
        // Callers mostly know the kind of value, so that after inlining one call of the right kind is left.
        match value {
            ValueRef::String(text) => self.set_text(key, text),
            ValueRef::Int(value) => self.set_int(key, value),
            ValueRef::Double(value) => self.set_scalar(key, Scalar::double(value)),
            ValueRef::Bool(value) => self.set_scalar(key, Scalar::bool(value)),
            value => self.set_value(key, value),
        }
    }

    fn set_text(&mut self, key: &str, text: &str) {
        let limits = self.value_limits;
        self.set(key, |buf| put_text_entry(buf, ATTRIBUTE_TAG, key, text, limits));
    }

    fn set_int(&mut self, key: &str, value: i64) {
        self.set(key, |buf| put_scalar_entry(buf, ATTRIBUTE_TAG, key, Scalar::int(value)));
    }

    fn set_scalar(&mut self, key: &str, scalar: Scalar) {
        self.set(key, |buf| put_scalar_entry(buf, ATTRIBUTE_TAG, key, scalar));
    }

    fn set_value(&mut self, key: &str, value: ValueRef<'_>) {
        let limits = self.value_limits;
        self.set(key, |buf| put_key_value(buf, ATTRIBUTE_TAG, key, value, limits));
    }

    #[inline]
    fn set(&mut self, key: &str, put: impl FnOnce(&mut Vec<u8>)) {
        if self.recording && !self.attributes.set(&mut self.buf, self.limits.attribute_count, key, put) {
            self.dropped_attributes = self.dropped_attributes.saturating_add(1);
        }
    }

    /// Replaces the name.
    pub fn set_name(&mut self, name: &str) {
        if !self.recording {
            return;
        }
        let (at, old) = self.name;
        let width = |len: usize| 1 + varint_len(len as u64) + len;
        let (old, new) = (width(old), width(name.len()));
        if old != new {
            resize_at(&mut self.buf, at, old, new);
            self.attributes.shift(at, old, new);
        }
        let field = &mut self.buf[at + 1..at + new];
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
        K: AsRef<str>,
        V: ToValue,
    {
        self.put_event(name, time_unix_nano, attributes, 0);
    }

    pub(super) fn put_event<K: AsRef<str>, V: ToValue>(
        &mut self,
        name: &str,
        time_unix_nano: u64,
        attributes: impl IntoIterator<Item = (K, V)>,
        dropped: u32,
    ) {
        if !self.recording {
            return;
        }
        if self.events >= self.limits.events {
            self.dropped_events = self.dropped_events.saturating_add(1);
            return;
        }
        self.events += 1;
        let event = open_event(&mut self.buf, name, time_unix_nano);
        let max = self.limits.attributes_per_event;
        let dropped = dropped.saturating_add(self.put_inner(0x1a, max, attributes));
        put_uint(&mut self.buf, 0x20, dropped.into());
        close(&mut self.buf, event);
    }

    /// Adds a link; beyond [`Limits::links`] it is discarded and counted. A link whose context is invalid is kept if
    /// it has attributes or a trace state (conformance SPAN-18); otherwise it says nothing and is left out.
    pub fn add_link<K, V>(&mut self, context: &SpanContext, attributes: impl IntoIterator<Item = (K, V)>)
    where
        K: AsRef<str>,
        V: ToValue,
    {
        self.put_link(context, attributes, 0);
    }

    pub(super) fn put_link<K: AsRef<str>, V: ToValue>(
        &mut self,
        context: &SpanContext,
        attributes: impl IntoIterator<Item = (K, V)>,
        dropped: u32,
    ) {
        if !self.recording {
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
        let link = open(&mut self.buf, LINK_TAG, 1);
        if context.trace_id().is_valid() {
            put_bytes(&mut self.buf, 0x0a, context.trace_id().as_bytes());
        }
        if context.span_id().is_valid() {
            put_id(&mut self.buf, 0x12, context.span_id());
        }
        put_str(&mut self.buf, 0x1a, context.trace_state().as_str());
        let max = self.limits.attributes_per_link;
        let dropped = dropped.saturating_add(self.put_inner(0x22, max, attributes));
        put_uint(&mut self.buf, 0x28, dropped.into());
        let mut word = [0x35; 5];
        word[1..].copy_from_slice(&link_flags(context).to_le_bytes());
        self.buf.extend_from_slice(&word);
        close(&mut self.buf, link);
    }

    /// The attributes of an event or link; returns how many were discarded.
    fn put_inner<K: AsRef<str>, V: ToValue>(
        &mut self,
        tag: u8,
        max: usize,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) -> u32 {
        self.inner.clear();
        let mut discarded = 0u32;
        for (key, value) in attributes {
            if !self.put_inner_one(tag, max, key.as_ref(), value.to_value()) {
                discarded = discarded.saturating_add(1);
            }
        }
        self.dropped_inner |= discarded > 0;
        discarded
    }

    fn put_inner_one(&mut self, tag: u8, max: usize, key: &str, value: ValueRef<'_>) -> bool {
        let limits = self.value_limits;
        self.inner.set(&mut self.buf, max, key, |buf| put_key_value(buf, tag, key, value, limits))
    }

    /// Sets the status: once Ok it stays, Unset is ignored (conformance SPAN-14), and the description is kept with an
    /// error only, of which the latest counts (SPAN-15).
    pub fn set_status(&mut self, code: StatusCode, description: &str) {
        if !self.recording || self.status == StatusCode::Ok || code == StatusCode::Unset {
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
        if self.recording {
            self.dropped_attributes = self.dropped_attributes.saturating_add(attributes);
            self.dropped_events = self.dropped_events.saturating_add(events);
            self.dropped_links = self.dropped_links.saturating_add(links);
        }
    }

    /// Ends the span and returns the record: the field of `ScopeSpans.spans`, tag and length included. Empty if no
    /// span was begun since the last time. The bytes are there until the next [`start`](Self::start).
    pub fn finish(&mut self, end_unix_nano: u64) -> &[u8] {
        if !self.recording {
            return &[];
        }
        self.recording = false;
        let buf = &mut self.buf;
        if (self.dropped_attributes | self.dropped_events | self.dropped_links) != 0 {
            put_uint(buf, DROPPED_ATTRIBUTES_TAG, self.dropped_attributes.into());
            put_uint(buf, DROPPED_EVENTS_TAG, self.dropped_events.into());
            put_uint(buf, DROPPED_LINKS_TAG, self.dropped_links.into());
        }
        if self.status != StatusCode::Unset {
            let status = open(buf, STATUS_TAG, 1);
            put_str(buf, 0x12, &self.description);
            put_uint(buf, 0x18, self.status as u64);
            close(buf, status);
        }
        buf[END + 1..FLAGS].copy_from_slice(&end_unix_nano.to_le_bytes());

        let len = (buf.len() - PREFIX) as u64;
        let at = PREFIX - 1 - varint_len(len);
        buf[at] = FIELD_2;
        write_varint(&mut buf[at + 1..PREFIX], len);
        &buf[at..]
    }

    /// Whether a span is begun and not finished.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.recording
    }

    /// The span's name; empty before the first span.
    #[must_use]
    pub fn name(&self) -> &str {
        let (at, len) = self.name;
        let start = at + 1 + varint_len(len as u64);
        self.buf.get(start..start + len).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or("")
    }

    /// The bytes written of the current span, or of the last one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buf.len().saturating_sub(PREFIX)
    }

    /// Whether the writer never held a span.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// Whether limits, or a missing key, cost the span an attribute, event or link: what a diagnostic, at most one
    /// per span (conformance LIM-11), is to say.
    #[must_use]
    pub fn has_dropped(&self) -> bool {
        self.dropped_inner || (self.dropped_attributes | self.dropped_events | self.dropped_links) != 0
    }

    /// The bytes the writer's buffer can hold without growing.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buf.capacity()
    }

    /// Gives memory back after an unusually large span: a buffer above `max` bytes shrinks to that. Forgets the span
    /// last finished; does nothing while one is being recorded.
    pub fn shrink_to(&mut self, max: usize) {
        if self.recording {
            return;
        }
        self.buf.clear();
        self.name = (0, 0);
        self.buf.shrink_to(max);
        self.description.clear();
        self.description.shrink_to(max);
        // An attribute takes at least 6 bytes.
        self.attributes.clear();
        self.attributes.shrink_to(max / 6);
        self.inner.clear();
        self.inner.shrink_to(max / 6);
    }
}

/// A span's flags word, which says where its parent is (conformance MODEL-04).
pub(crate) fn span_flags(context: &SpanContext, parent_span_id: SpanId, parent_is_remote: bool) -> u32 {
    flags(context, parent_span_id.is_valid() && parent_is_remote)
}

/// A link's flags word, which says where the linked span is (conformance MODEL-05).
pub(crate) fn link_flags(context: &SpanContext) -> u32 {
    flags(context, context.is_remote())
}

fn flags(context: &SpanContext, is_remote: bool) -> u32 {
    u32::from(context.flags().bits()) | REMOTE_KNOWN | if is_remote { REMOTE } else { 0 }
}

/// Whether a link says anything: an invalid context without attributes, kept or dropped, does not (conformance SPAN-18).
pub(crate) fn is_link_kept(context: &SpanContext, had_attributes: bool) -> bool {
    context.is_valid() || had_attributes || !context.trace_state().is_empty()
}

/// Writes what a span begins with; where the name's field starts, and the name's length.
#[inline]
fn put_start(
    buf: &mut Vec<u8>,
    head: &[u8; HEAD],
    parent: SpanId,
    state: &str,
    name: &str,
) -> (usize, usize) {
    const ROOM: usize = HEAD + 10 + 2 + SHORT;
    buf.clear();
    if name.len() <= SHORT
        && !name.is_empty()
        && state.is_empty()
        && let Some(room) = take_room::<ROOM>(buf)
    {
        room[..HEAD].copy_from_slice(head);
        let mut at = HEAD;
        if parent.is_valid() {
            room[at..at + 10].copy_from_slice(&id_field(PARENT_TAG, parent));
            at += 10;
        }
        room[at..at + 2].copy_from_slice(&[NAME_TAG, name.len() as u8]);
        copy_short(room, at + 2, name.as_bytes());
        buf.truncate(at + 2 + name.len());
        return (at, name.len());
    }
    buf.reserve(FIRST);
    buf.extend_from_slice(head);
    if parent.is_valid() {
        buf.extend_from_slice(&id_field(PARENT_TAG, parent));
    }
    put_str(buf, TRACE_STATE_TAG, state);
    let at = buf.len();
    put_bytes(buf, NAME_TAG, name.as_bytes());
    (at, name.len())
}

/// Begins an event with its time and name.
fn open_event(buf: &mut Vec<u8>, name: &str, time_unix_nano: u64) -> Open {
    const ROOM: usize = 2 + 9 + 2 + SHORT;
    let start = buf.len();
    if name.len() <= SHORT
        && !name.is_empty()
        && let Some(room) = take_room::<ROOM>(buf)
    {
        room[..3].copy_from_slice(&[EVENT_TAG, 0, 0x09]);
        room[3..11].copy_from_slice(&time_unix_nano.to_le_bytes());
        room[11..13].copy_from_slice(&[0x12, name.len() as u8]);
        copy_short(room, 13, name.as_bytes());
        buf.truncate(start + 13 + name.len());
        return Open::after_tag(start);
    }
    buf.reserve(name.len() + FIRST);
    let event = open(buf, EVENT_TAG, 1);
    put_fixed64(buf, 0x09, time_unix_nano);
    put_str(buf, 0x12, name);
    event
}

fn id_field(tag: u8, id: SpanId) -> [u8; 10] {
    let mut field = [8; 10];
    field[0] = tag;
    field[2..].copy_from_slice(id.as_bytes());
    field
}

fn put_id(buf: &mut Vec<u8>, tag: u8, id: SpanId) {
    buf.extend_from_slice(&id_field(tag, id));
}
