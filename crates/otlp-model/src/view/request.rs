//! Requests of any signal: resources, their scopes, their items. The three signals differ in the item only.

use super::{AttributesView, DecodeError, LogRecordView, Message, MetricView, SpanView};
use crate::{InstrumentationScope, Resource};
use std::marker::PhantomData;

/// A view of an `ExportTraceServiceRequest`.
pub type TracesView<'a> = RequestView<'a, SpanView<'a>>;
/// A view of an `ExportMetricsServiceRequest`.
pub type MetricsView<'a> = RequestView<'a, MetricView<'a>>;
/// A view of an `ExportLogsServiceRequest`.
pub type LogsView<'a> = RequestView<'a, LogRecordView<'a>>;

/// What can be read from an encoded message.
pub trait FromMessage<'a>: Sized {
    /// Reads the message's own fields; nested messages are read when asked for.
    ///
    /// # Errors
    /// The bytes are no such message.
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError>;
}

/// The messages of one repeated field.
pub(super) fn repeated<'a, T: FromMessage<'a>>(
    message: Message<'a>,
    number: u32,
) -> impl Iterator<Item = Result<T, DecodeError>> {
    message.fields().filter_map(move |field| match field {
        Ok(field) if field.number == number => Some(field.message().and_then(T::from_message)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// A view of a whole request whose items are `T`: [`SpanView`], [`MetricView`] or [`LogRecordView`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequestView<'a, T> {
    message: Message<'a>,
    item: PhantomData<T>,
}

impl<'a, T> RequestView<'a, T> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { message: Message::new(bytes), item: PhantomData }
    }
}

impl<'a, T: FromMessage<'a>> RequestView<'a, T> {
    /// The `ResourceSpans`, `ResourceMetrics` or `ResourceLogs`.
    pub fn resources(
        &self,
    ) -> impl Iterator<Item = Result<ResourceGroupView<'a, T>, DecodeError>> + use<'a, T> {
        repeated(self.message, 1)
    }

    /// The items of all resources and scopes in the order of the wire.
    pub fn items(&self) -> impl Iterator<Item = Result<T, DecodeError>> + use<'a, T> {
        flatten(self.resources(), |resource| flatten(resource.scopes(), |scope| scope.items()))
    }
}

/// The elements that `inner` makes of each `outer`; an error in `outer` is an element.
fn flatten<O, T, I: Iterator<Item = Result<T, DecodeError>>>(
    outer: impl Iterator<Item = Result<O, DecodeError>>,
    inner: impl Fn(O) -> I,
) -> impl Iterator<Item = Result<T, DecodeError>> {
    outer.flat_map(move |element| {
        let (elements, error) = match element {
            Ok(element) => (Some(inner(element)), None),
            Err(error) => (None, Some(Err(error))),
        };
        elements.into_iter().flatten().chain(error)
    })
}

/// The message of a group, its head and its schema URL: the same fields for resources and scopes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Group<'a> {
    message: Message<'a>,
    head: Message<'a>,
    schema_url: &'a str,
}

impl<'a> Group<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut group = Self { message, head: Message::new(&[]), schema_url: "" };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => group.head = field.message()?,
                3 => group.schema_url = field.string()?,
                _ => {}
            }
        }
        Ok(group)
    }
}

/// A resource with the scopes under it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ResourceGroupView<'a, T> {
    /// The resource; without attributes if absent.
    pub resource: ResourceView<'a>,
    /// The schema of the resource's attributes, empty if none is claimed. Says nothing about the items (MODEL-13).
    pub schema_url: &'a str,
    message: Message<'a>,
    item: PhantomData<T>,
}

impl<'a, T> FromMessage<'a> for ResourceGroupView<'a, T> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let Group { message, head, schema_url } = Group::from_message(message)?;
        Ok(Self { resource: ResourceView::from_message(head)?, schema_url, message, item: PhantomData })
    }
}

impl<'a, T: FromMessage<'a>> ResourceGroupView<'a, T> {
    /// The `ScopeSpans`, `ScopeMetrics` or `ScopeLogs`.
    pub fn scopes(&self) -> impl Iterator<Item = Result<ScopeGroupView<'a, T>, DecodeError>> + use<'a, T> {
        repeated(self.message, 2)
    }

    /// The resource and its schema URL, owned.
    ///
    /// # Errors
    /// An attribute is malformed.
    pub fn to_resource(&self) -> Result<Resource, DecodeError> {
        let attributes = self.resource.attributes.to_key_values()?;
        Ok(Resource { attributes, schema_url: self.schema_url.to_owned().into() })
    }
}

/// A scope with the items under it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ScopeGroupView<'a, T> {
    /// The scope; without a name if absent.
    pub scope: ScopeView<'a>,
    /// The schema of the scope and its items, empty if none is claimed (MODEL-13).
    pub schema_url: &'a str,
    message: Message<'a>,
    item: PhantomData<T>,
}

impl<'a, T> FromMessage<'a> for ScopeGroupView<'a, T> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let Group { message, head, schema_url } = Group::from_message(message)?;
        Ok(Self { scope: ScopeView::from_message(head)?, schema_url, message, item: PhantomData })
    }
}

impl<'a, T: FromMessage<'a>> ScopeGroupView<'a, T> {
    /// The spans, metrics or log records.
    pub fn items(&self) -> impl Iterator<Item = Result<T, DecodeError>> + use<'a, T> {
        repeated(self.message, 2)
    }

    /// The scope and its schema URL, owned.
    ///
    /// # Errors
    /// An attribute is malformed.
    pub fn to_scope(&self) -> Result<InstrumentationScope, DecodeError> {
        Ok(InstrumentationScope {
            name: self.scope.name.to_owned().into(),
            version: self.scope.version.to_owned().into(),
            attributes: self.scope.attributes.to_key_values()?,
            dropped_attributes_count: self.scope.dropped_attributes_count,
            schema_url: self.schema_url.to_owned().into(),
        })
    }
}

/// The entity that made the telemetry.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ResourceView<'a> {
    /// What describes it.
    pub attributes: AttributesView<'a>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
}

impl<'a> FromMessage<'a> for ResourceView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut resource = Self { attributes: AttributesView::new(message, 1), dropped_attributes_count: 0 };
        for field in message.fields() {
            let field = field?;
            if field.number == 2 {
                resource.dropped_attributes_count = field.uint32()?;
            }
        }
        Ok(resource)
    }
}

/// The library or module that made the telemetry.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ScopeView<'a> {
    /// The scope's name.
    pub name: &'a str,
    /// The version, empty if unknown.
    pub version: &'a str,
    /// What describes it.
    pub attributes: AttributesView<'a>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
}

impl<'a> FromMessage<'a> for ScopeView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let attributes = AttributesView::new(message, 3);
        let mut scope = Self { name: "", version: "", attributes, dropped_attributes_count: 0 };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => scope.name = field.string()?,
                2 => scope.version = field.string()?,
                4 => scope.dropped_attributes_count = field.uint32()?,
                _ => {}
            }
        }
        Ok(scope)
    }
}
