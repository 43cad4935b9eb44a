//! A handshake that takes any certificate, to see what a server shows and what it negotiates.
//!
//! Used beside the handshake that decides. Nothing is sent over this connection.

use super::case::Case;
use super::certificate::{self, Shown};
use otlp_transport::{Alpn, Target};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_rustls::TlsConnector;
use tower::ServiceExt;

/// What a server shows.
#[derive(Debug)]
pub(crate) struct Look {
    /// `TLS 1.3`.
    pub(crate) version: String,
    pub(crate) cipher: String,
    pub(crate) alpn: Option<String>,
    /// Whether it asks for a certificate of the client.
    pub(crate) wants_certificate: bool,
    /// The server's own first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
}

impl Look {
    /// What the certificates say that can be read.
    pub(crate) fn shown(&self) -> impl Iterator<Item = Shown> {
        self.chain.iter().filter_map(|der| certificate::read(der))
    }
}

/// What the endpoint shows; nothing if there is no handshake, which the other one tells better.
pub(crate) async fn look(case: &Case) -> Option<Look> {
    if !case.is_secure() {
        return None;
    }
    let Target::Tcp { host, .. } = case.target() else { return None };
    let asked = Arc::new(Asked::default());
    let config = Arc::new(configuration(case, Arc::clone(&asked))?);
    let name = case.receiver.server_name.clone().unwrap_or_else(|| host.clone());
    let name = ServerName::try_from(name).ok()?;
    let handshake = async {
        let stream = case.plain().oneshot(case.target().clone()).await.ok()?;
        TlsConnector::from(config).connect(name, stream).await.ok()
    };
    let stream = tokio::time::timeout(case.timeout, handshake).await.ok()??;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version()?.as_str().unwrap_or("TLS").replace("TLSv1_", "TLS 1.");
    Some(Look {
        version,
        cipher: format!("{:?}", session.negotiated_cipher_suite()?.suite()),
        alpn: session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
        wants_certificate: asked.0.load(Ordering::Relaxed),
        chain: session.peer_certificates()?.iter().map(|der| der.clone().into_owned()).collect(),
    })
}

fn configuration(case: &Case, asked: Arc<Asked>) -> Option<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_client_cert_resolver(asked);
    // As the client's own: a server of one protocol alone refuses the other.
    let grpc = case.wires.iter().any(|wire| wire.is_grpc());
    let http = case.wires.iter().any(|wire| !wire.is_grpc());
    let offered = [(grpc, Alpn::H2), (http, Alpn::Http1)];
    config.alpn_protocols = offered
        .into_iter()
        .filter(|(offered, _)| *offered)
        .map(|(_, alpn)| alpn.to_string().into_bytes())
        .collect();
    Some(config)
}

/// Has no certificate, and notes that one was asked for.
#[derive(Debug, Default)]
struct Asked(AtomicBool);

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Takes any certificate: it is looked at, and nothing is entrusted to the connection.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
