//! No connection, or one that broke before the answer.

use super::{Peer, find};
use crate::{BoxError, Endpoint, ProxyError};
use otlp_model::causes;
use std::error::Error;
use std::fmt;
use std::io;

/// No connection could be made; trying again later may help (HTTP-16).
///
/// ```
/// use otlp_transport::{ConnectError, Endpoint};
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// let error = ConnectError::new(Endpoint::default_grpc(), refused);
/// assert!(error.to_string().starts_with("failed to connect to http://localhost:4317: connection refused"));
/// ```
#[derive(Debug)]
pub struct ConnectError {
    endpoint: Endpoint,
    source: BoxError,
}

impl ConnectError {
    /// The error of a connection to `endpoint` that failed because of `source`.
    pub fn new(endpoint: Endpoint, source: impl Into<BoxError>) -> Self {
        Self { endpoint, source: source.into() }
    }

    /// Where no connection could be made to.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The kind of the I/O error below, if one is.
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        find::<io::Error>(&*self.source).map(io::Error::kind)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = root(&*self.source);
        write!(f, "failed to connect to {}: {cause}", self.endpoint)?;
        if find::<ProxyError>(&*self.source).is_some() {
            // It has said what to do, and none of this concerns the receiver.
            return Ok(());
        }
        match self.io_kind() {
            Some(io::ErrorKind::ConnectionRefused) => {
                f.write_str("; is the collector running and listening there?")
            }
            Some(io::ErrorKind::NotFound) if self.endpoint.target().unix_path().is_some() => {
                f.write_str("; there is no such socket: is the collector running?")
            }
            Some(io::ErrorKind::TimedOut) => {
                f.write_str("; check the address, and that no firewall drops the connection")
            }
            Some(io::ErrorKind::PermissionDenied) => f.write_str("; may this process open it?"),
            _ => Ok(()),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The connection broke after the request was, or may have been, sent, and before the answer was complete.
///
/// Retryable, though the server may have the data already: a duplicate is the accepted price (HTTP-15, HTTP-26).
///
/// ```
/// use otlp_transport::{ConnectionLost, Endpoint};
/// let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
/// let error = ConnectionLost::new(reset).at(&Endpoint::default_grpc());
/// assert_eq!(
///     error.to_string(),
///     "lost the connection to http://localhost:4317 before it answered: connection reset"
/// );
/// ```
#[derive(Debug)]
pub struct ConnectionLost {
    endpoint: Option<Endpoint>,
    hint: &'static str,
    source: BoxError,
}

impl ConnectionLost {
    /// The error of a connection that broke because of `source`.
    pub fn new(source: impl Into<BoxError>) -> Self {
        Self { endpoint: None, hint: "", source: source.into() }
    }

    /// The same error, naming the endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: &Endpoint) -> Self {
        self.endpoint = Some(endpoint.clone());
        self
    }

    /// The same error, its text followed by what to do.
    #[cfg(any(feature = "grpc", feature = "http"))]
    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cause = root(&*self.source);
        let peer = Peer(self.endpoint.as_ref());
        write!(f, "lost the connection to {peer} before it answered: {cause}{}", self.hint)
    }
}

impl Error for ConnectionLost {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The text of the deepest cause, without the number of an operating system error: people read the words.
///
/// Errors of proxies and of TLS have said everything: what is below them are the words of libraries.
pub(crate) fn root(error: &(dyn Error + 'static)) -> String {
    #[cfg(feature = "_tls")]
    if let Some(tls) = find::<crate::TlsError>(error) {
        return tls.to_string();
    }
    if let Some(proxy) = find::<ProxyError>(error) {
        return proxy.to_string();
    }
    if let Some(io) = find::<io::Error>(error).filter(|io| io.raw_os_error().is_some()) {
        return io.kind().to_string();
    }
    causes(error).last().unwrap_or(error).to_string()
}
