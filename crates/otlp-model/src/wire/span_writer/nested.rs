//! What events and links have in common: messages in a span's record, with attributes of their own.
//!
//! A span's own attributes are in `wire/live.rs`.

use super::SpanWriter;
use crate::key::hash;
use crate::wire::buffer::{varint_len, write_varint};
use crate::wire::room::Buffer;
use crate::wire::short::{ShortKey, ShortValue, put, put_prepared};
use crate::wire::value::put_key_value;
use crate::{KeyRef, KeyValue, PreparedAttributes, ToKey, ToValue, ValueRef};

/// A message in a span's record that is not finished. Dropped on the way, by a panic of who gives the attributes, it was never
/// begun: what there is of it would have receivers refuse the whole request.
pub(super) struct Unfinished<'a> {
    pub(super) writer: &'a mut SpanWriter,
    start: usize,
}

impl<'a> Unfinished<'a> {
    pub(super) fn new(writer: &'a mut SpanWriter) -> Self {
        let start = writer.live.buffer.len();
        Self { writer, start }
    }

    /// Ends the message, whose body starts at `body`: between its tag and that is room for its length.
    #[inline]
    pub(super) fn finish(self, body: usize) {
        close(&mut self.writer.live.buffer, self.start + 1, body);
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    #[cold]
    fn drop(&mut self) {
        self.writer.live.buffer.truncate(self.start);
        self.writer.inner.end();
    }
}

impl SpanWriter {
    /// The attributes of an event or link; returns how many were discarded.
    #[inline]
    pub(super) fn put_inner<const TAG: u8, K: ToKey, V: ToValue>(
        &mut self,
        max: usize,
        prepared: Option<&PreparedAttributes>,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) -> u32 {
        self.inner.begin(max);
        let mut discarded = prepared.map_or(0, |prepared| self.put_inner_prepared::<TAG>(prepared));
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

    /// Those that are known ahead; returns how many were discarded.
    #[inline]
    fn put_inner_prepared<const TAG: u8>(&mut self, prepared: &PreparedAttributes) -> u32 {
        let limits = self.live.value_limits;
        if put_prepared(&mut self.live.buffer, &mut self.inner, TAG, prepared, limits) {
            return 0;
        }
        let mut discarded = 0;
        for KeyValue { key, value } in prepared.attributes() {
            let is_kept = self.put_inner_any::<TAG>(key, hash(key.as_bytes()), value.to_value());
            discarded += u32::from(!is_kept);
        }
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
}

#[inline]
fn close(buffer: &mut Buffer, at: usize, body: usize) {
    let (width, len) = (body - at, buffer.len() - body);
    if width == 1 && len < 0x80 {
        buffer.as_mut_slice()[at] = len as u8;
        return;
    }
    let needed = varint_len(len as u64);
    if needed != width {
        buffer.resize_at(at, width, needed);
    }
    write_varint(&mut buffer.as_mut_slice()[at..], len as u64);
}
