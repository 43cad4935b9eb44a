//! What a request is authenticated with, and for how long that holds.
//!
//! Made by credentials, kept by the cache. Plain data; its values are secrets (conformance HDR-09).

use crate::{Headers, InvalidHeader};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::time::Duration;

/// Headers (over gRPC: metadata) that authenticate requests, until they expire.
///
/// ```
/// use otlp_transport::Token;
/// use std::time::Duration;
/// let token = Token::bearer("hunter2")?.with_lifetime(Duration::from_secs(3600));
/// assert_eq!(
///     format!("{token:?}"),
///     r#"Token { headers: {"authorization": <redacted>}, lifetime: Some(3600s), refresh_after: None }"#
/// );
/// # Ok::<(), otlp_transport::InvalidHeader>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    headers: Headers,
    lifetime: Option<Duration>,
    refresh_after: Option<Duration>,
}

impl Token {
    /// A token that is sent as the header `name`, and holds until the receiver refuses it.
    ///
    /// # Errors
    ///
    /// [`InvalidHeader`] for what may not be sent, see [`check_header`](crate::check_header). It never shows the value.
    pub fn new(name: &str, value: &str) -> Result<Self, InvalidHeader> {
        let none = Self { headers: Headers::new(), lifetime: None, refresh_after: None };
        none.with_header(name, value)
    }

    /// `authorization: Bearer …`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and for a token that is empty.
    pub fn bearer(token: &str) -> Result<Self, InvalidHeader> {
        if token.is_empty() {
            return Err(InvalidHeader::new("authorization", "the bearer token is empty"));
        }
        Self::new("authorization", &format!("Bearer {token}"))
    }

    /// `authorization: Basic …`, the encoded user and password.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn basic(user: &str, password: &str) -> Result<Self, InvalidHeader> {
        Self::new("authorization", &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    /// The same token with one more header, for receivers that want a tenant or a project besides.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, InvalidHeader> {
        self.headers.insert(name, value)?;
        Ok(self)
    }

    /// The same token, which the receiver takes for `lifetime` from when fetching it began. It is renewed when four fifths
    /// of that have passed, at the latest 5 min before the end, and never sent after it.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// The same token, to be fetched again after this time: for sources that change without notice, such as files.
    /// Until another one is there, this one is used on.
    #[must_use]
    pub fn with_refresh_after(mut self, time: Duration) -> Self {
        self.refresh_after = Some(time);
        self
    }

    pub(super) fn headers(&self) -> &Headers {
        &self.headers
    }

    pub(super) fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    pub(super) fn refresh_after(&self) -> Option<Duration> {
        self.refresh_after
    }
}

impl fmt::Debug for Token {
    /// Without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { headers, lifetime, refresh_after } = self;
        f.debug_struct("Token")
            .field("headers", headers)
            .field("lifetime", lifetime)
            .field("refresh_after", refresh_after)
            .finish()
    }
}
