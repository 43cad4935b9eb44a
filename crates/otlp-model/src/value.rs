//! Attribute values: the owned [`AnyValue`] and the borrowed [`ValueRef`] the wire writer takes.

use std::borrow::Cow;

/// A value of any kind that OpenTelemetry knows, owned.
///
/// [`AnyValue::Empty`] is a value of its own (conformance MODEL-11): it survives the pipeline, as do zero, `""` and
/// empty arrays.
///
/// ```
/// use otlp_model::{AnyValue, KeyValue};
/// let value = AnyValue::Map(vec![KeyValue::new("retries", 3), KeyValue::new("hosts", vec!["a", "b"])]);
/// assert!(matches!(value, AnyValue::Map(entries) if entries.len() == 2));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum AnyValue {
    /// No value.
    #[default]
    Empty,
    /// UTF-8 text.
    String(Cow<'static, str>),
    /// A truth value.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A 64-bit float; not-a-number and infinities are kept.
    Double(f64),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// Values of any, also mixed, kinds.
    Array(Vec<AnyValue>),
    /// Keys and values; keys are made unique when written, the last one wins.
    Map(Vec<KeyValue>),
}

/// A key and its value: an attribute, or an entry of [`AnyValue::Map`].
#[derive(Debug, Clone, PartialEq)]
pub struct KeyValue {
    /// The key: not empty, case-sensitive.
    pub key: Cow<'static, str>,
    /// The value.
    pub value: AnyValue,
}

impl KeyValue {
    /// An attribute.
    ///
    /// ```
    /// let attribute = otlp_model::KeyValue::new("http.response.status_code", 200);
    /// assert_eq!(attribute.value, otlp_model::AnyValue::Int(200));
    /// ```
    pub fn new(key: impl Into<Cow<'static, str>>, value: impl Into<AnyValue>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// A borrowed value: what the wire writer takes, so that setting an attribute copies bytes once and allocates nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// No value.
    Empty,
    /// UTF-8 text.
    String(&'a str),
    /// A truth value.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// An unsigned integer; above `i64::MAX` it is written as its decimal text (the specification's type mapping).
    Uint(u64),
    /// A 64-bit float.
    Double(f64),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// Values of any kinds.
    Array(&'a [AnyValue]),
    /// Texts: an array without building one of [`AnyValue`].
    Strings(&'a [&'a str]),
    /// Keys and values.
    Map(&'a [KeyValue]),
}

/// What can be set as an attribute's value without being converted first.
///
/// ```
/// use otlp_model::{ToValue, ValueRef};
/// assert_eq!("GET".to_value(), ValueRef::String("GET"));
/// assert_eq!(200u16.to_value(), ValueRef::Int(200));
/// assert_eq!(String::from("x").to_value(), ValueRef::String("x"));
/// ```
pub trait ToValue {
    /// The value, borrowed from `self`.
    fn to_value(&self) -> ValueRef<'_>;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    #[inline]
    fn to_value(&self) -> ValueRef<'_> {
        (**self).to_value()
    }
}

impl ToValue for AnyValue {
    fn to_value(&self) -> ValueRef<'_> {
        match self {
            Self::Empty => ValueRef::Empty,
            Self::String(text) => ValueRef::String(text),
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Int(value) => ValueRef::Int(*value),
            Self::Double(value) => ValueRef::Double(*value),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
            Self::Array(values) => ValueRef::Array(values),
            Self::Map(entries) => ValueRef::Map(entries),
        }
    }
}

macro_rules! values {
    ($($type:ty => |$v:ident| $reference:expr, $owned:expr;)*) => {$(
        impl ToValue for $type {
            #[inline]
            fn to_value(&self) -> ValueRef<'_> {
                let $v = self;
                $reference
            }
        }
        impl From<$type> for AnyValue {
            fn from($v: $type) -> Self {
                $owned
            }
        }
    )*};
}

values! {
    bool => |v| ValueRef::Bool(*v), Self::Bool(v);
    i8 => |v| ValueRef::Int(i64::from(*v)), Self::Int(i64::from(v));
    i16 => |v| ValueRef::Int(i64::from(*v)), Self::Int(i64::from(v));
    i32 => |v| ValueRef::Int(i64::from(*v)), Self::Int(i64::from(v));
    i64 => |v| ValueRef::Int(*v), Self::Int(v);
    u8 => |v| ValueRef::Int(i64::from(*v)), Self::Int(i64::from(v));
    u16 => |v| ValueRef::Int(i64::from(*v)), Self::Int(i64::from(v));
    u32 => |v| ValueRef::Int(i64::from(*v)), Self::Int(i64::from(v));
    u64 => |v| ValueRef::Uint(*v), unsigned(v);
    usize => |v| ValueRef::Uint(*v as u64), unsigned(v as u64);
    isize => |v| ValueRef::Int(*v as i64), Self::Int(v as i64);
    f32 => |v| ValueRef::Double(f64::from(*v)), Self::Double(f64::from(v));
    f64 => |v| ValueRef::Double(*v), Self::Double(v);
    String => |v| ValueRef::String(v), Self::String(Cow::Owned(v));
    Cow<'static, str> => |v| ValueRef::String(v), Self::String(v);
    Vec<u8> => |v| ValueRef::Bytes(v), Self::Bytes(v);
    Vec<AnyValue> => |v| ValueRef::Array(v), Self::Array(v);
    Vec<KeyValue> => |v| ValueRef::Map(v), Self::Map(v);
}

fn unsigned(value: u64) -> AnyValue {
    i64::try_from(value).map_or_else(|_| AnyValue::from(value.to_string()), AnyValue::Int)
}

impl ToValue for str {
    #[inline]
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::String(self)
    }
}

impl ToValue for [u8] {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Bytes(self)
    }
}

impl ToValue for [&str] {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Strings(self)
    }
}

impl<const N: usize> ToValue for [&str; N] {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Strings(self)
    }
}

macro_rules! references {
    ($($type:ty),*) => {$(
        impl From<$type> for ValueRef<'_> {
            #[inline]
            fn from(value: $type) -> Self {
                match value.to_value() {
                    ValueRef::Bool(value) => Self::Bool(value),
                    ValueRef::Int(value) => Self::Int(value),
                    ValueRef::Uint(value) => Self::Uint(value),
                    ValueRef::Double(value) => Self::Double(value),
                    _ => Self::Empty,
                }
            }
        }
    )*};
}

references!(bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

impl<'a, T: ToValue + ?Sized> From<&'a T> for ValueRef<'a> {
    #[inline]
    fn from(value: &'a T) -> Self {
        value.to_value()
    }
}

impl ToValue for ValueRef<'_> {
    #[inline]
    fn to_value(&self) -> ValueRef<'_> {
        *self
    }
}

impl From<&'static str> for AnyValue {
    fn from(text: &'static str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl From<Vec<&'static str>> for AnyValue {
    fn from(texts: Vec<&'static str>) -> Self {
        Self::Array(texts.into_iter().map(Self::from).collect())
    }
}

impl From<Vec<i64>> for AnyValue {
    fn from(values: Vec<i64>) -> Self {
        Self::Array(values.into_iter().map(Self::Int).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_attributes_can_mix_kinds() {
        let host = String::from("db-1");
        let attributes: &[(&str, ValueRef<'_>)] =
            &[("retries", 3.into()), ("host", (&host).into()), ("tls", true.into()), ("rate", 0.5.into())];
        let kinds: Vec<_> = attributes.iter().map(|(_, value)| *value).collect();
        let expected =
            [ValueRef::Int(3), ValueRef::String("db-1"), ValueRef::Bool(true), ValueRef::Double(0.5)];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn integers_beyond_64_bits_signed_become_decimal_text() {
        // conf: MODEL-34
        assert_eq!(AnyValue::from(u64::MAX), AnyValue::from("18446744073709551615"));
        assert_eq!(AnyValue::from(7u64), AnyValue::Int(7));
    }
}
