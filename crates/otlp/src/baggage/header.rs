//! Baggage as the W3C header: `name=value;property;property,name=value`.
//!
//! Pure, and total: any text is read, and what is written is a valid header. A member that breaks the grammar is left out
//! alone (conformance PROP-35): each stands for itself, unlike the entries of a trace state.

use super::{Baggage, BaggageEntry};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// The most members, and the longest header, that are read or written (conformance PROP-33).
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

/// What a value may not hold as it is: all but baggage octets, and the sign of encoding itself (conformance PROP-29).
const VALUE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');
/// What metadata may not hold as it is. It is opaque, so what is encoded in it stays so.
const METADATA: &AsciiSet = &CONTROLS.remove(b'\t').add(b'"').add(b',').add(b'\\');

impl Baggage {
    /// Reads the values of all `baggage` headers of a request, in their order, as one list (conformance PROP-34).
    ///
    /// Members that break the grammar are left out, as are those beyond 64 and beyond 8,192 bytes in all, each whole.
    /// Values are percent-decoded, what is not UTF-8 in them becomes U+FFFD (PROP-28).
    ///
    /// ```
    /// use otlp::Baggage;
    /// let baggage = Baggage::from_headers(["tenant=blue;ttl=30, city=K%C3%B6ln", "no member,plan=gold"]);
    /// assert_eq!((baggage.get("city"), baggage.get("plan"), baggage.len()), (Some("Köln"), Some("gold"), 3));
    /// ```
    #[must_use]
    pub fn from_headers<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut room = Room::default();
        let members = headers.into_iter().flat_map(|header| header.split(',')).map(trim);
        members
            .filter_map(|member| Some((member, read(member)?)))
            .filter(|(member, _)| room.has(member.len()))
            .map(|(_, entry)| entry)
            .collect()
    }

    /// The header's value; `None` if it would have no members, and then no header is to be sent (conformance PROP-34).
    ///
    /// Left out, each whole: entries whose name is no token of HTTP (PROP-32), and those that exceed 64 members or 8,192
    /// bytes (PROP-33).
    ///
    /// ```
    /// use otlp::Baggage;
    /// let baggage = Baggage::default().insert("city", "Köln, Deutz").insert("no token", "x");
    /// assert_eq!(baggage.to_header().as_deref(), Some("city=K%C3%B6ln%2C%20Deutz"));
    /// assert_eq!(Baggage::default().to_header(), None);
    /// ```
    #[must_use]
    pub fn to_header(&self) -> Option<String> {
        let mut room = Room::default();
        let mut header = String::new();
        for entry in self.iter().filter(|entry| is_token(entry.name())) {
            let start = header.len();
            if start > 0 {
                header.push(',');
            }
            let member = header.len();
            header.push_str(entry.name());
            header.push('=');
            header.extend(utf8_percent_encode(entry.value(), VALUE));
            let metadata = trim(entry.metadata());
            if !metadata.is_empty() {
                header.push(';');
                header.extend(utf8_percent_encode(metadata, METADATA));
            }
            if !room.has(header.len() - member) {
                header.truncate(start);
            }
        }
        (!header.is_empty()).then_some(header)
    }
}

/// What the limits leave.
#[derive(Default)]
struct Room {
    members: usize,
    bytes: usize,
}

impl Room {
    /// Takes room for a member, with the comma before it, if there is some.
    fn has(&mut self, len: usize) -> bool {
        let bytes = self.bytes + len + usize::from(self.members > 0);
        if self.members == MAX_MEMBERS || bytes > MAX_BYTES {
            return false;
        }
        (self.members, self.bytes) = (self.members + 1, bytes);
        true
    }
}

/// A member of the grammar (conformance PROP-27).
fn read(member: &str) -> Option<BaggageEntry> {
    let (pair, metadata) = member.split_once(';').unwrap_or((member, ""));
    let (name, value) = pair.split_once('=')?;
    let (name, value, metadata) = (trim(name), trim(value), trim(metadata));
    let is_well_formed = is_token(name)
        && value.bytes().all(is_octet)
        && metadata.bytes().all(|byte| is_octet(byte) || matches!(byte, b';' | b' ' | b'\t'));
    is_well_formed.then(|| {
        BaggageEntry::new(name, percent_decode_str(value).decode_utf8_lossy()).with_metadata(metadata)
    })
}

/// Blanks as HTTP has them.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// A token of HTTP, which a name has to be.
fn is_token(name: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token_byte)
}

/// A baggage octet: printable ASCII without blank, quote, comma, semicolon and backslash.
fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}
