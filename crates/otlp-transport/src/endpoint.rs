//! Where a receiver is: an endpoint's text, parsed and judged before anything is built on it.
//!
//! Used by the terminals, by the connector and by whoever checks options. Never connects, never resolves a name, and
//! never shows what may be a secret: credentials are refused, and a query is not displayed.

mod error;
mod parse;

pub use error::EndpointError;

use otlp_model::Signal;
use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The address of a receiver.
///
/// | text | meaning |
/// |---|---|
/// | `http://host:4318`, `http://host:4318/base?key=1` | clear text to a host; without a port, port 80 (URL-04) |
/// | `http://[::1]:4317` | the same, to an IPv6 address |
/// | `unix:///run/otlp.sock`, `unix:/run/otlp.sock`, `unix:otlp.sock` | a unix domain socket |
/// | `host:4317`, `dns:///host:4317` | as gRPC clients write it (GRPC-16): clear text to a host, unless TLS is asked for in another way |
/// | `https://host:4317`, `https://host/base` | TLS; without a port, port 443. Needs the feature `tls-ring` or `tls-aws-lc`; without them it is refused ([`EndpointError::TlsUnsupported`]), never sent in clear text instead |
///
/// Schemes may be in upper case (URL-12). A fragment is dropped, a query is kept, credentials are refused (DEC-21).
///
/// For OTLP/HTTP an endpoint is a **base** to which each signal's path is appended (URL-02), unless
/// [`per_signal`](Self::per_signal) says that it is to be used exactly as given (URL-01). gRPC ignores path and query
/// (URL-10).
///
/// Cloning is a reference count. `Display` and `Debug` show the text without its query.
///
/// ```
/// use otlp_model::Signal;
/// use otlp_transport::Endpoint;
/// let endpoint: Endpoint = "http://collector:4318/base".parse()?;
/// assert_eq!(endpoint.signal_path(Signal::Traces), "/base/v1/traces");
/// assert_eq!(endpoint.per_signal().signal_path(Signal::Traces), "/base");
/// # Ok::<(), otlp_transport::EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(Arc<Parts>);

/// What a TCP endpoint's text says about security.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    /// Nothing: `host:port`.
    None,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Parts {
    target: Target,
    /// Whether the text named the scheme; without one, others may decide about security (GRPC-17).
    scheme_given: bool,
    secure: bool,
    /// For `Host` and `:authority`.
    authority: String,
    /// The path, from its first slash; empty when the text had none.
    path: String,
    query: Option<String>,
    per_signal: bool,
}

impl Endpoint {
    /// Where OTLP/gRPC goes unless told otherwise: `http://localhost:4317` (GRPC-02, URL-08).
    #[must_use]
    pub fn default_grpc() -> Self {
        Self::local(4317)
    }

    /// Where OTLP/HTTP goes unless told otherwise: `http://localhost:4318` (HTTP-03, URL-08).
    #[must_use]
    pub fn default_http() -> Self {
        Self::local(4318)
    }

    fn local(port: u16) -> Self {
        Self::tcp("localhost".to_owned(), port, format!("localhost:{port}"), Scheme::Http)
    }

    fn tcp(host: String, port: u16, authority: String, scheme: Scheme) -> Self {
        let target = Target::Tcp { host, port };
        Self(Arc::new(Parts {
            target,
            scheme_given: scheme != Scheme::None,
            secure: scheme == Scheme::Https,
            authority,
            path: String::new(),
            query: None,
            per_signal: false,
        }))
    }

    /// The same endpoint, to be used exactly as given: no signal's path is appended (URL-01).
    #[must_use]
    pub fn per_signal(mut self) -> Self {
        Arc::make_mut(&mut self.0).per_signal = true;
        self
    }

    /// What to connect to.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// Whether the text named its scheme. `host:port` did not, and `insecure` options apply to it (GRPC-15, GRPC-17).
    #[must_use]
    pub fn is_scheme_given(&self) -> bool {
        self.0.scheme_given
    }

    /// Whether it is reached over TLS: `https`, or [`secured`](Self::secured) (GRPC-15, HTTP-21).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.secure
    }

    /// The same endpoint over TLS: what `host:port`, which has no scheme, means where TLS is asked for.
    ///
    /// ```
    /// use otlp_transport::Endpoint;
    /// let endpoint: Endpoint = "collector:4317".parse()?;
    /// assert!(!endpoint.is_secure());
    /// assert_eq!(endpoint.secured().to_string(), "https://collector:4317");
    /// # Ok::<(), otlp_transport::EndpointError>(())
    /// ```
    #[cfg(feature = "_tls")]
    #[must_use]
    pub fn secured(mut self) -> Self {
        Arc::make_mut(&mut self.0).secure = true;
        self
    }

    /// The scheme of a call's URI.
    #[cfg(feature = "grpc")]
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_secure() { "https" } else { "http" }
    }

    /// The value of `Host` and `:authority`: host and port as given; `localhost` for unix sockets (HTTP-23).
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    /// Path and query of the requests for `signal` over HTTP.
    ///
    /// Of a base, one slash is ensured at its end and `v1/traces`, `v1/metrics` or `v1/logs` appended, whatever the
    /// path ends in (URL-02, URL-05, URL-06); of a [`per_signal`](Self::per_signal) endpoint it is the path as given,
    /// or `/` (URL-01, URL-03).
    #[must_use]
    pub fn signal_path(&self, signal: Signal) -> String {
        let Parts { path, query, per_signal, .. } = &*self.0;
        let mut text = if path.is_empty() { "/".to_owned() } else { path.clone() };
        if !per_signal {
            if !text.ends_with('/') {
                text.push('/');
            }
            text.push_str("v1/");
            text.push_str(signal.as_str());
        }
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        text
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.target {
            Target::Unix { .. } => write!(f, "{}", self.0.target),
            Target::Tcp { .. } => {
                let scheme = match (self.0.secure, self.0.scheme_given) {
                    (true, _) => "https://",
                    (false, true) => "http://",
                    (false, false) => "",
                };
                let query = if self.0.query.is_some() { "?…" } else { "" };
                write!(f, "{scheme}{}{}{query}", self.0.authority, self.0.path)
            }
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// What a connector connects to: the part of an [`Endpoint`] below HTTP.
///
/// ```
/// use otlp_transport::{Endpoint, Target};
/// let endpoint: Endpoint = "http://[::1]:4317".parse()?;
/// assert_eq!(endpoint.target(), &Target::Tcp { host: "::1".into(), port: 4317 });
/// assert_eq!(endpoint.target().to_string(), "[::1]:4317");
/// # Ok::<(), otlp_transport::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// A port of a host.
    Tcp {
        /// A name to resolve, or an address (IPv6 without brackets).
        host: String,
        /// The port, never zero.
        port: u16,
    },
    /// A unix domain socket.
    Unix {
        /// The path of the socket.
        path: PathBuf,
    },
}

impl Target {
    /// The path of the socket, of a unix domain socket.
    #[must_use]
    pub fn unix_path(&self) -> Option<&Path> {
        match self {
            Self::Unix { path } => Some(path),
            Self::Tcp { .. } => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => {
                let host: Cow<'_, str> =
                    if host.contains(':') { format!("[{host}]").into() } else { host.into() };
                write!(f, "{host}:{port}")
            }
            Self::Unix { path } if path.is_absolute() => write!(f, "unix://{}", path.display()),
            Self::Unix { path } => write!(f, "unix:{}", path.display()),
        }
    }
}
