//! Where a request's attributes go: into the span, or before its start into a list for the sampler to see.

use http::{HeaderMap, HeaderName, HeaderValue};
use otlp::{AnyValue, Key, KeyValue, Span, ValueRef};

/// Takes attributes.
pub(crate) trait Attributes {
    fn put(&mut self, key: &'static Key, value: ValueRef<'_>);
    fn put_texts(&mut self, key: &str, values: &[&str]);

    fn text(&mut self, key: &'static Key, value: &str) {
        self.put(key, ValueRef::String(value));
    }

    fn number(&mut self, key: &'static Key, value: impl Into<i64>) {
        self.put(key, ValueRef::Int(value.into()));
    }
}

impl Attributes for Span {
    fn put(&mut self, key: &'static Key, value: ValueRef<'_>) {
        self.set_attribute(key, value);
    }

    fn put_texts(&mut self, key: &str, values: &[&str]) {
        self.set_attribute(key, values);
    }
}

impl Attributes for Vec<KeyValue> {
    fn put(&mut self, key: &'static Key, value: ValueRef<'_>) {
        let value = match value {
            ValueRef::String(text) => AnyValue::from(text.to_owned()),
            ValueRef::Int(number) => AnyValue::Int(number),
            _ => AnyValue::Empty,
        };
        self.push(KeyValue::new(key, value));
    }

    fn put_texts(&mut self, key: &str, values: &[&str]) {
        let values: Vec<AnyValue> = values.iter().map(|value| AnyValue::from((*value).to_owned())).collect();
        self.push(KeyValue::new(key.to_owned(), values));
    }
}

/// A header that was asked for, with the names of its attribute in HTTP and in gRPC.
#[derive(Debug, Clone)]
pub(crate) struct Captured {
    name: HeaderName,
    http: String,
    grpc: String,
}

impl Captured {
    pub(crate) fn request(name: HeaderName) -> Self {
        Self {
            http: format!("http.request.header.{name}"),
            grpc: format!("rpc.request.metadata.{name}"),
            name,
        }
    }

    pub(crate) fn response(name: HeaderName) -> Self {
        Self {
            http: format!("http.response.header.{name}"),
            grpc: format!("rpc.response.metadata.{name}"),
            name,
        }
    }

    /// Puts those of the `wanted` headers that are there.
    pub(crate) fn put(wanted: &[Self], headers: &HeaderMap, is_grpc: bool, to: &mut impl Attributes) {
        for Self { name, http, grpc } in wanted {
            let values: Vec<&str> = headers.get_all(name).iter().filter_map(text).collect();
            if !values.is_empty() {
                to.put_texts(if is_grpc { grpc } else { http }, &values);
            }
        }
    }
}

/// A header's value, if it is text.
pub(crate) fn text(value: &HeaderValue) -> Option<&str> {
    str::from_utf8(value.as_bytes()).ok()
}
