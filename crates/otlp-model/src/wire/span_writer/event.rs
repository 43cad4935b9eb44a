//! A span's events, each a message in its record.

use super::SpanWriter;
use super::nested::Unfinished;
use crate::wire::buffer::{copy_short, put_fixed64, put_str, put_uint};
use crate::wire::room::Buffer;
use crate::wire::short::SHORT_TEXT;
use crate::{PreparedAttributes, ToKey, ToValue};

const EVENT_TAG: u8 = 0x5a;

impl SpanWriter {
    /// Adds an event; beyond [`Limits::events`](crate::Limits::events) it is discarded and counted. Its time is nanoseconds since the Unix
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
        self.put_event_with(name, time_unix_nano, None, attributes, 0);
    }

    /// As [`add_event`](Self::add_event), with attributes that were encoded ahead in front of the others; [`PreparedAttributes`]
    /// shows it.
    pub fn add_event_prepared<K: ToKey, V: ToValue>(
        &mut self,
        name: &str,
        time_unix_nano: u64,
        prepared: &PreparedAttributes,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) {
        self.put_event_with(name, time_unix_nano, Some(prepared), attributes, 0);
    }

    /// As [`add_event`](Self::add_event), of an event that has lost `dropped` attributes before.
    pub fn put_event<K: ToKey, V: ToValue>(
        &mut self,
        name: &str,
        time_unix_nano: u64,
        attributes: impl IntoIterator<Item = (K, V)>,
        dropped: u32,
    ) {
        self.put_event_with(name, time_unix_nano, None, attributes, dropped);
    }

    #[inline]
    fn put_event_with<K: ToKey, V: ToValue>(
        &mut self,
        name: &str,
        time_unix_nano: u64,
        prepared: Option<&PreparedAttributes>,
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
        let event = Unfinished::new(self);
        // Foreseen, since all that was written would have to be moved by a byte.
        let known = prepared.map_or(0, |prepared| prepared.bytes().len());
        let width = 1 + usize::from(11 + name.len() + known >= 0x80);
        let body = open_event(&mut event.writer.live.buffer, width, name, time_unix_nano);
        let max = event.writer.limits.attributes_per_event;
        let dropped = dropped.saturating_add(event.writer.put_inner::<0x1a, _, _>(max, prepared, attributes));
        if dropped > 0 {
            event.writer.live.buffer.append(|bytes| put_uint(bytes, 0x20, dropped.into()));
        }
        event.writer.events += 1;
        event.finish(body);
    }
}

/// Begins an event with its time and name; where its body starts, behind one or two bytes for its length.
#[inline]
fn open_event(buffer: &mut Buffer, width: usize, name: &str, time_unix_nano: u64) -> usize {
    const ROOM: usize = 3 + 9 + 2 + SHORT_TEXT;
    let head = 1 + width;
    let body = buffer.len() + head;
    if name.len().wrapping_sub(1) < SHORT_TEXT
        && let Some(room) = buffer.room::<ROOM>()
    {
        room[0] = EVENT_TAG;
        room[head] = 0x09;
        room[head + 1..head + 9].copy_from_slice(&time_unix_nano.to_le_bytes());
        room[head + 9..head + 11].copy_from_slice(&[0x12, name.len() as u8]);
        copy_short(room, head + 11, name.as_bytes());
        buffer.advance(head + 11 + name.len());
    } else {
        buffer.append(|bytes| {
            bytes.extend_from_slice(&[EVENT_TAG, 0, 0][..head]);
            put_fixed64(bytes, 0x09, time_unix_nano);
            put_str(bytes, 0x12, name);
        });
    }
    body
}
