//! One field as the reader hands it out, and its value as the schema wants it.

use super::reader::{DecodeError, Fields, MAX_DEPTH, Message, little_endian};

/// One field of a message as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The field's number in the schema: 1 to 2²⁹ − 1.
    pub number: u32,
    /// Its value; what it means only the schema knows.
    pub value: Wire<'a>,
    pub(super) offset: usize,
    pub(super) depth: u8,
}

/// A value on the wire, by wire type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire<'a> {
    /// Integers, enumerations, booleans.
    Varint(u64),
    /// `fixed64`, `sfixed64`, `double`.
    Fixed64(u64),
    /// `fixed32`, `sfixed32`, `float`.
    Fixed32(u32),
    /// Strings, bytes, messages, packed repeated numbers.
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    /// Where the value begins in the whole input.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The value as an integer of varint encoding.
    ///
    /// # Errors
    /// The field has another wire type.
    pub const fn varint(&self) -> Result<u64, DecodeError> {
        match self.value {
            Wire::Varint(value) => Ok(value),
            _ => Err(self.error("expected a varint")),
        }
    }

    /// The value as protobuf's `int32` or an enumeration: of a varint the low half counts.
    pub(crate) fn int32(&self) -> Result<i32, DecodeError> {
        self.uint32().map(u32::cast_signed)
    }

    /// The value as protobuf's `uint32`: of a varint the low half counts.
    pub(crate) fn uint32(&self) -> Result<u32, DecodeError> {
        self.varint().map(|value| value as u32)
    }

    /// The value as eight bytes, little-endian.
    ///
    /// # Errors
    /// The field has another wire type.
    pub const fn fixed64(&self) -> Result<u64, DecodeError> {
        match self.value {
            Wire::Fixed64(value) => Ok(value),
            _ => Err(self.error("expected eight fixed bytes")),
        }
    }

    /// The value as four bytes, little-endian.
    ///
    /// # Errors
    /// The field has another wire type.
    pub const fn fixed32(&self) -> Result<u32, DecodeError> {
        match self.value {
            Wire::Fixed32(value) => Ok(value),
            _ => Err(self.error("expected four fixed bytes")),
        }
    }

    /// The value as bytes with a length before them.
    ///
    /// # Errors
    /// The field has another wire type.
    pub const fn bytes(&self) -> Result<&'a [u8], DecodeError> {
        match self.value {
            Wire::Bytes(bytes) => Ok(bytes),
            _ => Err(self.error("expected bytes with a length")),
        }
    }

    /// The value as text.
    ///
    /// # Errors
    /// The field has another wire type, or the bytes are not UTF-8.
    pub fn string(&self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes()?).map_err(|error| {
            DecodeError::new(self.offset + error.valid_up_to(), "a string field is not valid UTF-8")
        })
    }

    /// The value as a message within this one.
    ///
    /// # Errors
    /// The field has another wire type, or messages nest deeper than 100 levels.
    pub const fn message(&self) -> Result<Message<'a>, DecodeError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("messages nest deeper than 100 levels"));
        }
        match self.bytes() {
            Ok(bytes) => Ok(Message { bytes, offset: self.offset, depth: self.depth + 1 }),
            Err(error) => Err(error),
        }
    }

    pub(crate) const fn error(&self, reason: &'static str) -> DecodeError {
        DecodeError::new(self.offset, reason)
    }
}

/// What only metrics have, for the transcoder and for owned metrics.
impl<'a> Field<'a> {
    /// The value as protobuf's `sint32`: zig-zag.
    pub(crate) fn sint32(&self) -> Result<i32, DecodeError> {
        self.uint32().map(|value| (value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The numbers of a packed repeated field of eight-byte numbers.
    pub(crate) fn packed_fixed64(self) -> impl Iterator<Item = Result<Self, DecodeError>> {
        self.packed(|numbers| numbers.take(8).map(|bytes| Wire::Fixed64(little_endian(bytes))))
    }

    /// The numbers of a packed repeated field of varints.
    pub(crate) fn packed_varints(self) -> impl Iterator<Item = Result<Self, DecodeError>> {
        self.packed(|numbers| numbers.varint().map(Wire::Varint))
    }

    fn packed<F>(self, read: F) -> impl Iterator<Item = Result<Self, DecodeError>> + use<'a, F>
    where
        F: Fn(&mut Fields<'a>) -> Result<Wire<'a>, DecodeError>,
    {
        let rest = if let Wire::Bytes(bytes) = self.value { bytes } else { &[] };
        let mut numbers = Fields { rest, offset: self.offset, depth: self.depth };
        std::iter::from_fn(move || {
            if numbers.rest.is_empty() {
                return None;
            }
            let offset = numbers.offset;
            let value = read(&mut numbers).inspect_err(|_| numbers.rest = &[]);
            Some(value.map(|value| Self { value, offset, ..self }))
        })
    }
}
