//! Attribute values on the wire: `KeyValue` and `AnyValue`, with the limits on texts and nesting applied.
//!
//! Used by everything that has attributes. Sizes of flat values are computed ahead, so that each is one header, the key
//! and the value; nested values get their lengths afterwards. Never counts attributes: see `index` and `unique`.

use super::buffer::{
    FIELD_1, FIELD_2, SHORT, close, copy_short, open, put_bytes, put_varint, spread_varint, take_room,
    varint_len,
};
use super::unique::for_each_unique;
use crate::{Limits, ToValue, ValueRef};
use std::fmt::{self, Write};

/// What is reserved beyond the need where the buffer has to grow anyway, so that the next entries have their room.
const SPARE: usize = 256;

const STRING: u8 = 0x0a;
const BOOL: u8 = 0x10;
const INT: u8 = 0x18;
const DOUBLE: u8 = 0x21;
const ARRAY: u8 = 0x2a;
const MAP: u8 = 0x32;
const BYTES: u8 = 0x3a;

/// The limits that concern a single value (conformance LIM-06, LIM-07).
#[derive(Debug, Clone, Copy)]
pub(crate) struct ValueLimits {
    /// Characters of a text, bytes of a byte array.
    length: usize,
    /// Levels of arrays and maps that may still be entered.
    depth: usize,
}

impl ValueLimits {
    pub(crate) const UNLIMITED: Self = Self { length: usize::MAX, depth: Limits::MAX_DEPTH };

    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            length: limits.attribute_value_length.unwrap_or(usize::MAX),
            depth: limits.attribute_value_depth.min(Limits::MAX_DEPTH),
        }
    }

    /// Whether a text is kept whole, by a glance at its bytes: it has at most as many characters.
    #[inline]
    pub(super) fn surely_keep(self, text: &str) -> bool {
        self.surely_keep_len(text.len())
    }

    /// The same by its length in bytes.
    #[inline]
    pub(crate) fn surely_keep_len(self, len: usize) -> bool {
        len <= self.length
    }

    /// What holds inside an array or map; `None` if none may be entered any more.
    fn descend(self) -> Option<Self> {
        Some(Self { depth: self.depth.checked_sub(1)?, ..self })
    }
}

/// The first `limit` characters.
#[inline]
fn truncate(text: &str, limit: usize) -> &str {
    // A text has at most as many characters as bytes.
    if text.len() <= limit {
        return text;
    }
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}

/// A `KeyValue` field: an attribute, or an entry of a map.
#[inline]
pub(crate) fn put_key_value(buf: &mut Vec<u8>, tag: u8, key: &str, value: ValueRef<'_>, limits: ValueLimits) {
    let scalar = match value {
        ValueRef::String(text) => return put_text_entry(buf, tag, key, text, limits),
        ValueRef::Int(value) => Scalar::int(value),
        ValueRef::Double(value) => Scalar::double(value),
        ValueRef::Bool(value) => Scalar::bool(value),
        value => return put_any_entry(buf, tag, key, value, limits),
    };
    put_scalar_entry(buf, tag, key, scalar);
}

/// A `KeyValue` of any shape and size; the faster forms leave to it what is not short.
fn put_any_entry(buf: &mut Vec<u8>, tag: u8, key: &str, value: ValueRef<'_>, limits: ValueLimits) {
    if let ValueRef::Uint(value) = value {
        return with_unsigned(value, |value| put_key_value(buf, tag, key, value, limits));
    }
    let entry = open(buf, tag, 1);
    put_bytes(buf, FIELD_1, key.as_bytes());
    put_value(buf, FIELD_2, value, limits);
    close(buf, entry);
}

/// A `KeyValue` that holds what is displayed.
pub(super) fn put_key_text(
    buf: &mut Vec<u8>,
    tag: u8,
    key: &str,
    text: fmt::Arguments<'_>,
    limits: ValueLimits,
) {
    let entry = open(buf, tag, 2);
    put_bytes(buf, FIELD_1, key.as_bytes());
    put_text_value(buf, FIELD_2, text, limits);
    close(buf, entry);
}

/// An `AnyValue` field that holds what is displayed.
pub(super) fn put_text_value(buf: &mut Vec<u8>, tag: u8, text: fmt::Arguments<'_>, limits: ValueLimits) {
    let value = open(buf, tag, 2);
    let inner = open(buf, STRING, 2);
    let mut room = Room { left: limits.length, buf };
    // An error ends the text early; what there is of it is kept.
    let _ = room.write_fmt(text);
    close(buf, inner);
    close(buf, value);
}

/// Takes text, up to a number of characters.
struct Room<'a> {
    buf: &'a mut Vec<u8>,
    left: usize,
}

impl Write for Room<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let kept = truncate(text, self.left);
        self.buf.extend_from_slice(kept.as_bytes());
        if self.left != usize::MAX {
            self.left -= kept.chars().count();
        }
        // Whoever writes need not go on when nothing more is taken.
        if self.left == 0 && kept.len() < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// A `KeyValue` that holds a text.
#[inline]
pub(crate) fn put_text_entry(buf: &mut Vec<u8>, tag: u8, key: &str, text: &str, limits: ValueLimits) {
    const ROOM: usize = 4 + SHORT + 4 + SHORT;
    let text = truncate(text, limits.length);
    let (key_len, len, start) = (key.len(), text.len(), buf.len());
    if key_len <= SHORT
        && len <= SHORT
        && let Some(room) = take_room::<ROOM>(buf)
    {
        room[..4].copy_from_slice(&[tag, (6 + key_len + len) as u8, FIELD_1, key_len as u8]);
        copy_short(room, 4, key.as_bytes());
        room[4 + key_len..8 + key_len].copy_from_slice(&[FIELD_2, (2 + len) as u8, STRING, len as u8]);
        copy_short(room, 8 + key_len, text.as_bytes());
        buf.truncate(start + 8 + key_len + len);
    } else {
        put_long_text_entry(buf, tag, key, text);
    }
}

#[inline(never)]
fn put_long_text_entry(buf: &mut Vec<u8>, tag: u8, key: &str, text: &str) {
    let value = bytes_value_len(text.len());
    let (key_len, value_len) = (key.len(), 1 + varint_len(value as u64) + value);
    let body = 1 + varint_len(key_len as u64) + key_len + value_len;
    buf.reserve(11 + body + SPARE);
    buf.push(tag);
    put_varint(buf, body as u64);
    put_bytes(buf, FIELD_1, key.as_bytes());
    put_bytes_value(buf, FIELD_2, STRING, text.as_bytes());
}

/// The fields of an `AnyValue` that holds a number: up to 11 bytes, kept in a register as they will lie in memory,
/// because bytes that are written one by one and read back together wait for each other.
#[derive(Clone, Copy)]
pub(crate) struct Scalar {
    bytes: u128,
    len: usize,
}

impl Scalar {
    #[inline]
    pub(crate) fn bool(value: bool) -> Self {
        Self { bytes: u128::from(BOOL) | u128::from(value) << 8, len: 2 }
    }

    #[inline]
    pub(crate) fn double(value: f64) -> Self {
        Self { bytes: u128::from(DOUBLE) | u128::from(value.to_bits()) << 8, len: 9 }
    }

    #[inline]
    pub(crate) fn int(value: i64) -> Self {
        let (varint, len) = spread_varint(value as u64);
        Self { bytes: u128::from(INT) | varint << 8, len: 1 + len }
    }
}

/// A `KeyValue` that holds a number.
#[inline]
pub(crate) fn put_scalar_entry(buf: &mut Vec<u8>, tag: u8, key: &str, scalar: Scalar) {
    const ROOM: usize = 4 + SHORT + 16;
    let (key_len, Scalar { bytes, len }, start) = (key.len(), scalar, buf.len());
    if key_len <= SHORT
        && let Some(room) = take_room::<ROOM>(buf)
    {
        let value = (u128::from(FIELD_2) | (len as u128) << 8 | bytes << 16).to_le_bytes();
        room[..4].copy_from_slice(&[tag, (4 + key_len + len) as u8, FIELD_1, key_len as u8]);
        copy_short(room, 4, key.as_bytes());
        // The value takes its full room and is cut to length: a copy of constant size is a store or two.
        room[4 + key_len..20 + key_len].copy_from_slice(&value);
        buf.truncate(start + 6 + key_len + len);
    } else {
        put_long_scalar_entry(buf, tag, key, scalar);
    }
}

#[inline(never)]
fn put_long_scalar_entry(buf: &mut Vec<u8>, tag: u8, key: &str, scalar: Scalar) {
    buf.reserve(key.len() + 32 + SPARE);
    let entry = open(buf, tag, 1);
    put_bytes(buf, FIELD_1, key.as_bytes());
    put_scalar(buf, FIELD_2, scalar);
    close(buf, entry);
}

/// An `AnyValue` field. Empty values are written too: they mean something (conformance MODEL-11).
pub(crate) fn put_value(buf: &mut Vec<u8>, tag: u8, value: ValueRef<'_>, limits: ValueLimits) {
    match value {
        ValueRef::Empty => buf.extend_from_slice(&[tag, 0]),
        ValueRef::String(text) => put_bytes_value(buf, tag, STRING, truncate(text, limits.length).as_bytes()),
        ValueRef::Bytes(bytes) => put_bytes_value(buf, tag, BYTES, &bytes[..bytes.len().min(limits.length)]),
        ValueRef::Bool(value) => put_scalar(buf, tag, Scalar::bool(value)),
        ValueRef::Int(value) => put_scalar(buf, tag, Scalar::int(value)),
        ValueRef::Double(value) => put_scalar(buf, tag, Scalar::double(value)),
        ValueRef::Uint(value) => with_unsigned(value, |value| put_value(buf, tag, value, limits)),
        ValueRef::Array(_) | ValueRef::Strings(_) | ValueRef::Map(_) => put_nested(buf, tag, value, limits),
    }
}

/// The length of an `AnyValue` that holds a text or bytes.
fn bytes_value_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

fn put_bytes_value(buf: &mut Vec<u8>, tag: u8, kind: u8, bytes: &[u8]) {
    buf.push(tag);
    put_varint(buf, bytes_value_len(bytes.len()) as u64);
    put_bytes(buf, kind, bytes);
}

fn put_scalar(buf: &mut Vec<u8>, tag: u8, Scalar { bytes, len }: Scalar) {
    put_bytes(buf, tag, &bytes.to_le_bytes()[..len]);
}

fn put_nested(buf: &mut Vec<u8>, tag: u8, value: ValueRef<'_>, limits: ValueLimits) {
    let outer = open(buf, tag, 1);
    if let Some(limits) = limits.descend() {
        let list = open(buf, if matches!(value, ValueRef::Map(_)) { MAP } else { ARRAY }, 1);
        match value {
            ValueRef::Array(values) => {
                values.iter().for_each(|value| put_value(buf, FIELD_1, value.to_value(), limits));
            }
            ValueRef::Strings(texts) => {
                texts.iter().for_each(|text| put_value(buf, FIELD_1, ValueRef::String(text), limits));
            }
            ValueRef::Map(entries) => for_each_unique(entries, |key, value, _| {
                put_key_value(buf, FIELD_1, key, value.to_value(), limits);
            }),
            _ => {}
        }
        close(buf, list);
    }
    close(buf, outer);
}

/// An unsigned integer as what it is written as: an integer if it fits, else its decimal text.
fn with_unsigned(value: u64, write: impl FnOnce(ValueRef<'_>)) {
    match i64::try_from(value) {
        Ok(value) => write(ValueRef::Int(value)),
        Err(_) => write(ValueRef::String(itoa::Buffer::new().format(value))),
    }
}
