//! A record that is written as it is made: its buffer, and its attributes, which come one at a time.
//!
//! Used by [`super::SpanWriter`] and [`super::LogWriter`], which differ in what else a record holds. Applies the limits on
//! attributes and counts what they discard. Never finishes a record: when it is complete is its writer's to know.

use super::buffer::{FIELD_2, varint_len, write_varint};
use super::index::Index;
use super::room::Buffer;
use super::short::{ShortKey, ShortValue, put, put_prepared};
use super::value::{ValueLimits, put_key_text, put_key_value};
use crate::key::hash;
use crate::{KeyRef, Limits, PreparedAttributes, ToKey, ToValue, ValueRef};
use std::fmt;

/// Room in front of a record for its tag and length, filled from the right when the length is known.
pub(super) const PREFIX: usize = 11;

/// A record being written, whose attributes have the tag `TAG`.
#[derive(Debug)]
pub(super) struct Live<const TAG: u8> {
    pub(super) buffer: Buffer,
    pub(super) recording: bool,
    pub(super) value_limits: ValueLimits,
    pub(super) attributes: Index,
    pub(super) dropped: u32,
}

impl<const TAG: u8> Default for Live<TAG> {
    fn default() -> Self {
        Self {
            buffer: Buffer::default(),
            recording: false,
            value_limits: ValueLimits::UNLIMITED,
            attributes: Index::default(),
            dropped: 0,
        }
    }
}

impl<const TAG: u8> Live<TAG> {
    /// Begins a record without attributes. The buffer is left to the writer.
    #[inline]
    pub(super) fn begin(&mut self, limits: &Limits) {
        self.value_limits = ValueLimits::of(limits);
        self.attributes.begin(limits.attribute_count);
        self.dropped = 0;
        self.recording = true;
    }

    /// From now on nothing is written.
    #[inline]
    pub(super) fn end(&mut self) {
        self.recording = false;
        self.attributes.end();
    }

    /// Gives the `old` bytes at `at` the length `new`, moving what follows; the bytes themselves are left to the caller.
    pub(super) fn resize_at(&mut self, at: usize, old: usize, new: usize) {
        self.buffer.resize_at(at, old, new);
        self.attributes.shift(at, old, new);
    }

    /// Gives memory above `max` bytes back; between records only.
    pub(super) fn shrink_to(&mut self, max: usize) {
        self.buffer.shrink_to(max);
        // An attribute takes at least 6 bytes.
        self.attributes.shrink_to(max / 6);
    }

    /// Sets an attribute; the last value of a key wins and keeps the place of the first.
    #[inline(always)]
    pub(super) fn set_attribute(&mut self, key: impl ToKey, value: ValueRef<'_>) {
        // Callers mostly know the kind of value, and the key: then after inlining one call of the right kind is left, with
        // the hash as a constant.
        match key.to_key() {
            KeyRef::Text(key) => self.set(key, hash(key.as_bytes()), value),
            KeyRef::Key(key) => self.set(key, key.hash(), value),
        }
    }

    /// Sets attributes that were encoded ahead.
    #[inline]
    pub(super) fn set_prepared(&mut self, prepared: &PreparedAttributes) {
        let Self { buffer, attributes, value_limits, .. } = self;
        let is_empty = prepared.attributes().is_empty();
        if !is_empty && !put_prepared(buffer, attributes, TAG, prepared, *value_limits) {
            self.set_one_by_one(prepared);
        }
    }

    #[inline(never)]
    fn set_one_by_one(&mut self, prepared: &PreparedAttributes) {
        for attribute in prepared.attributes() {
            self.set_attribute(&attribute.key, attribute.value.to_value());
        }
    }

    /// Sets an attribute to what is displayed, without a text in between.
    pub(super) fn set_attribute_text(&mut self, key: &str, text: fmt::Arguments<'_>) {
        if let Some(text) = text.as_str() {
            return self.set_attribute(key, ValueRef::String(text));
        }
        let limits = self.value_limits;
        self.set_by(key, hash(key.as_bytes()), |bytes| put_key_text(bytes, TAG, key, text, limits));
    }

    /// Whether an attribute with this key has been written.
    pub(super) fn has_attribute(&self, key: &str) -> bool {
        self.attributes.has(&self.buffer, key, hash(key.as_bytes()))
    }

    #[inline(always)]
    fn set(&mut self, key: impl ShortKey, hash: u32, value: ValueRef<'_>) {
        match value {
            ValueRef::String(text) => self.set_plain(key, hash, text),
            ValueRef::Int(value) => self.set_plain(key, hash, value),
            ValueRef::Double(value) => self.set_plain(key, hash, value),
            ValueRef::Bool(value) => self.set_plain(key, hash, value),
            value => self.set_any(key.text(), hash, value),
        }
    }

    /// The usual way: a short one whose key is surely new. It calls nobody before it is done, so that no register has to be
    /// saved.
    #[inline(never)]
    fn set_plain(&mut self, key: impl ShortKey, hash: u32, value: impl ShortValue) {
        let (buffer, index) = (&mut self.buffer, &mut self.attributes);
        if !value.is_allowed(self.value_limits)
            || !put(buffer, TAG, key, value, |buffer| index.note_new(hash, buffer.len()))
        {
            self.set_perhaps_again(key, hash, value);
        }
    }

    /// The same where another key has the same bit in the index' filter, or something is out of the usual.
    #[inline(never)]
    fn set_perhaps_again(&mut self, key: impl ShortKey, hash: u32, value: impl ShortValue) {
        let (buffer, index) = (&mut self.buffer, &mut self.attributes);
        let note = |buffer: &Buffer| index.note_after_looking(buffer, key.text(), hash);
        if !value.is_allowed(self.value_limits) || !put(buffer, TAG, key, value, note) {
            self.set_any(key.text(), hash, value.to_value());
        }
    }

    #[inline(never)]
    fn set_any(&mut self, key: &str, hash: u32, value: ValueRef<'_>) {
        let limits = self.value_limits;
        self.set_by(key, hash, |bytes| put_key_value(bytes, TAG, key, value, limits));
    }

    #[inline]
    fn set_by(&mut self, key: &str, hash: u32, put: impl FnOnce(&mut Vec<u8>)) {
        if self.recording && !self.attributes.set(&mut self.buffer, key, hash, put) {
            self.dropped = self.dropped.saturating_add(1);
        }
    }
}

/// Enters the tag and length of a record that follows [`PREFIX`] bytes of room; the record.
#[inline(always)]
pub(super) fn seal(record: &mut [u8]) -> &[u8] {
    let len = (record.len() - PREFIX) as u64;
    let at = if (1 << 7..1 << 14).contains(&len) {
        record[PREFIX - 3..PREFIX].copy_from_slice(&[FIELD_2, len as u8 | 0x80, (len >> 7) as u8]);
        PREFIX - 3
    } else {
        let at = PREFIX - 1 - varint_len(len);
        record[at] = FIELD_2;
        write_varint(&mut record[at + 1..PREFIX], len);
        at
    };
    &record[at..]
}
