//! Attributes and values, read when asked for.

use super::request::{FromMessage, repeated};
use super::{DecodeError, Message};
use crate::{AnyValue, KeyValue};

/// The attributes of something, or the entries of a map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttributesView<'a> {
    message: Message<'a>,
    number: u32,
}

impl<'a> AttributesView<'a> {
    pub(super) const fn new(message: Message<'a>, number: u32) -> Self {
        Self { message, number }
    }

    /// Keys and values in the order of the wire. An absent value is [`ValueView::Empty`].
    pub fn iter(&self) -> impl Iterator<Item = Result<(&'a str, ValueView<'a>), DecodeError>> + use<'a> {
        repeated(self.message, self.number).map(|entry| entry.map(|Entry { key, value }| (key, value)))
    }

    /// The value of a key; of several with that key, which a writer must not make, the last one (MODEL-08).
    ///
    /// # Errors
    /// An attribute is malformed.
    pub fn get(&self, key: &str) -> Result<Option<ValueView<'a>>, DecodeError> {
        let mut found = None;
        for entry in self.iter() {
            let (name, value) = entry?;
            if name == key {
                found = Some(value);
            }
        }
        Ok(found)
    }

    /// The attributes, owned.
    ///
    /// # Errors
    /// An attribute is malformed.
    pub fn to_key_values(&self) -> Result<Vec<KeyValue>, DecodeError> {
        self.iter()
            .map(|entry| {
                let (key, value) = entry?;
                Ok(KeyValue { key: key.to_owned().into(), value: value.to_any_value()? })
            })
            .collect()
    }
}

struct Entry<'a> {
    key: &'a str,
    value: ValueView<'a>,
}

impl<'a> FromMessage<'a> for Entry<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut entry = Self { key: "", value: ValueView::Empty };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => entry.key = field.string()?,
                2 => entry.value = ValueView::from_message(field.message()?)?,
                // 3 is an index into a table that only profiles have: absent elsewhere (MODEL-12).
                _ => {}
            }
        }
        Ok(entry)
    }
}

/// A value of any kind, borrowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueView<'a> {
    /// No value.
    Empty,
    /// UTF-8 text.
    String(&'a str),
    /// A truth value.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A 64-bit float.
    Double(f64),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// Values of any kinds.
    Array(ArrayView<'a>),
    /// Keys and values.
    Map(AttributesView<'a>),
}

impl<'a> ValueView<'a> {
    /// The value, owned.
    ///
    /// # Errors
    /// A value within is malformed, or values nest deeper than messages may.
    pub fn to_any_value(&self) -> Result<AnyValue, DecodeError> {
        Ok(match self {
            Self::Empty => AnyValue::Empty,
            Self::String(text) => AnyValue::String((*text).to_owned().into()),
            Self::Bool(value) => AnyValue::Bool(*value),
            Self::Int(value) => AnyValue::Int(*value),
            Self::Double(value) => AnyValue::Double(*value),
            Self::Bytes(bytes) => AnyValue::Bytes(bytes.to_vec()),
            Self::Array(array) => {
                AnyValue::Array(array.iter().map(|value| value?.to_any_value()).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => AnyValue::Map(entries.to_key_values()?),
        })
    }
}

impl<'a> FromMessage<'a> for ValueView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut value = Self::Empty;
        for field in message.fields() {
            let field = field?;
            value = match field.number {
                1 => Self::String(field.string()?),
                2 => Self::Bool(field.varint()? != 0),
                3 => Self::Int(field.varint()?.cast_signed()),
                4 => Self::Double(f64::from_bits(field.fixed64()?)),
                5 => Self::Array(ArrayView { message: field.message()? }),
                6 => Self::Map(AttributesView::new(field.message()?, 1)),
                7 => Self::Bytes(field.bytes()?),
                // 8 is an index into a table that only profiles have: absent elsewhere (MODEL-12).
                _ => value,
            };
        }
        Ok(value)
    }
}

/// An array of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArrayView<'a> {
    message: Message<'a>,
}

impl<'a> ArrayView<'a> {
    /// The values in order; empty ones keep their place (MODEL-11).
    pub fn iter(&self) -> impl Iterator<Item = Result<ValueView<'a>, DecodeError>> + use<'a> {
        repeated(self.message, 1)
    }
}
