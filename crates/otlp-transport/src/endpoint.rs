//! Where a receiver is: an endpoint's text, parsed and judged before anything is built on it.
//!
//! Used by the terminals, by the connector and by whoever checks options. Never connects, never resolves a name, and
//! never shows what may be a secret: credentials are refused, and a query is not displayed.

use otlp_model::Signal;
use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// The address of a receiver.
///
/// | text | meaning |
/// |---|---|
/// | `http://host:4318`, `http://host:4318/base?key=1` | clear text to a host; without a port, port 80 (URL-04) |
/// | `http://[::1]:4317` | the same, to an IPv6 address |
/// | `unix:///run/otlp.sock`, `unix:/run/otlp.sock`, `unix:otlp.sock` | a unix domain socket |
/// | `host:4317`, `dns:///host:4317` | as gRPC clients write it (GRPC-16): clear text to a host |
/// | `https://…` | refused for now: [`EndpointError::TlsUnsupported`]; never sent in clear text instead |
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

#[derive(Clone, PartialEq, Eq, Hash)]
struct Parts {
    target: Target,
    /// Whether the text named the scheme; without one, others may decide about security (GRPC-17).
    scheme_given: bool,
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
        Self::tcp("localhost".to_owned(), port, format!("localhost:{port}"), true)
    }

    fn tcp(host: String, port: u16, authority: String, scheme_given: bool) -> Self {
        let target = Target::Tcp { host, port };
        Self(Arc::new(Parts {
            target,
            scheme_given,
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

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        let Some((scheme, rest)) = split_scheme(text) else {
            return host_and_port(text);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "http" => http(rest),
            "https" => Err(EndpointError::TlsUnsupported),
            "unix" => unix(rest),
            "dns" => match rest.strip_prefix("///") {
                Some(rest) => host_and_port(rest),
                None if rest.starts_with("//") => {
                    Err(EndpointError::UnsupportedScheme { scheme: "dns://server".into() })
                }
                None => host_and_port(rest),
            },
            _ => Err(EndpointError::UnsupportedScheme { scheme: scheme.into() }),
        }
    }
}

/// `scheme` and what follows its colon, unless `text` is `host:port` and has no scheme.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_name = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let known = ["unix", "dns"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_name && (known || rest.starts_with("//"))).then_some((scheme, rest))
}

fn http(rest: &str) -> Result<Endpoint, EndpointError> {
    let rest = rest.strip_prefix("//").ok_or(EndpointError::MissingHost)?;
    let rest = rest.split_once('#').map_or(rest, |(before, _fragment)| before);
    let (rest, query) = match rest.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (rest, None),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = split_authority(authority)?;
    check_visible(path).map_err(|found| EndpointError::InvalidPath { found })?;
    check_visible(query.unwrap_or_default()).map_err(|found| EndpointError::InvalidPath { found })?;
    let mut endpoint = Endpoint::tcp(host, port.unwrap_or(80), authority.to_owned(), true);
    let parts = Arc::make_mut(&mut endpoint.0);
    parts.path = path.to_owned();
    parts.query = query.map(str::to_owned);
    Ok(endpoint)
}

/// `host:port` without a scheme, as gRPC clients write it.
fn host_and_port(text: &str) -> Result<Endpoint, EndpointError> {
    if text.contains(['/', '?', '#']) {
        return Err(EndpointError::MissingScheme);
    }
    let (host, port) = split_authority(text)?;
    let port = port.ok_or(EndpointError::MissingScheme)?;
    Ok(Endpoint::tcp(host, port, text.to_owned(), false))
}

fn unix(rest: &str) -> Result<Endpoint, EndpointError> {
    // `unix:///abs` and `unix:/abs` are absolute, `unix:rel` is relative; `unix://name` would be a host.
    let path = match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err(EndpointError::InvalidSocketPath),
        None => rest,
    };
    if path.is_empty() || path.ends_with('/') || path.contains('\0') {
        return Err(EndpointError::InvalidSocketPath);
    }
    Ok(Endpoint(Arc::new(Parts {
        target: Target::Unix { path: PathBuf::from(path) },
        scheme_given: true,
        authority: "localhost".to_owned(),
        path: String::new(),
        query: None,
        per_signal: false,
    })))
}

/// The host, without the brackets of an IPv6 literal, and the port.
fn split_authority(authority: &str) -> Result<(String, Option<u16>), EndpointError> {
    if authority.contains('@') {
        return Err(EndpointError::Credentials);
    }
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (literal, rest) = rest.split_once(']').ok_or_else(|| invalid_host(authority))?;
        literal.parse::<Ipv6Addr>().map_err(|_| invalid_host(authority))?;
        match rest.strip_prefix(':') {
            Some(port) => (literal, Some(port)),
            None if rest.is_empty() => (literal, None),
            None => return Err(invalid_host(authority)),
        }
    } else {
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        if host.is_empty() {
            return Err(EndpointError::MissingHost);
        }
        if !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err(invalid_host(host));
        }
        (host, port)
    };
    let port = port.map(parse_port).transpose()?;
    Ok((host.to_owned(), port))
}

fn parse_port(text: &str) -> Result<u16, EndpointError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok(port),
        _ => Err(EndpointError::InvalidPort { port: shorten(text) }),
    }
}

fn invalid_host(host: &str) -> EndpointError {
    EndpointError::InvalidHost { host: shorten(host) }
}

/// The first character that a request line cannot carry.
fn check_visible(text: &str) -> Result<(), char> {
    match text
        .chars()
        .find(|c| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}'))
    {
        Some(found) => Err(found),
        None => Ok(()),
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.target {
            Target::Unix { .. } => write!(f, "{}", self.0.target),
            Target::Tcp { .. } => {
                let scheme = if self.0.scheme_given { "http://" } else { "" };
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
    #[error("has the unsupported scheme {scheme:?}; use http:// or unix://")]
    UnsupportedScheme {
        /// The scheme.
        scheme: String,
    },
    /// `https`: refused, because sending in clear text what was meant for TLS is worse than not sending.
    #[error(
        "is https, but https endpoints need TLS, which this version does not have yet; use http:// or unix://"
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
