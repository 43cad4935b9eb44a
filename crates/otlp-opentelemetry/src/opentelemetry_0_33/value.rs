//! Their values as ours: by reference, so that the writer takes them as they are.
//!
//! Lists are the exception: what holds their elements has another shape, so they are put together anew. Never copies a text
//! that is a value or an element of a list of texts.

use super::opentelemetry::{self, Array, KeyValue, Value};
use otlp::{AnyValue, SpanWriter, ToValue, ValueRef};

/// A value, or a list of values, as the writer takes it.
pub(super) enum Converted<'a> {
    Plain(ValueRef<'a>),
    Texts(Vec<&'a str>),
    Owned(AnyValue),
}

impl ToValue for Converted<'_> {
    #[inline]
    fn to_value(&self) -> ValueRef<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::Texts(texts) => ValueRef::Strings(texts),
            Self::Owned(value) => value.to_value(),
        }
    }
}

impl<'a> From<&'a Value> for Converted<'a> {
    #[inline]
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Bool(value) => Self::Plain(ValueRef::Bool(*value)),
            Value::I64(value) => Self::Plain(ValueRef::Int(*value)),
            Value::F64(value) => Self::Plain(ValueRef::Double(*value)),
            Value::String(value) => Self::Plain(ValueRef::String(value.as_str())),
            value => Self::unusual(value),
        }
    }
}

impl<'a> Converted<'a> {
    fn unusual(value: &'a Value) -> Self {
        let Value::Array(array) = value else {
            // A kind of value that this version does not have.
            return Self::Owned(AnyValue::from(value.as_str().into_owned()));
        };
        match array {
            Array::Bool(values) => Self::Owned(list(values)),
            Array::I64(values) => Self::Owned(list(values)),
            Array::F64(values) => Self::Owned(list(values)),
            Array::String(values) => Self::Texts(values.iter().map(|value| value.as_str()).collect()),
            other => Self::Owned(AnyValue::from(other.to_string())),
        }
    }
}

fn list<T: Copy + Into<AnyValue>>(values: &[T]) -> AnyValue {
    AnyValue::Array(values.iter().map(|value| (*value).into()).collect())
}

impl<'a> From<&'a opentelemetry::logs::AnyValue> for Converted<'a> {
    #[inline]
    fn from(value: &'a opentelemetry::logs::AnyValue) -> Self {
        use opentelemetry::logs::AnyValue as Theirs;
        match value {
            Theirs::Int(value) => Self::Plain(ValueRef::Int(*value)),
            Theirs::Double(value) => Self::Plain(ValueRef::Double(*value)),
            Theirs::String(value) => Self::Plain(ValueRef::String(value.as_str())),
            Theirs::Boolean(value) => Self::Plain(ValueRef::Bool(*value)),
            Theirs::Bytes(value) => Self::Plain(ValueRef::Bytes(value)),
            value => Self::Owned(owned(value)),
        }
    }
}

/// Lists and maps of a log record, whatever is in them.
fn owned(value: &opentelemetry::logs::AnyValue) -> AnyValue {
    use opentelemetry::logs::AnyValue as Theirs;
    match value {
        Theirs::Int(value) => AnyValue::Int(*value),
        Theirs::Double(value) => AnyValue::Double(*value),
        Theirs::String(value) => AnyValue::from(value.as_str().to_owned()),
        Theirs::Boolean(value) => AnyValue::Bool(*value),
        Theirs::Bytes(value) => AnyValue::Bytes(value.to_vec()),
        Theirs::ListAny(values) => AnyValue::Array(values.iter().map(owned).collect()),
        Theirs::Map(entries) => {
            let entry = |(key, value): (&opentelemetry::Key, &Theirs)| {
                otlp::KeyValue::new(key.as_str().to_owned(), owned(value))
            };
            AnyValue::Map(entries.iter().map(entry).collect())
        }
        _ => AnyValue::Empty,
    }
}

/// What attributes are set on.
pub(super) trait Attributes {
    fn set(&mut self, key: &str, value: impl ToValue);
}

impl Attributes for otlp::Span {
    fn set(&mut self, key: &str, value: impl ToValue) {
        self.set_attribute(key, value);
    }
}

impl Attributes for SpanWriter {
    fn set(&mut self, key: &str, value: impl ToValue) {
        self.set_attribute(key, value.to_value());
    }
}

/// Sets an attribute, each usual kind by a call of its own: put together first and then taken apart, a value costs more than
/// the rest of it.
#[inline]
pub(super) fn set_attribute(on: &mut impl Attributes, attribute: &KeyValue) {
    let key = attribute.key.as_str();
    match &attribute.value {
        Value::Bool(value) => on.set(key, *value),
        Value::I64(value) => on.set(key, *value),
        Value::F64(value) => on.set(key, *value),
        Value::String(value) => on.set(key, value.as_str()),
        value => on.set(key, Converted::unusual(value)),
    }
}

/// An attribute as the writer takes it, where it takes many at once.
#[inline]
pub(super) fn pair(attribute: &KeyValue) -> (&str, Converted<'_>) {
    (attribute.key.as_str(), Converted::from(&attribute.value))
}

/// An attribute to keep: for resources and scopes, and for samplers that look at attributes.
pub(super) fn to_owned(key: &str, value: &Value) -> otlp::KeyValue {
    let value = match Converted::from(value) {
        Converted::Plain(ValueRef::Bool(value)) => value.into(),
        Converted::Plain(ValueRef::Int(value)) => value.into(),
        Converted::Plain(ValueRef::Double(value)) => value.into(),
        Converted::Plain(ValueRef::String(value)) => value.to_owned().into(),
        Converted::Plain(_) => AnyValue::Empty,
        Converted::Texts(texts) => AnyValue::Array(texts.into_iter().map(|t| t.to_owned().into()).collect()),
        Converted::Owned(value) => value,
    };
    otlp::KeyValue::new(key.to_owned(), value)
}

/// Their scope as ours; `target`, if there is one, goes for its name.
pub(super) fn scope(
    scope: &opentelemetry::InstrumentationScope,
    target: Option<&str>,
) -> otlp::InstrumentationScope {
    otlp::InstrumentationScope {
        name: target.unwrap_or(scope.name()).to_owned().into(),
        version: scope.version().unwrap_or_default().to_owned().into(),
        attributes: scope.attributes().map(|kv| to_owned(kv.key.as_str(), &kv.value)).collect(),
        dropped_attributes_count: 0,
        schema_url: scope.schema_url().unwrap_or_default().to_owned().into(),
    }
}
