//! Short attributes: a key and a value of a few bytes, written into one piece of room at constant offsets.
//!
//! Used by live records for what nearly all attributes are. Whatever does not fit, may be there already or is no
//! plain value is left to the long way: [`put`] then writes nothing and says so.

use super::buffer::{FIELD_1, FIELD_2, copy_short, spread_56};
use super::index::Index;
use super::room::Buffer;
use super::value::ValueLimits;
use crate::key::{BEFORE_KEY, SHORT_KEY, hash};
use crate::prepared::PREPARED_TAG;
use crate::{Key, PreparedAttributes, ToValue};

/// Texts of up to this many bytes are short.
pub(super) const SHORT_TEXT: usize = 48;
/// Any short attribute fits in here. The offset of a value is masked, which is cheaper than a check where it is used.
const ROOM: usize = VALUE_MASK + 1 + 4 + SHORT_TEXT;
const VALUE_MASK: usize = 63;
const _: () = assert!(BEFORE_KEY + SHORT_KEY <= VALUE_MASK);
// The length of an attribute takes one byte.
const _: () = assert!(BEFORE_KEY - 2 + SHORT_KEY + 4 + SHORT_TEXT < 128);

const TEXT: u8 = 0x0a;
const BOOL: u8 = 0x10;
const INT: u8 = 0x18;
const DOUBLE: u8 = 0x21;

/// A key that may be short.
pub(super) trait ShortKey: Copy {
    fn text(&self) -> &str;

    /// Writes all that comes before the value, the attribute's tag and length left open; the key is short.
    fn put(self, room: &mut [u8; ROOM]);
}

impl ShortKey for &str {
    #[inline(always)]
    fn text(&self) -> &str {
        self
    }

    #[inline(always)]
    fn put(self, room: &mut [u8; ROOM]) {
        room[2..BEFORE_KEY].copy_from_slice(&[FIELD_1, self.len() as u8]);
        copy_short(room, BEFORE_KEY, self.as_bytes());
    }
}

impl ShortKey for &Key {
    #[inline(always)]
    fn text(&self) -> &str {
        self.as_str()
    }

    #[inline(always)]
    fn put(self, room: &mut [u8; ROOM]) {
        room[..BEFORE_KEY + SHORT_KEY].copy_from_slice(self.begin());
    }
}

/// A value that may be short.
pub(super) trait ShortValue: Copy + ToValue {
    fn is_short(self) -> bool;

    /// Whether it is surely written as it is.
    #[inline(always)]
    fn is_allowed(self, _limits: ValueLimits) -> bool {
        true
    }

    /// Writes the value's field at `at`, which is at most [`VALUE_MASK`]; where it ends. The value is short.
    fn put(self, room: &mut [u8; ROOM], at: usize) -> usize;
}

/// A text, whatever its length.
impl ShortValue for &str {
    #[inline(always)]
    fn is_short(self) -> bool {
        self.len() <= SHORT_TEXT
    }

    #[inline(always)]
    fn is_allowed(self, limits: ValueLimits) -> bool {
        limits.surely_keep(self)
    }

    #[inline(always)]
    fn put(self, room: &mut [u8; ROOM], at: usize) -> usize {
        let at = at & VALUE_MASK;
        room[at..at + 4].copy_from_slice(&[FIELD_2, 2 + self.len() as u8, TEXT, self.len() as u8]);
        copy_short(room, at + 4, self.as_bytes());
        at + 4 + self.len()
    }
}

impl ShortValue for bool {
    #[inline(always)]
    fn is_short(self) -> bool {
        true
    }

    #[inline(always)]
    fn put(self, room: &mut [u8; ROOM], at: usize) -> usize {
        put_number(room, at, BOOL, self.into(), 1)
    }
}

impl ShortValue for f64 {
    #[inline(always)]
    fn is_short(self) -> bool {
        true
    }

    #[inline(always)]
    fn put(self, room: &mut [u8; ROOM], at: usize) -> usize {
        put_number(room, at, DOUBLE, self.to_bits(), 8)
    }
}

impl ShortValue for i64 {
    /// Negative ones take ten bytes.
    #[inline(always)]
    fn is_short(self) -> bool {
        (self as u64) < 1 << 56
    }

    #[inline(always)]
    fn put(self, room: &mut [u8; ROOM], at: usize) -> usize {
        let value = self as u64;
        let (bytes, len) = if value < 1 << 7 {
            (value, 1)
        } else if value < 1 << 14 {
            (value & 0x7f | 0x80 | value >> 7 << 8, 2)
        } else {
            spread_56(value)
        };
        put_number(room, at, INT, bytes, len)
    }
}

/// A number, by the field of `AnyValue` that holds it: its tag, what follows, the first byte lowest, and how many of these
/// bytes count.
#[inline(always)]
fn put_number(room: &mut [u8; ROOM], at: usize, tag: u8, bytes: u64, len: usize) -> usize {
    let at = at & VALUE_MASK;
    // The fourth byte is overwritten at once.
    let head = u32::from_le_bytes([FIELD_2, 1 + len as u8, tag, 0]);
    room[at..at + 4].copy_from_slice(&head.to_le_bytes());
    room[at + 3..at + 11].copy_from_slice(&bytes.to_le_bytes());
    at + 3 + len
}

/// Appends an attribute, if `note` finds its key to be new; `false`, and nothing done, if it is not, or something about it is
/// not short or has no room.
#[inline(always)]
pub(super) fn put(
    buffer: &mut Buffer,
    tag: u8,
    key: impl ShortKey,
    value: impl ShortValue,
    note: impl FnOnce(&Buffer) -> bool,
) -> bool {
    // Without a key it is no attribute.
    let is_short = key.text().len().wrapping_sub(1) < SHORT_KEY && value.is_short();
    if !is_short || buffer.room::<ROOM>().is_none() || !note(buffer) {
        return false;
    }
    let at = BEFORE_KEY + key.text().len();
    // As looked at above.
    let Some(room) = buffer.room::<ROOM>() else { return false };
    key.put(room);
    let end = value.put(room, at);
    room[..2].copy_from_slice(&[tag, (end - 2) as u8]);
    buffer.advance(end);
    true
}

/// Appends attributes that are encoded already, if all keys are new; `false`, and nothing done, if they may not be, or limits may
/// cost something, or there is no room.
#[inline]
pub(super) fn put_prepared(
    buffer: &mut Buffer,
    index: &mut Index,
    tag: u8,
    prepared: &PreparedAttributes,
    limits: ValueLimits,
) -> bool {
    let (bytes, noted, start) = (prepared.bytes(), prepared.noted(), buffer.len());
    if !prepared.is_allowed(limits)
        || buffer.room_of(bytes.len()).is_none()
        || !(index.has_surely_none(noted) || has_none(buffer, index, prepared))
        || !index.note_all(noted, start)
    {
        return false;
    }
    // As looked at above.
    let Some(room) = buffer.room_of(bytes.len()) else { return false };
    room.copy_from_slice(bytes);
    if tag != PREPARED_TAG {
        noted.starts().for_each(|start| room[start] = tag);
    }
    buffer.advance(bytes.len());
    true
}

/// Whether none of the keys is there, by a close look.
#[inline(never)]
fn has_none(buffer: &Buffer, index: &Index, prepared: &PreparedAttributes) -> bool {
    let mut keys = prepared.attributes().iter().map(|attribute| &*attribute.key);
    !keys.any(|key| index.has(buffer, key, hash(key.as_bytes())))
}
