//! Answers that are no success: a gRPC status, an HTTP status, a redirect.

use super::Peer;
use crate::{BoxError, Endpoint, GrpcCode};
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The receiver answered with a gRPC status that is not OK, or did something that gRPC gives such a status
/// (a stream reset, GRPC-08; an answer without a status, GRPC-07).
///
/// ```
/// use otlp_transport::{Endpoint, GrpcCode, GrpcError};
/// let error = GrpcError::new(GrpcCode::Unavailable, "queue is full").at(&Endpoint::default_grpc());
/// assert_eq!(error.to_string(), "http://localhost:4317 answered UNAVAILABLE: queue is full");
/// ```
#[derive(Debug)]
pub struct GrpcError {
    code: GrpcCode,
    message: String,
    retry_delay: Option<Duration>,
    is_too_large: bool,
    endpoint: Option<Endpoint>,
    source: Option<BoxError>,
}

impl GrpcError {
    /// The error of an answer with `code` and the server's `message`, which may be empty.
    pub fn new(code: GrpcCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_delay: None,
            is_too_large: false,
            endpoint: None,
            source: None,
        }
    }

    /// The same error with the delay of a `google.rpc.RetryInfo`. Its presence counts, even of zero (RETRY-05, RETRY-07).
    #[must_use]
    pub fn with_retry_delay(mut self, retry_delay: Option<Duration>) -> Self {
        self.retry_delay = retry_delay;
        self
    }

    /// The same error, which says that the request is larger than the receiver takes.
    #[must_use]
    pub fn with_too_large(mut self, is_too_large: bool) -> Self {
        self.is_too_large = is_too_large;
        self
    }

    /// The same error, naming the endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: &Endpoint) -> Self {
        self.endpoint = Some(endpoint.clone());
        self
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The status code.
    #[must_use]
    pub fn code(&self) -> GrpcCode {
        self.code
    }

    /// The server's message, possibly empty, at most about a thousand characters.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The delay of the `google.rpc.RetryInfo` in the answer, if it had one.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry_delay
    }

    /// Whether the request is larger than the receiver takes: gRPC has no code for that, so the terminal reads it from
    /// what implementations of gRPC are known to say (SURV-02).
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.is_too_large
    }
}

impl fmt::Display for GrpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", Peer(self.endpoint.as_ref()), self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(delay) = self.retry_delay.filter(|delay| !delay.is_zero()) {
            write!(f, "; it asks to wait {delay:?}")?;
        }
        f.write_str(match self.code {
            GrpcCode::Unauthenticated | GrpcCode::PermissionDenied => {
                "; check the credentials in the headers"
            }
            GrpcCode::Unimplemented => "; does it take this signal and compression over gRPC?",
            _ if self.is_too_large => "; raise its limit (often 4 MiB), or send less at once",
            GrpcCode::ResourceExhausted if self.retry_delay.is_none() => {
                "; if the request is larger than it takes (often 4 MiB), use smaller batches"
            }
            _ => "",
        })
    }
}

impl Error for GrpcError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The receiver answered with an HTTP status that is neither success nor redirect.
///
/// ```
/// use otlp_transport::{Endpoint, HttpError};
/// let error = HttpError::new(503).with_message("queue is full").at(&Endpoint::default_http());
/// assert_eq!(error.to_string(), "http://localhost:4318 answered 503 Service Unavailable: queue is full");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    status: u16,
    message: String,
    retry_after: Option<Duration>,
    is_too_large: bool,
    endpoint: Option<Endpoint>,
}

impl HttpError {
    /// The error of an answer with `status`; of 413, one that [is too large](Self::is_too_large).
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            message: String::new(),
            retry_after: None,
            is_too_large: status == 413,
            endpoint: None,
        }
    }

    /// The same error with the message of the `google.rpc.Status` in the answer's body (HTTP-10).
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The same error, which says that the request is larger than the receiver takes.
    #[must_use]
    pub fn with_too_large(mut self, is_too_large: bool) -> Self {
        self.is_too_large = is_too_large;
        self
    }

    /// The same error with the wait that `Retry-After` asked for (HTTP-14).
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// The same error, naming the endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: &Endpoint) -> Self {
        self.endpoint = Some(endpoint.clone());
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The server's message, empty when its body held none, at most about a thousand characters.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The wait that `Retry-After` asked for, counted from the answer.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the request is larger than the receiver takes: 413, or what the Collector says with 400 (SURV-03).
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        self.is_too_large
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", Peer(self.endpoint.as_ref()), self.status)?;
        if let Some(reason) = reason(self.status) {
            write!(f, " {reason}")?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(wait) = self.retry_after {
            write!(f, "; it asks to wait {wait:?}")?;
        }
        f.write_str(match self.status {
            401 | 403 => "; check the credentials in the headers",
            404 | 405 => {
                "; check the path of the endpoint, and that the receiver takes this signal over HTTP"
            }
            413 => "; raise its limit, or send less at once",
            415 => "; does the receiver take this serialization format and compression?",
            _ => "",
        })
    }
}

impl Error for HttpError {}

fn reason(status: u16) -> Option<&'static str> {
    http::StatusCode::from_u16(status).ok()?.canonical_reason()
}

/// The receiver answered with a redirect, which is not followed: it could turn a POST into a GET, and carry
/// credentials to another host (HTTP-20).
///
/// ```
/// use otlp_transport::{Endpoint, Redirected};
/// let error = Redirected::new(308, Some("https://other:4318/v1/traces?key=secret")).at(&Endpoint::default_http());
/// assert_eq!(
///     error.to_string(),
///     "http://localhost:4318 answered 308, a redirect to https://other:4318/v1/traces, which is not followed; \
///      if that is the receiver, make it the endpoint"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirected {
    status: u16,
    location: Option<String>,
    endpoint: Option<Endpoint>,
}

impl Redirected {
    /// The error of an answer with a 3xx `status` and its `Location`, of which credentials and query are dropped.
    #[must_use]
    pub fn new(status: u16, location: Option<&str>) -> Self {
        Self { status, location: location.map(without_secrets), endpoint: None }
    }

    /// The same error, naming the endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: &Endpoint) -> Self {
        self.endpoint = Some(endpoint.clone());
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Where the receiver points to, without credentials and query.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }
}

/// A location without query, fragment and credentials, in printable characters and not too long.
fn without_secrets(given: &str) -> String {
    let end = given.find(['?', '#']).unwrap_or(given.len());
    let location = crate::status::printable(given.get(..end).unwrap_or_default());
    let Some((scheme, rest)) = location.split_once("//") else { return location };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // A password with `/`, `?` or `#` in it ends the authority early: what is shown must not be a part of it.
    let ats = |text: &str| text.matches('@').count();
    if authority.contains(':') && ats(given) > ats(authority) {
        return format!("{scheme}//<redacted>");
    }
    let host = authority.rsplit_once('@').map_or(authority, |(_credentials, host)| host);
    format!("{scheme}//{host}{path}")
}

impl fmt::Display for Redirected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = Peer(self.endpoint.as_ref());
        match &self.location {
            Some(location) => write!(
                f,
                "{peer} answered {}, a redirect to {location}, which is not followed; \
                 if that is the receiver, make it the endpoint",
                self.status
            ),
            None => write!(f, "{peer} answered {}, a redirect, which is not followed", self.status),
        }
    }
}

impl Error for Redirected {}
