//! Attributes that are the same each time: encoded once, then copied in one go.
//!
//! Used by the writers of live records, and by who has such attributes: where in the source something is, on which thread, what a
//! connection is to. Knows no limits; where they might cost something, the attributes are set one by one.

use crate::key::hash;
use crate::wire::{Noted, ValueLimits, put_key_value};
use crate::{AnyValue, KeyValue, ToValue};

/// The tag they are encoded with; a writer with another one puts it in its place.
pub(crate) const PREPARED_TAG: u8 = 0x4a;

/// Attributes whose keys and values are known ahead, as they go over the wire: for records of which many have the same.
///
/// ```
/// use otlp_model::{KeyValue, Limits, PreparedAttributes, SpanContext, SpanId, SpanKind, SpanWriter};
/// let place = PreparedAttributes::new([
///     KeyValue::new("code.file.path", "src/cart.rs"),
///     KeyValue::new("code.line.number", 17),
/// ]);
/// let mut writer = SpanWriter::new();
/// writer.start(&Limits::default(), &SpanContext::default(), SpanId::INVALID, false, "load cart", SpanKind::Internal, 1);
/// writer.set_prepared(&place);
/// writer.add_event_prepared("loaded", 2, &place, [("cart.items", 3)]);
/// assert_eq!(place.attributes().len(), 2);
/// ```
#[derive(Debug, Clone, Default)]
pub struct PreparedAttributes {
    attributes: Vec<KeyValue>,
    bytes: Vec<u8>,
    noted: Noted,
    /// How long the longest text is. `None` if there are values of which limits take more than length, or keys that are none.
    longest: Option<usize>,
}

impl PreparedAttributes {
    /// Encodes attributes. Of those with the same key the last counts, in the place of the first.
    #[must_use]
    pub fn new(attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        let mut unique: Vec<KeyValue> = Vec::new();
        for attribute in attributes {
            match unique.iter_mut().find(|earlier| earlier.key == attribute.key) {
                Some(earlier) => *earlier = attribute,
                None => unique.push(attribute),
            }
        }
        let (mut bytes, mut noted, mut longest) = (Vec::new(), Noted::default(), Some(0));
        for KeyValue { key, value } in &unique {
            noted.push(hash(key.as_bytes()), bytes.len());
            put_key_value(&mut bytes, PREPARED_TAG, key, value.to_value(), ValueLimits::UNLIMITED);
            longest = match value {
                _ if key.is_empty() => None,
                AnyValue::String(text) => longest.map(|longest: usize| longest.max(text.len())),
                AnyValue::Bool(_) | AnyValue::Int(_) | AnyValue::Double(_) => longest,
                _ => None,
            };
        }
        Self { attributes: unique, bytes, noted, longest }
    }

    /// The attributes, each key once.
    #[must_use]
    pub fn attributes(&self) -> &[KeyValue] {
        &self.attributes
    }

    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(crate) fn noted(&self) -> &Noted {
        &self.noted
    }

    /// Whether no limit on values changes any.
    #[inline]
    pub(crate) fn is_allowed(&self, limits: ValueLimits) -> bool {
        self.longest.is_some_and(|longest| limits.surely_keep_len(longest))
    }
}
