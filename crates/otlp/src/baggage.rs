//! Baggage: what the application lets travel with a trace, beside the identity of its spans.
//!
//! Used by contexts and by the baggage propagator; `baggage/header.rs` reads and writes the W3C header. Works without a
//! client. Nothing of it is recorded on spans by itself.

mod header;

use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// An immutable list of names and values that travels with a context, through this process and into others. Cloning is
/// a reference count; empty costs nothing.
///
/// Names and values are any text, in which case matters; a name has one value, and the last one set wins (conformance
/// PROP-31). Of what goes to other processes the limits are 64 members and 8,192 bytes: see
/// [`BaggagePropagator`](crate::propagation::BaggagePropagator).
///
/// # Privacy
///
/// Baggage is sent in clear text with **every** request that its context is injected into, also to services of others,
/// and what these do with it is theirs to decide. No secrets, no personal data. What arrives in it was written by the
/// caller: to trust it is to trust whoever can call. Its `Debug` shows names and no values.
///
/// ```
/// use otlp::Baggage;
/// let baggage = Baggage::default().insert("tenant", "blue").insert("plan", "gold");
/// assert_eq!(baggage.get("tenant"), Some("blue"));
/// let without = baggage.remove("tenant");
/// assert_eq!((baggage.len(), without.len()), (2, 1));
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Baggage(Option<Arc<[BaggageEntry]>>);

impl Baggage {
    pub(crate) const EMPTY: Self = Self(None);

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entry(name).map(BaggageEntry::value)
    }

    /// The whole entry of a name, with its metadata.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&BaggageEntry> {
        self.iter().find(|entry| entry.name() == name)
    }

    /// All entries, in the order in which their names were set first.
    ///
    /// ```
    /// let baggage = otlp::Baggage::default().insert("a", "1").insert("b", "2").insert("a", "3");
    /// let entries: Vec<_> = baggage.iter().map(|entry| (entry.name(), entry.value())).collect();
    /// assert_eq!(entries, [("a", "3"), ("b", "2")]);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &BaggageEntry> {
        self.0.as_deref().unwrap_or_default().iter()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// This baggage with a value added or replaced. Without a name it stays as it is. To set many at once, collect them.
    #[must_use]
    pub fn insert(&self, name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        self.insert_entry(BaggageEntry::new(name, value))
    }

    /// This baggage with an entry added or replaced, together with its metadata. Without a name it stays as it is.
    #[must_use]
    pub fn insert_entry(&self, entry: BaggageEntry) -> Self {
        self.iter().cloned().chain([entry]).collect()
    }

    /// This baggage without a name; the same if it does not hold it. The empty baggage is `Baggage::default()`.
    #[must_use]
    pub fn remove(&self, name: &str) -> Self {
        if self.entry(name).is_none() {
            return self.clone();
        }
        self.iter().filter(|entry| entry.name() != name).cloned().collect()
    }
}

/// Of several entries of one name the last one wins, at the place of the first; those without a name are left out.
///
/// ```
/// use otlp::{Baggage, BaggageEntry};
/// let baggage: Baggage = [BaggageEntry::new("a", "1"), BaggageEntry::new("", "2")].into_iter().collect();
/// assert_eq!(baggage.len(), 1);
/// ```
impl FromIterator<BaggageEntry> for Baggage {
    fn from_iter<I: IntoIterator<Item = BaggageEntry>>(entries: I) -> Self {
        let mut unique: Vec<BaggageEntry> = Vec::new();
        for entry in entries {
            match unique.iter_mut().find(|earlier| earlier.name == entry.name) {
                Some(earlier) => *earlier = entry,
                None if entry.name.is_empty() => {}
                None => unique.push(entry),
            }
        }
        Self((!unique.is_empty()).then(|| unique.into()))
    }
}

/// As from entries without metadata.
///
/// ```
/// let baggage: otlp::Baggage = [("tenant", "blue"), ("plan", "gold")].into_iter().collect();
/// assert_eq!(baggage.get("plan"), Some("gold"));
/// ```
impl<N: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(N, V)> for Baggage {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        pairs.into_iter().map(|(name, value)| BaggageEntry::new(name, value)).collect()
    }
}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(BaggageEntry::name)).finish()
    }
}

/// A name, its value, and what else the header said of it.
///
/// ```
/// use otlp::{Baggage, BaggageEntry};
/// let entry = BaggageEntry::new("tenant", "blue").with_metadata("ttl=30;private");
/// let properties: Vec<_> = entry.properties().collect();
/// assert_eq!(properties, [("ttl", Some("30".into())), ("private", None)]);
/// assert_eq!(Baggage::default().insert_entry(entry).get("tenant"), Some("blue"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaggageEntry {
    name: Box<str>,
    value: Box<str>,
    metadata: Box<str>,
}

impl BaggageEntry {
    /// An entry without metadata.
    #[must_use]
    pub fn new(name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        Self { name: name.into(), value: value.into(), metadata: Box::default() }
    }

    /// This entry with metadata: in the header what follows the value and a `;`. It is one opaque text (conformance
    /// PROP-30), of which only what would break the header is percent-encoded.
    #[must_use]
    pub fn with_metadata(self, metadata: impl Into<Box<str>>) -> Self {
        Self { metadata: metadata.into(), ..self }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, decoded.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The metadata as it came; empty if there is none.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.metadata
    }

    /// The metadata read as W3C's properties: `key` or `key=value`, separated by `;`. Values are percent-decoded, keys
    /// are not (conformance PROP-28).
    pub fn properties(&self) -> impl Iterator<Item = (&str, Option<Cow<'_, str>>)> {
        self.metadata.split(';').map(str::trim).filter(|property| !property.is_empty()).map(|property| {
            match property.split_once('=') {
                Some((key, value)) => {
                    (key.trim_end(), Some(percent_decode_str(value.trim_start()).decode_utf8_lossy()))
                }
                None => (property, None),
            }
        })
    }
}

impl fmt::Debug for BaggageEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BaggageEntry").field("name", &self.name).finish_non_exhaustive()
    }
}
