//! Attribute values on the wire: `KeyValue` and `AnyValue`, with the limits on texts and nesting applied.
//!
//! Used by everything that has attributes. Sizes of flat values are computed ahead, so that each is one header, the key
//! and the value; nested values get their lengths afterwards. Never counts attributes: see `index` and `unique`.

use super::buffer::{FIELD_1, FIELD_2, close, open, put_bytes, put_varint, varint_len, write_varint};
use super::unique::for_each_unique;
use crate::{Limits, ToValue, ValueRef};

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

/// What an `AnyValue` without nesting is made of, short enough for the stack, or borrowed.
enum Flat<'a> {
    /// Up to 11 bytes: the fields of an `AnyValue`.
    Scalar([u8; 11], usize),
    /// A text or byte array under its tag.
    Bytes(u8, &'a [u8]),
    /// None of these.
    Nested,
}

#[inline]
fn flatten<'a>(value: ValueRef<'a>, limits: ValueLimits) -> Flat<'a> {
    let mut bytes = [0; 11];
    match value {
        ValueRef::Empty => Flat::Scalar(bytes, 0),
        ValueRef::String(text) => Flat::Bytes(STRING, truncate(text, limits.length).as_bytes()),
        ValueRef::Bool(value) => {
            bytes[0] = BOOL;
            bytes[1] = u8::from(value);
            Flat::Scalar(bytes, 2)
        }
        ValueRef::Int(value) => {
            bytes[0] = INT;
            let len = write_varint(&mut bytes[1..], value as u64);
            Flat::Scalar(bytes, 1 + len)
        }
        ValueRef::Double(value) => {
            bytes[0] = DOUBLE;
            bytes[1..9].copy_from_slice(&value.to_le_bytes());
            Flat::Scalar(bytes, 9)
        }
        ValueRef::Bytes(value) => Flat::Bytes(BYTES, &value[..value.len().min(limits.length)]),
        ValueRef::Uint(_) | ValueRef::Array(_) | ValueRef::Strings(_) | ValueRef::Map(_) => Flat::Nested,
    }
}

/// A `KeyValue` field: an attribute, or an entry of a map.
pub(crate) fn put_key_value(buf: &mut Vec<u8>, tag: u8, key: &str, value: ValueRef<'_>, limits: ValueLimits) {
    match flatten(value, limits) {
        Flat::Scalar(scalar, len) => put_scalar_entry(buf, tag, key, &scalar, len),
        Flat::Bytes(kind, bytes) => put_bytes_entry(buf, tag, key, kind, bytes),
        Flat::Nested => {
            if let ValueRef::Uint(value) = value {
                with_unsigned(value, |value| put_key_value(buf, tag, key, value, limits));
                return;
            }
            let entry = open(buf, tag, 1);
            put_bytes(buf, FIELD_1, key.as_bytes());
            put_value(buf, FIELD_2, value, limits);
            close(buf, entry);
        }
    }
}

#[inline]
fn put_scalar_entry(buf: &mut Vec<u8>, tag: u8, key: &str, scalar: &[u8; 11], len: usize) {
    let key_len = key.len();
    // The value always takes its full room and is cut to length: a copy of constant size is two stores.
    let mut value = [0; 13];
    value[0] = FIELD_2;
    value[1] = len as u8;
    value[2..].copy_from_slice(scalar);
    put_entry_header(buf, tag, key_len, 2 + len, value.len());
    buf.extend_from_slice(key.as_bytes());
    buf.extend_from_slice(&value);
    buf.truncate(buf.len() - (11 - len));
}

#[inline]
fn put_bytes_entry(buf: &mut Vec<u8>, tag: u8, key: &str, kind: u8, bytes: &[u8]) {
    let inner = 1 + varint_len(bytes.len() as u64) + bytes.len();
    let value = 1 + varint_len(inner as u64) + inner;
    put_entry_header(buf, tag, key.len(), value, value);
    buf.extend_from_slice(key.as_bytes());
    if inner < 0x80 {
        buf.extend_from_slice(&[FIELD_2, inner as u8, kind, bytes.len() as u8]);
    } else {
        buf.push(FIELD_2);
        put_varint(buf, inner as u64);
        buf.push(kind);
        put_varint(buf, bytes.len() as u64);
    }
    buf.extend_from_slice(bytes);
}

/// Everything in front of the key, having made room for the whole entry.
#[inline]
fn put_entry_header(buf: &mut Vec<u8>, tag: u8, key: usize, value: usize, room: usize) {
    let body = 1 + varint_len(key as u64) + key + value;
    buf.reserve(12 + 11 + key + room);
    if body < 0x80 {
        buf.extend_from_slice(&[tag, body as u8, FIELD_1, key as u8]);
    } else {
        buf.push(tag);
        put_varint(buf, body as u64);
        buf.push(FIELD_1);
        put_varint(buf, key as u64);
    }
}

/// An `AnyValue` field. Empty values are written too: they mean something (conformance MODEL-11).
pub(crate) fn put_value(buf: &mut Vec<u8>, tag: u8, value: ValueRef<'_>, limits: ValueLimits) {
    match flatten(value, limits) {
        Flat::Scalar(scalar, len) => put_bytes(buf, tag, &scalar[..len]),
        Flat::Bytes(kind, bytes) => {
            let inner = 1 + varint_len(bytes.len() as u64) + bytes.len();
            buf.push(tag);
            put_varint(buf, inner as u64);
            put_bytes(buf, kind, bytes);
        }
        Flat::Nested => put_nested(buf, tag, value, limits),
    }
}

fn put_nested(buf: &mut Vec<u8>, tag: u8, value: ValueRef<'_>, limits: ValueLimits) {
    if let ValueRef::Uint(value) = value {
        return with_unsigned(value, |value| put_value(buf, tag, value, limits));
    }
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
