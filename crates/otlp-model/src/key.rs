//! Attribute keys: [`Key`], prepared at compile time, and [`ToKey`], what a live span takes as one.
//!
//! Used by the wire writer and, through it, by the facade's span. Knows nothing of values and limits.

use std::borrow::Cow;
use std::fmt;

/// Keys of up to this many bytes are written without a call.
pub(crate) const SHORT_KEY: usize = 44;
/// What stands before a short key: the tag and length of the attribute, the tag and length of the key.
pub(crate) const BEFORE_KEY: usize = 4;
/// The tag of `KeyValue.key`.
const KEY_TAG: u8 = 0x0a;

/// An attribute's key, prepared at compile time: its bytes as they go over the wire, and its hash.
///
/// Instrumentation sets the same few keys on span after span. Text is as good, and a little slower: with a `Key` its
/// length need not be asked, and it is copied in moves of constant size.
///
/// ```
/// use otlp_model::{Key, Limits, SpanContext, SpanId, SpanKind, SpanWriter, ValueRef};
/// static METHOD: Key = Key::new("http.request.method");
/// let mut writer = SpanWriter::new();
/// writer.start(&Limits::default(), &SpanContext::default(), SpanId::INVALID, false, "GET", SpanKind::Server, 1);
/// writer.set_attribute(&METHOD, ValueRef::String("GET"));
/// assert_eq!(METHOD.as_str(), "http.request.method");
/// ```
#[derive(Clone, Copy)]
pub struct Key {
    text: &'static str,
    hash: u32,
    /// What an attribute begins with, but for what stands in its first two bytes; only of a short key.
    begin: [u8; BEFORE_KEY + SHORT_KEY],
}

impl Key {
    /// Prepares a key: in a `static` or a `const`, at compile time.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let mut begin = [0; BEFORE_KEY + SHORT_KEY];
        begin[2] = KEY_TAG;
        if bytes.len() <= SHORT_KEY {
            begin[3] = bytes.len() as u8;
            let mut at = 0;
            while at < bytes.len() {
                begin[BEFORE_KEY + at] = bytes[at];
                at += 1;
            }
        }
        Self { text, hash: hash(bytes), begin }
    }

    /// The key as text.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.text
    }

    #[inline]
    pub(crate) fn hash(&self) -> u32 {
        self.hash
    }

    #[inline]
    pub(crate) fn begin(&self) -> &[u8; BEFORE_KEY + SHORT_KEY] {
        &self.begin
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.text).finish()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Key {}

/// For typed data and builders, which keep their keys.
impl From<&Key> for Cow<'static, str> {
    fn from(key: &Key) -> Self {
        Cow::Borrowed(key.text)
    }
}

/// A key as the wire writer takes it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum KeyRef<'a> {
    /// Any text.
    Text(&'a str),
    /// A prepared key.
    Key(&'a Key),
}

/// What can be an attribute's key: any text, and a reference to a [`Key`].
///
/// ```
/// use otlp_model::{Key, KeyRef, ToKey};
/// static METHOD: Key = Key::new("http.request.method");
/// assert!(matches!((&METHOD).to_key(), KeyRef::Key(_)));
/// assert!(matches!("http.route".to_key(), KeyRef::Text("http.route")));
/// assert!(matches!(String::from("a").to_key(), KeyRef::Text("a")));
/// ```
pub trait ToKey {
    /// The key, borrowed from `self`.
    fn to_key(&self) -> KeyRef<'_>;
}

impl<T: AsRef<str> + ?Sized> ToKey for T {
    #[inline(always)]
    fn to_key(&self) -> KeyRef<'_> {
        KeyRef::Text(self.as_ref())
    }
}

impl ToKey for KeyRef<'_> {
    #[inline(always)]
    fn to_key(&self) -> KeyRef<'_> {
        *self
    }
}

impl ToKey for &Key {
    #[inline(always)]
    fn to_key(&self) -> KeyRef<'_> {
        KeyRef::Key(self)
    }
}

/// A cheap hash: a key's length and ends tell most keys apart, and equality is checked anyway. Of a text that is known at
/// compile time it is a constant.
#[inline(always)]
pub(crate) const fn hash(key: &[u8]) -> u32 {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => short(key),
    };
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (first ^ key.len() as u64).wrapping_mul(ODD) ^ last;
    // The upper half of the product depends on all of both factors. The lower bits of its lower half do not: they would be
    // the same for keys that differ at their ends only, `attribute.1` and `attribute.2`.
    ((mixed as u128 * ODD as u128) >> 64) as u32
}

/// The ends of a key of less than 8 bytes.
#[inline(always)]
const fn short(key: &[u8]) -> (u64, u64) {
    match (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        (Some(first), Some(last)) => (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64),
        _ => match key {
            [] => (0, 0),
            [a] => (*a as u64, 0),
            [a, b] => ((*a as u64) << 8 | *b as u64, 0),
            [a, b, c, ..] => ((*a as u64) << 16 | (*b as u64) << 8 | *c as u64, 0),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prepared_key_is_the_text_it_was_made_from() {
        for text in [
            "",
            "a",
            "http.route",
            "a.key.of.exactly.as.many.bytes.as.are.short",
            "a.key.that.is.longer.than.what.is.called.short",
        ] {
            let key = Key::new(text);
            assert_eq!((key.as_str(), key.hash()), (text, hash(text.as_bytes())));
            assert_eq!((key.to_string(), key), (text.to_owned(), Key::new(text)));
            let short = if text.len() <= SHORT_KEY { text } else { "" };
            assert_eq!(&key.begin()[BEFORE_KEY..BEFORE_KEY + short.len()], short.as_bytes());
        }
    }
}
