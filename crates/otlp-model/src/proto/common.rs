//! Values, attributes, resources and scopes.

use super::generated::common::v1::{self as proto, any_value::Value};
use super::generated::resource::v1 as resource;
use super::into_all;
use crate::wire::for_each_unique;
use crate::{AnyValue, InstrumentationScope, KeyValue, Limits, Resource};

impl From<AnyValue> for proto::AnyValue {
    fn from(value: AnyValue) -> Self {
        generate(&value, Limits::MAX_DEPTH)
    }
}

/// A value that may hold `depth` levels of arrays and maps.
fn generate(value: &AnyValue, depth: usize) -> proto::AnyValue {
    let value = match value {
        AnyValue::Empty => None,
        AnyValue::String(text) => Some(Value::StringValue(text.to_string())),
        AnyValue::Bool(value) => Some(Value::BoolValue(*value)),
        AnyValue::Int(value) => Some(Value::IntValue(*value)),
        AnyValue::Double(value) => Some(Value::DoubleValue(*value)),
        AnyValue::Bytes(bytes) => Some(Value::BytesValue(bytes.clone())),
        AnyValue::Array(values) => depth.checked_sub(1).map(|depth| {
            let values = values.iter().map(|value| generate(value, depth)).collect();
            Value::ArrayValue(proto::ArrayValue { values })
        }),
        AnyValue::Map(entries) => depth.checked_sub(1).map(|depth| {
            let mut values = Vec::with_capacity(entries.len());
            for_each_unique(entries, |key, value, _| values.push(entry(key, value, depth)));
            Value::KvlistValue(proto::KeyValueList { values })
        }),
    };
    proto::AnyValue { value }
}

fn entry(key: &str, value: &AnyValue, depth: usize) -> proto::KeyValue {
    proto::KeyValue { key: key.to_owned(), value: Some(generate(value, depth)), key_strindex: 0 }
}

/// Attributes with unique keys, and how many had none.
pub(super) fn attributes(attributes: &[KeyValue]) -> (Vec<proto::KeyValue>, u32) {
    let (mut kept, mut discarded) = (Vec::with_capacity(attributes.len()), 0u32);
    for_each_unique(attributes, |key, value, times| {
        if key.is_empty() {
            discarded = discarded.saturating_add(times);
        } else {
            kept.push(entry(key, value, Limits::MAX_DEPTH));
        }
    });
    (kept, discarded)
}

impl From<proto::AnyValue> for AnyValue {
    /// A reference into a string table, which only profiles have, is an empty value (conformance MODEL-12).
    fn from(value: proto::AnyValue) -> Self {
        match value.value {
            None | Some(Value::StringValueStrindex(_)) => Self::Empty,
            Some(Value::StringValue(text)) => Self::from(text),
            Some(Value::BoolValue(value)) => Self::Bool(value),
            Some(Value::IntValue(value)) => Self::Int(value),
            Some(Value::DoubleValue(value)) => Self::Double(value),
            Some(Value::BytesValue(bytes)) => Self::Bytes(bytes),
            Some(Value::ArrayValue(array)) => Self::Array(into_all(array.values)),
            Some(Value::KvlistValue(list)) => Self::Map(into_all(list.values)),
        }
    }
}

impl From<KeyValue> for proto::KeyValue {
    fn from(attribute: KeyValue) -> Self {
        entry(&attribute.key, &attribute.value, Limits::MAX_DEPTH)
    }
}

impl From<proto::KeyValue> for KeyValue {
    fn from(attribute: proto::KeyValue) -> Self {
        Self::new(attribute.key, attribute.value.map_or(AnyValue::Empty, AnyValue::from))
    }
}

impl From<Resource> for resource::Resource {
    /// Without the schema URL, whose place is beside the resource.
    fn from(resource: Resource) -> Self {
        let (attributes, dropped_attributes_count) = attributes(&resource.attributes);
        Self { attributes, dropped_attributes_count, entity_refs: Vec::new() }
    }
}

impl From<resource::Resource> for Resource {
    /// Without schema URL, dropped count and entity references, which the typed resource does not have.
    fn from(resource: resource::Resource) -> Self {
        Self { attributes: into_all(resource.attributes), ..Self::default() }
    }
}

impl From<InstrumentationScope> for proto::InstrumentationScope {
    /// Without the schema URL, whose place is beside the scope.
    fn from(scope: InstrumentationScope) -> Self {
        let (attributes, discarded) = attributes(&scope.attributes);
        Self {
            name: scope.name.into_owned(),
            version: scope.version.into_owned(),
            attributes,
            dropped_attributes_count: scope.dropped_attributes_count.saturating_add(discarded),
        }
    }
}

impl From<proto::InstrumentationScope> for InstrumentationScope {
    /// Without schema URL, whose place is beside the scope.
    fn from(scope: proto::InstrumentationScope) -> Self {
        Self {
            name: scope.name.into(),
            version: scope.version.into(),
            attributes: into_all(scope.attributes),
            dropped_attributes_count: scope.dropped_attributes_count,
            ..Self::default()
        }
    }
}
