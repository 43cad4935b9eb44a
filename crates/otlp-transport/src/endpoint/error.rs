//! What can be wrong with an endpoint's text.
//!
//! Used by whoever checks options. Repeats only the part that is wrong, never credentials.

/// What is wrong with an endpoint's text. Whoever parsed it adds the name of the option.
///
/// ```
/// use otlp_transport::{Endpoint, EndpointError};
/// let error = "localhost/v1/traces".parse::<Endpoint>().unwrap_err();
/// assert_eq!(error, EndpointError::MissingScheme);
/// assert!(error.to_string().contains("http://localhost:4317"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The text is empty.
    #[error("is empty; write something like http://localhost:4317")]
    Empty,
    /// Neither a URL nor `host:port`.
    #[error("is neither a URL nor host:port; write something like http://localhost:4317")]
    MissingScheme,
    /// A scheme that no terminal speaks.
    #[error("has the unsupported scheme {scheme:?}; use http://, https:// or unix://")]
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// `https` without TLS compiled in: refused, because sending in clear text what was meant for TLS is worse than not
    /// sending (TLS-09).
    #[error(
        "is https, which needs TLS, and TLS is not compiled in: enable the feature `tls-ring` or `tls-aws-lc`"
    )]
    TlsUnsupported,
    /// No host between the scheme and the path.
    #[error("has no host; write something like http://localhost:4317")]
    MissingHost,
    /// A host that is neither a name nor an address.
    #[error(
        "has the invalid host {host:?}; write names in ASCII and IPv6 addresses in brackets, without a zone"
    )]
    InvalidHost {
        /// The host, shortened.
        host: String,
    },
    /// A port that is no number from 1 to 65535.
    #[error("has the invalid port {port:?}; a port is a number from 1 to 65535")]
    InvalidPort {
        /// The port, shortened.
        port: String,
    },
    /// Credentials before the host (DEC-21). They are not repeated in the text of the error.
    #[error(
        "has credentials (user:password@) in it, which are refused; set an `authorization` header instead"
    )]
    Credentials,
    /// A character that is not allowed in the path or the query.
    #[error("has the character {found:?} in its path or query, which must be percent-encoded")]
    InvalidPath {
        /// The character.
        found: char,
    },
    /// A `unix:` endpoint without a usable path.
    #[error("does not name a socket; write unix:///absolute/path.sock")]
    InvalidSocketPath,
}
