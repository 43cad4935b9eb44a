//! Why there is no TLS connection, in words that say what to do.
//!
//! Made from the errors of the TLS library, by type; those are kept as the source. Never fails a connection by itself.

use super::TlsConfigError;
use crate::{Alpn, BoxError, status};
use rustls::{AlertDescription, CertificateError};
use std::error::Error;
use std::fmt;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

/// What went wrong in making a TLS connection, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// The server's certificate was not accepted: expired, for another name, from an unknown authority.
    Verification,
    /// The server wants a certificate from the client, or did not accept the one it got.
    ClientCertificate,
    /// What answers on the port does not speak TLS.
    NoTls,
    /// The server does not speak the protocol of the terminal (ALPN).
    NoProtocol,
    /// Anything else, such as no version or cipher in common, or a connection that broke.
    Handshake,
}

/// There is no TLS connection to the server; the text says why and what to do.
///
/// Retryable, and slowly so: the server, or the files, may be mended meanwhile (RETRY-18).
///
/// ```
/// use otlp_transport::{Alpn, BoxError, Connection, Target, TlsError, TlsErrorKind, TlsLayer, Pem};
/// use tower::{Layer, ServiceExt};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// // A server that says something else than TLS.
/// let connector = tower::service_fn(|_: Target| async {
///     Ok::<_, BoxError>(Connection::new(tokio::io::join(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], tokio::io::sink())))
/// });
/// let tls = TlsLayer::builder(Alpn::Http1).dangerous_accept_any_server().build().unwrap();
/// let target = Target::Tcp { host: "collector".into(), port: 4318 };
/// let error = tls.layer(connector).oneshot(target).await.unwrap_err();
/// let error = error.downcast::<TlsError>().unwrap();
/// assert_eq!(error.kind(), TlsErrorKind::NoTls);
/// # });
/// ```
#[derive(Debug)]
pub struct TlsError {
    kind: TlsErrorKind,
    message: String,
    stale: Option<TlsConfigError>,
    source: Option<BoxError>,
}

/// What was brought to the handshake.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub(super) alpn: Alpn,
    /// Whether there is a client certificate.
    pub(super) identified: bool,
}

/// A handshake that failed.
pub(super) struct Handshake {
    pub(super) error: io::Error,
    pub(super) offer: Offer,
    /// Why files older than those on disk were used.
    pub(super) stale: Option<TlsConfigError>,
}

impl TlsError {
    fn new(kind: TlsErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), stale: None, source: None }
    }

    pub(super) fn unnameable(host: &str) -> Self {
        let message = format!("no certificate can be for {host:?}; set the server's name");
        Self::new(TlsErrorKind::Verification, message)
    }

    pub(super) fn no_protocol(alpn: Alpn) -> Self {
        let whose = match alpn {
            Alpn::H2 => "OTLP/gRPC",
            Alpn::Http1 => "OTLP/HTTP",
        };
        let message =
            format!("the server speaks TLS, but did not agree to {alpn} (ALPN); is this a port for {whose}?");
        Self::new(TlsErrorKind::NoProtocol, message)
    }

    /// What an alert says that ended a connection, if it says more than that.
    pub(super) fn from_alert(error: &io::Error, offer: Offer) -> Option<Self> {
        match in_io(error)? {
            rustls::Error::AlertReceived(alert) => of_alert(*alert, offer),
            _ => None,
        }
    }

    /// What went wrong, roughly.
    #[must_use]
    pub fn kind(&self) -> TlsErrorKind {
        self.kind
    }
}

impl From<Handshake> for TlsError {
    fn from(Handshake { error, offer, stale }: Handshake) -> Self {
        let told = match in_io(&error) {
            Some(rustls) => of_rustls(rustls, offer),
            None => of_io(&error),
        };
        Self { stale, source: Some(error.into()), ..told }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.stale {
            Some(problem) => {
                write!(f, " (the files from before were used, as the new ones are no good: {problem})")
            }
            None => Ok(()),
        }
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// The library's error inside of an I/O error.
fn in_io(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// The connection failed below TLS.
fn of_io(error: &io::Error) -> TlsError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            TlsError::new(
                TlsErrorKind::Handshake,
                "the server closed the connection during the TLS handshake; does it speak TLS on this port?",
            )
        }
        _ => TlsError::new(TlsErrorKind::Handshake, format!("the TLS handshake broke off: {error}")),
    }
}

fn of_rustls(error: &rustls::Error, offer: Offer) -> TlsError {
    match error {
        rustls::Error::InvalidCertificate(error) => {
            let message = format!("certificate verification failed: {}", Verification(error));
            TlsError::new(TlsErrorKind::Verification, message)
        }
        rustls::Error::InvalidMessage(_) => TlsError::new(
            TlsErrorKind::NoTls,
            "what answers on this port does not speak TLS; is it the port for clear text (http://)?",
        ),
        rustls::Error::NoApplicationProtocol => TlsError::no_protocol(offer.alpn),
        rustls::Error::PeerIncompatible(_) => old(error),
        rustls::Error::AlertReceived(alert) => of_alert(*alert, offer).unwrap_or_else(|| generic(error)),
        _ => generic(error),
    }
}

fn generic(error: &rustls::Error) -> TlsError {
    TlsError::new(TlsErrorKind::Handshake, format!("the TLS handshake failed: {error}"))
}

fn old(error: &rustls::Error) -> TlsError {
    let message = format!("the server offers no TLS that is used here, which is 1.2 or newer: {error}");
    TlsError::new(TlsErrorKind::Handshake, message)
}

/// What the server says is wrong with us.
fn of_alert(alert: AlertDescription, offer: Offer) -> Option<TlsError> {
    use AlertDescription as Alert;
    let about_certificate = match alert {
        Alert::CertificateExpired => "it has expired",
        Alert::UnknownCA => "it is from an authority that the server does not trust",
        Alert::CertificateRevoked => "it is revoked",
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateUnknown
        | Alert::CertificateRequired
        | Alert::AccessDenied => "the server does not say why",
        Alert::NoApplicationProtocol => return Some(TlsError::no_protocol(offer.alpn)),
        Alert::ProtocolVersion => return Some(old(&rustls::Error::AlertReceived(alert))),
        Alert::UnrecognisedName => {
            let message = "the server does not know the name it was asked for (SNI); set the server's name";
            return Some(TlsError::new(TlsErrorKind::Handshake, message));
        }
        _ => return None,
    };
    let message = if offer.identified {
        format!("the server refused the client's certificate ({alert:?}): {about_certificate}")
    } else {
        format!("the server requires a certificate of the client ({alert:?}); set a certificate and its key")
    };
    Some(TlsError::new(TlsErrorKind::ClientCertificate, message))
}

/// Why the server's certificate was not accepted.
struct Verification<'a>(&'a CertificateError);

impl fmt::Display for Verification<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            CertificateError::ExpiredContext { not_after, .. } => {
                let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(not_after.as_secs()));
                write!(f, "the server's certificate expired on {date}; renew it, or set this machine's clock")
            }
            CertificateError::Expired => {
                f.write_str("the server's certificate has expired; renew it, or set this machine's clock")
            }
            CertificateError::NotValidYetContext { not_before, .. } => {
                let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(not_before.as_secs()));
                write!(f, "the server's certificate is not valid before {date}; is this machine's clock right?")
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                let names = match presented.as_slice() {
                    [] => "no name".to_owned(),
                    // The server chose these: there may be many, and worse.
                    names => status::printable(&names.iter().map(|name| bare(name)).collect::<Vec<_>>().join(", ")),
                };
                write!(
                    f,
                    "the server's certificate is for {names}, not for {}; use a name it has as the endpoint's host, \
                     or set the server's name",
                    expected.to_str()
                )
            }
            CertificateError::UnknownIssuer => f.write_str(
                "the server's certificate is from an authority that is not trusted here; name the certificate of that \
                 authority as CA",
            ),
            CertificateError::BadSignature => f.write_str(
                "the server's certificate names a trusted authority, but another key has signed it; is the CA given here \
                 the one in force?",
            ),
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => f.write_str(
                "the server uses the certificate of an authority (CA:TRUE) as its own; give it one with CA:FALSE",
            ),
            other => write!(f, "{other}"),
        }
    }
}

/// A name out of the library's `DnsName("localhost")` or `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, rest)| rest.strip_suffix(')').unwrap_or(rest));
    inner.trim_matches('"')
}
