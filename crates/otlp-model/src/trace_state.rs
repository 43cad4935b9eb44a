//! The W3C `tracestate` header: vendor entries that travel with a trace (Trace Context Level 2).
//!
//! Used by span contexts, propagators and samplers. Always valid: whatever it is made from or changed by is checked.
//! Never cut by itself; [`TraceState::truncated`] is for carriers that are short of room.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The most entries a trace state may have.
const MAX_ENTRIES: usize = 32;
/// The longest key and the longest value, in characters.
const MAX_PART: usize = 256;
/// Entries longer than this go first when a trace state is cut.
const LONG_ENTRY: usize = 128;

/// An immutable list of `key=value` entries, newest first; cloning is a reference count, empty costs nothing.
///
/// Operations give new values and check what goes in, so that a trace state is never invalid (conformance SPAN-29). It
/// may be 16 KiB long: nothing is cut at the 512 characters that every participant has to propagate.
///
/// ```
/// use otlp_model::TraceState;
/// let state: TraceState = "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE".parse()?;
/// assert_eq!(state.get("congo"), Some("t61rcWkgMzE"));
/// let updated = state.insert("congo", "x")?;
/// assert_eq!(updated.as_str(), "congo=x,rojo=00f067aa0ba902b7");
/// assert_eq!(updated.remove("congo").remove("rojo"), TraceState::default());
/// # Ok::<(), otlp_model::ParseTraceStateError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TraceState(Option<Arc<str>>);

impl TraceState {
    /// Reads a header's value; several headers are to be joined with commas in their order first.
    ///
    /// White space around entries and empty entries are dropped, all else stays as it is, also entries of the same key
    /// (PROP-22), of which [`get`](Self::get) sees the first. An empty text is a trace state without entries.
    ///
    /// # Errors
    /// A key or value that breaks the grammar, an entry without `=`, more than 32 entries. The whole header is then to be
    /// ignored (DEC-12).
    pub fn parse(header: &str) -> Result<Self, ParseTraceStateError> {
        let trimmed = header.split(',').map(|entry| entry.trim_matches([' ', '\t']));
        let mut text = String::new();
        for (index, entry) in trimmed.filter(|entry| !entry.is_empty()).enumerate() {
            let position = index + 1;
            if position > MAX_ENTRIES {
                return Err(ParseTraceStateError { position, problem: Problem::TooMany });
            }
            let problem = match entry.split_once('=') {
                None => Some(Problem::NoEquals),
                Some((key, value)) => problem(key, value),
            };
            if let Some(problem) = problem {
                return Err(ParseTraceStateError { position, problem });
            }
            push(&mut text, entry);
        }
        Ok(Self::from_valid(&text))
    }

    fn from_valid(text: &str) -> Self {
        Self((!text.is_empty()).then(|| text.into()))
    }

    fn from_entries<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        let mut text = String::new();
        entries.into_iter().for_each(|entry| push(&mut text, entry));
        Self::from_valid(&text)
    }

    /// The header's text; empty when there are no entries, and then no header is to be sent (PROP-26).
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(name, value)| (name == key).then_some(value))
    }

    /// The entries as keys and values, newest first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries().filter_map(|entry| entry.split_once('='))
    }

    fn entries(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.as_deref().map(|text| text.split(',')).into_iter().flatten()
    }

    /// This trace state with an entry added or updated: it comes first, the others keep their order (PROP-23, PROP-24).
    ///
    /// Of other keys that stand there several times the first entry stays. If there are 32 others, the last one goes.
    ///
    /// # Errors
    /// The key is not one of `a-z0-9` and up to 255 of `a-z0-9_-*/@`; the value is not 1 to 256 printable ASCII
    /// characters without `,` and `=`, the last one not a space.
    pub fn insert(&self, key: &str, value: &str) -> Result<Self, ParseTraceStateError> {
        if let Some(problem) = problem(key, value) {
            return Err(ParseTraceStateError { position: 1, problem });
        }
        let first = format!("{key}={value}");
        let others = self.unique().into_iter().filter(|(name, _)| *name != key);
        Ok(Self::from_entries(
            std::iter::once(first.as_str()).chain(others.map(|(_, entry)| entry)).take(MAX_ENTRIES),
        ))
    }

    /// This trace state without the entries of a key; the same if there is none.
    #[must_use]
    pub fn remove(&self, key: &str) -> Self {
        if self.get(key).is_none() {
            return self.clone();
        }
        let others = self.unique().into_iter().filter(|(name, _)| *name != key);
        Self::from_entries(others.map(|(_, entry)| entry))
    }

    /// The first entry of each key, with the key.
    fn unique(&self) -> Vec<(&str, &str)> {
        let mut unique: Vec<(&str, &str)> = Vec::new();
        for entry in self.entries() {
            let key = entry.split_once('=').map_or(entry, |(key, _)| key);
            if unique.iter().all(|(seen, _)| *seen != key) {
                unique.push((key, entry));
            }
        }
        unique
    }

    /// This trace state in at most `max` characters, for a carrier that has no room for more.
    ///
    /// Whole entries go: first those of more than 128 characters, then all, each from the end (PROP-25). `max` should be
    /// 512 or more.
    ///
    /// ```
    /// let state: otlp_model::TraceState = "a=1,b=22,c=3".parse()?;
    /// assert_eq!(state.truncated(9).as_str(), "a=1,b=22");
    /// # Ok::<(), otlp_model::ParseTraceStateError>(())
    /// ```
    #[must_use]
    pub fn truncated(&self, max: usize) -> Self {
        let mut length = self.as_str().len();
        if length <= max {
            return self.clone();
        }
        let mut entries: Vec<_> = self.entries().map(Some).collect();
        for shortest_to_go in [LONG_ENTRY + 1, 0] {
            for slot in entries.iter_mut().rev() {
                if length > max
                    && let Some(entry) = slot.take_if(|entry| entry.len() >= shortest_to_go)
                {
                    // Its comma goes too; the last entry standing has none.
                    length = length.saturating_sub(entry.len() + 1);
                }
            }
        }
        Self::from_entries(entries.into_iter().flatten())
    }
}

fn push(text: &mut String, entry: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(entry);
}

/// What breaks the grammar of a key (PROP-18) or value (PROP-19).
fn problem(key: &str, value: &str) -> Option<Problem> {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_key_byte = |byte: u8| is_alphanumeric(byte) || b"_-*/@".contains(&byte);
    let starts_well = key.bytes().next().is_some_and(is_alphanumeric);
    if !starts_well || key.len() > MAX_PART || !key.bytes().all(is_key_byte) {
        return Some(Problem::Key);
    }
    let is_value_byte = |byte| matches!(byte, b' '..=b'~' if byte != b',' && byte != b'=');
    let is_length = (1..=MAX_PART).contains(&value.len());
    if !is_length || value.ends_with(' ') || !value.bytes().all(is_value_byte) {
        return Some(Problem::Value);
    }
    None
}

impl FromStr for TraceState {
    type Err = ParseTraceStateError;

    fn from_str(header: &str) -> Result<Self, Self::Err> {
        Self::parse(header)
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no trace state. Tells the entry's position, never its content, which is some vendor's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("trace state entry {position}: {problem}")]
pub struct ParseTraceStateError {
    position: usize,
    problem: Problem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("more than {MAX_ENTRIES} entries")]
    TooMany,
    #[error("an entry is key=value")]
    NoEquals,
    #[error("a key is one of a-z0-9 and then up to 255 of a-z0-9_-*/@")]
    Key,
    #[error("a value is 1 to 256 printable ASCII characters without ',' and '=', the last one not a space")]
    Value,
}
