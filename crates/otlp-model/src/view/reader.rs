//! The wire reader: protobuf messages as iterators over their fields, borrowed from the input.
//!
//! Shared by the read views, the response decoder and the JSON transcoder. Takes any bytes: never panics, never
//! allocates, never reads past the end; errors say at which byte of the whole input they are. Knows no schema.

use super::field::{Field, Wire};
use std::fmt;

/// How deep messages may nest below the outermost: what protobuf implementations agree on.
pub(crate) const MAX_DEPTH: u8 = 100;

/// Why bytes are not the protobuf message they should be, and where.
///
/// ```
/// use otlp_model::view::Message;
/// let error = Message::new(b"\x0a\x05\x12").fields().next().unwrap().unwrap_err();
/// assert_eq!(error.to_string(), "malformed protobuf at byte 1: a field reaches beyond the end of its message");
/// assert_eq!(error.offset(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    offset: usize,
    reason: &'static str,
}

impl DecodeError {
    pub(crate) const fn new(offset: usize, reason: &'static str) -> Self {
        Self { offset, reason }
    }

    /// The position in the whole input, in bytes from its begin.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed protobuf at byte {}: {}", self.offset, self.reason)
    }
}

impl std::error::Error for DecodeError {}

/// An encoded message: its bytes, and where in the whole input they begin.
///
/// ```
/// use otlp_model::view::{Message, Wire};
/// let message = Message::new(b"\x08\x96\x01");
/// let field = message.fields().next().unwrap()?;
/// assert_eq!((field.number, field.value), (1, Wire::Varint(150)));
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: usize,
    pub(super) depth: u8,
}

impl<'a> Message<'a> {
    /// The outermost message of an input.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, depth: 0 }
    }

    /// The encoded form.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The fields in the order of the wire, repeated and unknown ones included. Ends at the first error.
    #[must_use]
    pub const fn fields(&self) -> Fields<'a> {
        Fields { rest: self.bytes, offset: self.offset, depth: self.depth }
    }

    /// `bytes`, the joined occurrences of one field, in the place of this message.
    #[cfg(feature = "json")]
    pub(crate) const fn with_bytes<'b>(&self, bytes: &'b [u8]) -> Message<'b> {
        Message { bytes, offset: self.offset, depth: self.depth }
    }
}

/// The fields of a [`Message`]. Groups, a form that OTLP never uses, are skipped (conformance MODEL-33).
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    pub(super) rest: &'a [u8],
    pub(super) offset: usize,
    pub(super) depth: u8,
}

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const START_GROUP: u32 = 3;
const END_GROUP: u32 = 4;
const FIXED32: u32 = 5;

impl<'a> Fields<'a> {
    /// How many bytes of the message are still to be read.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.error("a field reaches beyond the end of its message"));
        };
        self.rest = rest;
        self.offset += count;
        Ok(taken)
    }

    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().enumerate().take(10) {
            if index == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.take(index + 1)?;
                return Ok(value);
            }
        }
        Err(self.error(if self.rest.len() < 10 { "a varint is cut off" } else { "a varint exceeds 64 bits" }))
    }

    fn tag(&mut self) -> Result<(u32, u32), DecodeError> {
        let start = self.offset;
        match u32::try_from(self.varint()?) {
            Ok(tag) if tag >> 3 != 0 => Ok((tag >> 3, tag & 7)),
            _ => Err(DecodeError::new(start, "a field number is not between 1 and 2^29 - 1")),
        }
    }

    /// The value after a tag; `None` for a group, which is skipped.
    fn value(&mut self, number: u32, wire_type: u32) -> Result<Option<Field<'a>>, DecodeError> {
        let mut offset = self.offset;
        let value = match wire_type {
            VARINT => Wire::Varint(self.varint()?),
            FIXED64 => Wire::Fixed64(little_endian(self.take(8)?)),
            FIXED32 => Wire::Fixed32(u32::try_from(little_endian(self.take(4)?)).unwrap_or_default()),
            BYTES => {
                let length = self.varint()?;
                if length > self.rest.len() as u64 {
                    return Err(DecodeError::new(offset, "a field reaches beyond the end of its message"));
                }
                offset = self.offset;
                Wire::Bytes(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
            }
            START_GROUP => {
                self.skip_group(number)?;
                return Ok(None);
            }
            END_GROUP => return Err(self.error("a group ends that did not begin")),
            _ => return Err(self.error("unknown wire type")),
        };
        Ok(Some(Field { number, value, offset, depth: self.depth }))
    }

    fn skip_group(&mut self, number: u32) -> Result<(), DecodeError> {
        let start = self.offset;
        if self.depth >= MAX_DEPTH {
            return Err(self.error("messages nest deeper than 100 levels"));
        }
        self.depth += 1;
        while !self.rest.is_empty() {
            match self.tag()? {
                (end, END_GROUP) if end == number => {
                    self.depth -= 1;
                    return Ok(());
                }
                (inner, wire_type) => {
                    self.value(inner, wire_type)?;
                }
            }
        }
        Err(DecodeError::new(start, "a group does not end"))
    }

    const fn error(&self, reason: &'static str) -> DecodeError {
        DecodeError::new(self.offset, reason)
    }
}

pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.tag().and_then(|(number, wire_type)| self.value(number, wire_type)) {
                Ok(Some(field)) => return Some(Ok(field)),
                Ok(None) => {}
                Err(error) => {
                    self.rest = &[];
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Vec<(u32, Wire<'_>)>, DecodeError> {
        Message::new(bytes).fields().map(|field| field.map(|field| (field.number, field.value))).collect()
    }

    #[test]
    fn every_wire_type_is_read_and_groups_are_skipped() {
        // conf: MODEL-33
        let bytes = b"\x08\x01\x1b\x08\x05\x23\x24\x1c\x11\x02\0\0\0\0\0\0\0\x25\x03\0\0\0\x2a\x02hi";
        let expected =
            [(1, Wire::Varint(1)), (2, Wire::Fixed64(2)), (4, Wire::Fixed32(3)), (5, Wire::Bytes(b"hi"))];
        assert_eq!(read(bytes).unwrap(), expected);
    }

    #[test]
    fn malformed_bytes_are_named_with_their_position() {
        for (bytes, message) in [
            (&b"\x08"[..], "at byte 1: a varint is cut off"),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "at byte 1: a varint exceeds 64 bits"),
            (b"\x08\x01\x00\x01", "at byte 2: a field number is not between"),
            (b"\x0a\x02x", "at byte 1: a field reaches beyond"),
            (b"\x09\x02x", "at byte 1: a field reaches beyond"),
            (b"\x0c", "at byte 1: a group ends that did not begin"),
            (b"\x0b\x08\x01", "at byte 1: a group does not end"),
            (b"\x0b\x14", "at byte 2: a group ends that did not begin"),
            (b"\x0e", "at byte 1: unknown wire type"),
        ] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(message), "{bytes:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_as_prost_reads_them(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            // `()` is prost's message without fields: it skips all, so it accepts what is well-formed.
            prop_assert_eq!(read(&bytes).is_ok(), <() as prost::Message>::decode(&*bytes).is_ok());
        }
    }
}
