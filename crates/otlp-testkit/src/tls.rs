//! The collector's TLS: the certificate it shows, and whose certificates it asks of clients.
//!
//! Used by the listening side and by tests that rotate certificates. Never decides what a request gets.

mod ca;

pub use ca::{Identity, TestCa};

use crate::Error;
use crate::collector::Role;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How a collector speaks TLS, for [`CollectorBuilder::tls`](crate::CollectorBuilder::tls). Needs the feature `tls`.
///
/// ```
/// use otlp_testkit::{Collector, ServerTls, TestCa};
/// # fn main() -> Result<(), otlp_testkit::Error> {
/// let ca = TestCa::new("the test's authority")?;
/// let tls = ServerTls::new(&ca.server(&["localhost", "127.0.0.1"])?)?;
/// let collector = Collector::builder().tls(tls).start_blocking()?;
/// assert!(collector.grpc_endpoint().starts_with("https://127.0.0.1:"));
/// // The client under test trusts `ca.cert_pem()`.
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ServerTls {
    config: ServerConfig,
    /// Instead of what the listener's protocol says.
    alpn: Option<Vec<Vec<u8>>>,
}

impl ServerTls {
    /// Shows the certificate and chain of `identity`, and asks none of clients. TLS 1.2 and 1.3.
    ///
    /// # Errors
    ///
    /// [`Error::Tls`] when certificate and key are of no use.
    pub fn new(identity: &Identity) -> Result<Self, Error> {
        Self::build(identity, None, rustls::ALL_VERSIONS)
    }

    /// A server of the old school: TLS 1.2 alone; with a certificate from `clients`, if there is one, asked of clients.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn tls12(identity: &Identity, clients: Option<&TestCa>) -> Result<Self, Error> {
        Self::build(identity, clients, &[&rustls::version::TLS12])
    }

    /// The same, and a client must show a certificate from `ca`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn mutual(identity: &Identity, ca: &TestCa) -> Result<Self, Error> {
        Self::build(identity, Some(ca), rustls::ALL_VERSIONS)
    }

    fn build(
        identity: &Identity,
        clients: Option<&TestCa>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(Error::tls)?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots
                    .add(CertificateDer::from_pem_slice(ca.cert_pem().as_bytes()).map_err(Error::tls)?)
                    .map_err(Error::tls)?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(Error::tls)?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(identity.cert_pem().as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).map_err(Error::tls)?;
        let config = builder.with_single_cert(chain.map_err(Error::tls)?, key).map_err(Error::tls)?;
        Ok(Self { config, alpn: None })
    }

    /// Negotiates these protocols, or nothing if there are none. Default: `h2` on a gRPC listener, `h2` and `http/1.1` on an
    /// HTTP listener.
    #[must_use]
    pub fn with_alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = Some(protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect());
        self
    }

    /// The encrypted stream; `None` when the client does not accept us, or we it, which it has been told by then.
    pub(crate) async fn accept(&self, role: Role, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        let mut config = self.config.clone();
        config.alpn_protocols = self.alpn.clone().unwrap_or_else(|| match role {
            Role::Grpc => vec![b"h2".to_vec()],
            Role::Http | Role::Both => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        });
        match TlsAcceptor::from(Arc::new(config)).accept(stream).into_fallible().await {
            Ok(stream) => Some(stream),
            Err((_, mut stream)) => {
                // Reads what the client has sent ahead: closing over it would be a reset, which overtakes the alert.
                let _ = stream.shutdown().await;
                let mut rest = [0; 1024];
                while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                None
            }
        }
    }
}
