//! The hot path of logs: a record that is its own wire form while it is made.
//!
//! Used by the facade's logger, and by typed export. Reads no clock and knows no current context: what they say is given
//! to it at the end, and written there in one block.

use super::buffer::{put_str, put_uint, read_varint};
use super::live::{Live, PREFIX, seal};
use super::value::{ValueLimits, put_text_value, put_value};
use crate::{Limits, LogRecord, Severity, SpanContext, ToKey, ValueRef};
use std::fmt;

const SEVERITY_TEXT_TAG: u8 = 0x1a;
const BODY_TAG: u8 = 0x2a;
const ATTRIBUTE_TAG: u8 = 0x32;
const DROPPED_ATTRIBUTES_TAG: u8 = 0x38;
const EVENT_NAME_TAG: u8 = 0x62;

/// Texts of up to so many bytes have lengths of one byte, also as a body.
const SHORT_BODY: usize = 125;

/// Both times, the severity, the flags and both ids.
const TAIL: usize = 9 + 9 + 2 + 5 + 18 + 10;

/// Writes one log record after the other into one buffer, appending OTLP protobuf as the record is made.
///
/// A writer that is used again allocates nothing once its buffer has grown to the size of its records. Limits apply to
/// attributes as they are set, never to the body (conformance LIM-13), and what they discard is counted in the record.
/// Before [`start`](Self::start) and after [`finish`](Self::finish) every call that would change the record does nothing.
///
/// ```
/// use otlp_model::{Limits, LogWriter, Severity, SpanContext, ValueRef};
/// let mut writer = LogWriter::new();
/// writer.start(&Limits::default());
/// writer.set_body(ValueRef::String("disk is almost full"));
/// writer.set_attribute("disk.free_bytes", ValueRef::Int(4_096));
/// let record = writer.finish(Severity::Warn, 0, 1_000, &SpanContext::default()); // tag, length and record, to be queued
/// assert_eq!(record[0], 0x12);
/// ```
#[derive(Debug, Default)]
pub struct LogWriter {
    live: Live<ATTRIBUTE_TAG>,
    /// Which of the fields that may stand there once only have been written.
    written: Written,
}

#[derive(Debug, Clone, Copy, Default)]
struct Written {
    body: bool,
    severity_text: bool,
    event_name: bool,
}

impl LogWriter {
    /// A writer without a buffer: nothing is allocated before the first record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a record, forgetting whatever the writer held before.
    #[inline]
    pub fn start(&mut self, limits: &Limits) {
        self.live.begin(limits);
        self.written = Written::default();
        let buffer = &mut self.live.buffer;
        buffer.clear();
        if buffer.room::<PREFIX>().is_some() {
            buffer.advance(PREFIX);
        } else {
            buffer.append(|bytes| bytes.extend_from_slice(&[0; PREFIX]));
        }
    }

    /// Sets an attribute; the last value of a key wins and keeps the place of the first. Without a key, or beyond
    /// [`Limits::attribute_count`], it is discarded and counted. The key is text or a reference to a [`Key`](crate::Key).
    #[inline(always)]
    pub fn set_attribute(&mut self, key: impl ToKey, value: ValueRef<'_>) {
        self.live.set_attribute(key, value);
    }

    /// Sets an attribute to what is displayed, straight into the record. A `Display` that panics leaves the record as it was.
    ///
    /// ```
    /// # use otlp_model::{Limits, LogWriter};
    /// # let mut writer = LogWriter::new();
    /// # writer.start(&Limits::default());
    /// writer.set_attribute_text("client.address", format_args!("{}", std::net::Ipv4Addr::LOCALHOST));
    /// ```
    pub fn set_attribute_text(&mut self, key: &str, text: fmt::Arguments<'_>) {
        self.live.set_attribute_text(key, text);
    }

    /// Whether an attribute with this key has been set.
    #[must_use]
    pub fn has_attribute(&self, key: &str) -> bool {
        self.live.has_attribute(key)
    }

    /// Sets the body, whole and as it is (conformance LOG-06); the last one wins.
    #[inline]
    pub fn set_body(&mut self, body: ValueRef<'_>) {
        if !self.live.recording {
            return;
        }
        let at = self.live.buffer.len();
        if let ValueRef::String(text) = body
            && text.len() <= SHORT_BODY
            && let Some(room) = self.live.buffer.room_of(4 + text.len())
        {
            let len = text.len() as u8;
            room[..4].copy_from_slice(&[BODY_TAG, 2 + len, 0x0a, len]);
            room[4..].copy_from_slice(text.as_bytes());
            self.live.buffer.advance(4 + text.len());
        } else {
            self.live.buffer.append(|bytes| put_value(bytes, BODY_TAG, body, ValueLimits::UNLIMITED));
        }
        let again = std::mem::replace(&mut self.written.body, true);
        self.wrote(BODY_TAG, at, again);
    }

    /// Sets the body to what is displayed, straight into the record. A `Display` that panics leaves the record as it was.
    ///
    /// ```
    /// # use otlp_model::{Limits, LogWriter};
    /// # let mut writer = LogWriter::new();
    /// # writer.start(&Limits::default());
    /// writer.set_body_text(format_args!("{} of {} done", 3, 4));
    /// ```
    pub fn set_body_text(&mut self, text: fmt::Arguments<'_>) {
        if let Some(text) = text.as_str() {
            return self.set_body(ValueRef::String(text));
        }
        if self.live.recording {
            let at = self.live.buffer.len();
            self.live.buffer.append(|bytes| put_text_value(bytes, BODY_TAG, text, ValueLimits::UNLIMITED));
            let again = std::mem::replace(&mut self.written.body, true);
            self.wrote(BODY_TAG, at, again);
        }
    }

    /// Sets the source's own name of the level (conformance LOG-05); the last one wins.
    pub fn set_severity_text(&mut self, text: &str) {
        let again = std::mem::replace(&mut self.written.severity_text, true);
        self.set_text(SEVERITY_TEXT_TAG, text, again);
    }

    /// Sets the name that makes the record an event; the last one wins.
    pub fn set_event_name(&mut self, name: &str) {
        let again = std::mem::replace(&mut self.written.event_name, true);
        self.set_text(EVENT_NAME_TAG, name, again);
    }

    fn set_text(&mut self, tag: u8, text: &str, again: bool) {
        if !self.live.recording {
            return;
        }
        let at = self.live.buffer.len();
        if (1..=SHORT_BODY).contains(&text.len())
            && let Some(room) = self.live.buffer.room_of(2 + text.len())
        {
            room[..2].copy_from_slice(&[tag, text.len() as u8]);
            room[2..].copy_from_slice(text.as_bytes());
            self.live.buffer.advance(2 + text.len());
        } else {
            self.live.buffer.append(|bytes| put_str(bytes, tag, text));
        }
        self.wrote(tag, at, again);
    }

    /// A field was written from `at` to the end. One that was there before goes.
    #[inline]
    fn wrote(&mut self, tag: u8, at: usize, again: bool) {
        if again {
            self.remove(tag, at);
        }
    }

    /// Takes the field with this tag out of what was written before `end`. So far all fields have a length.
    #[cold]
    fn remove(&mut self, tag: u8, end: usize) {
        let mut at = PREFIX;
        while let Some(field) = self.live.buffer.as_slice().get(at..end)
            && let Some((&found, rest)) = field.split_first()
            && let Some((body, rest)) = read_varint(rest)
        {
            let len = field.len() - rest.len() + body as usize;
            if found == tag {
                return self.live.resize_at(at, len, 0);
            }
            at += len;
        }
    }

    /// Counts attributes that were discarded before they reached the writer.
    pub fn add_dropped(&mut self, attributes: u32) {
        if self.live.recording {
            self.live.dropped = self.live.dropped.saturating_add(attributes);
        }
    }

    /// Ends the record and returns it: the field of `ScopeLogs.log_records`, tag and length included. Empty if none was
    /// begun since the last time. The bytes are there until the next [`start`](Self::start).
    ///
    /// Times are nanoseconds since the Unix epoch; zero is not written. Of the context the ids and flags are, if its trace id
    /// is valid: a span without its trace means nothing (conformance LOG-16).
    pub fn finish(
        &mut self,
        severity: Severity,
        time_unix_nano: u64,
        observed_time_unix_nano: u64,
        context: &SpanContext,
    ) -> &[u8] {
        if !self.live.recording {
            return &[];
        }
        self.live.end();
        let dropped = self.live.dropped;
        let buffer = &mut self.live.buffer;
        if dropped != 0 {
            buffer.append(|bytes| put_uint(bytes, DROPPED_ATTRIBUTES_TAG, dropped.into()));
        }
        let mut tail = Tail { bytes: [0; TAIL], len: 0 };
        tail.put_time(0x09, time_unix_nano);
        tail.put_time(0x59, observed_time_unix_nano);
        if severity != Severity::Unspecified {
            tail.put([0x10, severity.number()]);
        }
        if context.trace_id().is_valid() {
            // Bits 0 to 7 only: a log knows nothing about remote parents (MODEL-07).
            tail.put([0x45, context.flags().bits(), 0, 0, 0]);
            tail.put([0x4a, 16]);
            tail.put(*context.trace_id().as_bytes());
            if context.span_id().is_valid() {
                tail.put([0x52, 8]);
                tail.put(*context.span_id().as_bytes());
            }
        }
        if let Some(room) = buffer.room::<TAIL>() {
            *room = tail.bytes;
            buffer.advance(tail.len);
        } else {
            buffer.append(|bytes| bytes.extend_from_slice(&tail.bytes[..tail.len]));
        }
        seal(buffer.as_mut_slice())
    }

    /// Writes a whole record and returns it, as [`finish`](Self::finish) does. Many records need no new buffer each: keep
    /// the writer.
    ///
    /// ```
    /// # use otlp_model::{Limits, LogRecord, LogWriter, Severity};
    /// let mut writer = LogWriter::new();
    /// for body in ["a", "b"] {
    ///     assert_eq!(writer.encode(&LogRecord::new(1_000, Severity::Info, body), &Limits::default())[0], 0x12);
    /// }
    /// ```
    pub fn encode(&mut self, log: &LogRecord, limits: &Limits) -> &[u8] {
        self.put(log, limits);
        let context = SpanContext::new(log.trace_id, log.span_id, log.flags);
        self.finish(log.severity, log.time_unix_nano, log.observed_time_unix_nano, &context)
    }

    /// Begins a record with all of `log` but what [`finish`](Self::finish) takes.
    ///
    /// ```
    /// # use otlp_model::{Limits, LogRecord, LogWriter, Severity, SpanContext};
    /// let log = LogRecord::new(1_000, Severity::Info, "started");
    /// let mut writer = LogWriter::new();
    /// writer.put(&log, &Limits::default());
    /// writer.set_attribute("process.pid", 7.into());
    /// let record = writer.finish(log.severity, 0, 1_000, &SpanContext::default());
    /// ```
    pub fn put(&mut self, log: &LogRecord, limits: &Limits) {
        self.start(limits);
        if let Some(body) = &log.body {
            self.set_body(body.into());
        }
        self.set_severity_text(&log.severity_text);
        self.set_event_name(&log.event_name);
        for attribute in &log.attributes {
            self.set_attribute(&attribute.key, (&attribute.value).into());
        }
        self.add_dropped(log.dropped_attributes_count);
    }

    /// Whether a record is begun and not finished.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.live.recording
    }

    /// Whether limits, or a missing key, cost the record an attribute: what a diagnostic, at most one per record
    /// (conformance LIM-11), is to say.
    #[must_use]
    #[inline]
    pub fn has_dropped(&self) -> bool {
        self.live.dropped != 0
    }

    /// The bytes the writer's buffer can hold without growing.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.live.buffer.capacity()
    }

    /// Gives memory back after an unusually large record: a buffer above `max` bytes shrinks to that. Forgets the record
    /// last finished; does nothing while one is being made.
    pub fn shrink_to(&mut self, max: usize) {
        if !self.live.recording {
            self.live.shrink_to(max);
        }
    }
}

/// The fields of fixed size, one after the other.
struct Tail {
    bytes: [u8; TAIL],
    len: usize,
}

impl Tail {
    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some(room) = self.bytes.get_mut(self.len..).and_then(|rest| rest.first_chunk_mut()) {
            *room = bytes;
            self.len += N;
        }
    }

    #[inline(always)]
    fn put_time(&mut self, tag: u8, unix_nano: u64) {
        if unix_nano != 0 {
            self.put([tag]);
            self.put(unix_nano.to_le_bytes());
        }
    }
}
