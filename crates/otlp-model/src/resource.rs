//! What produces telemetry: the resource (a process, a service) and the instrumentation scope (a library, a module).

use crate::{AnyValue, KeyValue};
use std::borrow::Cow;

/// The entity that produces telemetry, described by attributes.
///
/// ```
/// use otlp_model::{AnyValue, Resource};
/// let base = Resource::new().with("service.name", "unknown_service").with("host.name", "a");
/// let merged = base.merge(Resource::new().with("service.name", "checkout"));
/// assert_eq!(merged.get("service.name"), Some(&AnyValue::from("checkout")));
/// assert_eq!(merged.attributes.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// Unique keys; [`Resource::with`] and [`Resource::merge`] keep them so, and the writer makes sure.
    pub attributes: Vec<KeyValue>,
    /// The schema the attributes follow, empty if none is claimed.
    pub schema_url: Cow<'static, str>,
}

impl Resource {
    /// A resource without attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This resource with one attribute set, replacing an earlier value of the same key.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<AnyValue>) -> Self {
        self.set(KeyValue::new(key, value));
        self
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&AnyValue> {
        self.attributes.iter().find(|attribute| attribute.key == key).map(|attribute| &attribute.value)
    }

    /// The union of both; `update` wins, even with an empty value (conformance RES-04). Of two different schema URLs
    /// neither is claimed for the result (RES-05).
    #[must_use]
    pub fn merge(mut self, update: Self) -> Self {
        for attribute in update.attributes {
            self.set(attribute);
        }
        if self.schema_url.is_empty() {
            self.schema_url = update.schema_url;
        } else if !update.schema_url.is_empty() && update.schema_url != self.schema_url {
            self.schema_url = Cow::Borrowed("");
        }
        self
    }

    fn set(&mut self, attribute: KeyValue) {
        match self.attributes.iter_mut().find(|existing| existing.key == attribute.key) {
            Some(existing) => existing.value = attribute.value,
            None => self.attributes.push(attribute),
        }
    }
}

/// The library or module that makes telemetry: a tracer's name and version.
///
/// ```
/// let scope = otlp_model::InstrumentationScope::new("checkout").with_version("1.4.0");
/// assert_eq!(scope.name, "checkout");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InstrumentationScope {
    /// The scope's name; empty is legal and equals an absent scope.
    pub name: Cow<'static, str>,
    /// The version, empty if unknown.
    pub version: Cow<'static, str>,
    /// Attributes with unique keys.
    pub attributes: Vec<KeyValue>,
    /// How many attributes were discarded because of limits.
    pub dropped_attributes_count: u32,
    /// The schema that the scope and its items follow, empty if none is claimed.
    pub schema_url: Cow<'static, str>,
}

impl InstrumentationScope {
    /// A scope with a name only.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// This scope with a version.
    #[must_use]
    pub fn with_version(self, version: impl Into<Cow<'static, str>>) -> Self {
        Self { version: version.into(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_unites_and_the_update_wins() {
        // conf: RES-04
        let merged =
            Resource::new().with("a", 1).with("b", 2).merge(Resource::new().with("b", AnyValue::Empty));
        assert_eq!(merged.get("a"), Some(&AnyValue::Int(1)));
        assert_eq!(merged.get("b"), Some(&AnyValue::Empty));
    }

    #[test]
    fn schema_urls_merge_by_the_rules() {
        // conf: RES-05
        let with = |url: &'static str| Resource { schema_url: url.into(), ..Resource::default() };
        assert_eq!(with("").merge(with("x")).schema_url, "x");
        assert_eq!(with("x").merge(with("")).schema_url, "x");
        assert_eq!(with("x").merge(with("x")).schema_url, "x");
        assert_eq!(with("x").merge(with("y")).schema_url, "");
    }
}
