//! Configured headers, checked when they are set and added to every attempt.
//!
//! The values are secrets: they appear in no `Debug` output and in no error (conformance HDR-09). Never touches the
//! headers that frame a request; those belong to the terminals (conformance HDR-08).

mod layer;
mod parse;

pub use layer::{ExportHeaders, HeadersLayer};
pub use parse::{HeaderError, HeaderProblem, ParseHeadersError};

use crate::{InvalidHeader, check_header};
use std::fmt;

/// Header names and values that fit HTTP headers and gRPC metadata alike, checked by [`check_header`]. Names are
/// lower-case and unique.
///
/// ```
/// use otlp_transport::Headers;
/// let mut headers = Headers::new();
/// headers.insert("Authorization", "Bearer hunter2")?;
/// assert_eq!(format!("{headers:?}"), r#"{"authorization": <redacted>}"#);
/// assert!(headers.insert("Content-Type", "text/plain").is_err());
/// # Ok::<(), otlp_transport::InvalidHeader>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    entries: Vec<(String, String)>,
}

impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// Adds a header, or replaces the one of that name.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for a name or value that may not be sent, see [`check_header`]. It never shows the value.
    pub fn insert(&mut self, name: &str, value: &str) -> Result<(), InvalidHeader> {
        check_header(name, value)?;
        let name = name.to_ascii_lowercase();
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => value.clone_into(&mut entry.1),
            None => self.entries.push((name, value.to_owned())),
        }
        Ok(())
    }

    /// Reads the list form of `OTEL_EXPORTER_OTLP_HEADERS`: `name1=value1,name2=value2`.
    ///
    /// Members are split at `,`, names from values at the first `=`, both trimmed, values percent-decoded as UTF-8;
    /// `+` and `;` are ordinary characters (conformance HDR-01 to HDR-04). Empty members are skipped. Of members with
    /// the same name the last holds.
    ///
    /// # Errors
    ///
    /// Every problem of the list, with the position of its member. The error still has the members that are fine, for
    /// callers that warn and go on, as the environment variables ask for (conformance HDR-05).
    ///
    /// ```
    /// use otlp_transport::Headers;
    /// let headers = Headers::parse("api-key=dGVzdA==, tenant = a%2Cb")?;
    /// assert_eq!(headers.get("tenant"), Some("a,b"));
    ///
    /// let error = Headers::parse("api-key=abc,hunter2").unwrap_err();
    /// assert_eq!(error.to_string(), "header 2 of the list: no `=` between name and value");
    /// assert_eq!(error.into_valid().get("api-key"), Some("abc"));
    /// # Ok::<(), otlp_transport::ParseHeadersError>(())
    /// ```
    pub fn parse(list: &str) -> Result<Self, ParseHeadersError> {
        parse::parse_list(list)
    }

    /// The value of a header, whatever the case of `name`. It is a secret.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The names, in the order they were first set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Names and values, in the order they were first set. The values are secrets.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for Headers {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.names().map(|name| (name, format_args!("<redacted>")))).finish()
    }
}
