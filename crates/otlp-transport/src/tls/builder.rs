//! Choosing whom to trust, who to be, and what the server is called.
//!
//! Used once per layer. `build` reads the files, so that what can't work is told before anything is sent (TLS-11).

use super::config_error::{Field, TlsConfigError};
use super::live::{Live, Plan};
use super::rustls_config::Trust;
use super::{Pem, TlsLayer};
use crate::Alpn;
use crate::connect::DEFAULT_TIMEOUT;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;

/// Builds a [`TlsLayer`]. Made by [`TlsLayer::builder`].
///
/// ```no_run
/// use otlp_transport::{Alpn, Pem, TlsLayer};
/// let tls = TlsLayer::builder(Alpn::H2)
///     .ca(Pem::file("/etc/otlp/ca.pem"))
///     .identity(Pem::file("/etc/otlp/client.pem"), Pem::file("/etc/otlp/client.key"))
///     .server_name("collector.internal")
///     .build()?;
/// # Ok::<(), otlp_transport::TlsConfigError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "`build` makes the layer"]
pub struct TlsBuilder {
    alpn: Alpn,
    trust: Trust,
    cert: Option<Pem>,
    key: Option<Pem>,
    server_name: Option<String>,
    timeout: Duration,
}

impl TlsBuilder {
    pub(super) fn new(alpn: Alpn) -> Self {
        Self {
            alpn,
            trust: Trust::Platform,
            cert: None,
            key: None,
            server_name: None,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Trusts these authorities **instead of** the platform's (TLS-08): one or more certificates. Where a server's
    /// certificate signs itself, give that certificate.
    pub fn ca(mut self, ca: Pem) -> Self {
        self.trust = Trust::Ca(ca);
        self
    }

    /// Trusts Mozilla's root certificates as they were when the crate `webpki-roots` was released, instead of the
    /// platform's: for machines, such as minimal containers, that have none.
    #[cfg(feature = "webpki-roots")]
    pub fn webpki_roots(mut self) -> Self {
        self.trust = Trust::Mozilla;
        self
    }

    /// **Dangerous**: takes any certificate from anyone, so that whoever is on the way can read and change everything.
    /// For development alone. Nothing is logged here; whoever offers this as an option should warn.
    pub fn dangerous_accept_any_server(mut self) -> Self {
        self.trust = Trust::Anyone;
        self
    }

    /// The client's certificate, followed by those between it and its authority, and the key that belongs to it: for
    /// servers that ask for one (mTLS; TLS-04). Both are read again when they change; a certificate that does not fit
    /// the key, as between two writes of a rotation, waits for the other half.
    pub fn identity(mut self, cert: Pem, key: Pem) -> Self {
        self.cert = Some(cert);
        self.key = Some(key);
        self
    }

    /// The name that the server's certificate must have, and that is sent to it (SNI), instead of the target's.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Bounds the making of a connection, the inner connector's part and the handshake together (TIME-03). Default 10 s;
    /// zero means without limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Reads the files. Connects nothing.
    ///
    /// # Errors
    ///
    /// [`TlsConfigError`] with the option, the file and what is wrong with it.
    pub fn build(self) -> Result<TlsLayer, TlsConfigError> {
        let server_name = self.server_name.map(|name| match ServerName::try_from(name) {
            Ok(name) => Ok(name),
            Err(_) => Err(TlsConfigError::of(Field::ServerName, "is neither a host name nor an address")),
        });
        let plan = Plan {
            alpn: self.alpn,
            trust: self.trust,
            identity: self.cert.zip(self.key),
            server_name: server_name.transpose()?,
        };
        Ok(TlsLayer { live: Arc::new(Live::new(plan)?), timeout: self.timeout })
    }
}
