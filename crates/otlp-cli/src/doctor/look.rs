//! A handshake that takes any certificate, to see what a server shows and what it negotiates.
//!
//! Used beside the handshake that decides. Nothing is sent over this connection.

use super::case::Case;
use super::certificate::{self, Shown};
use otlp_transport::{Alpn, Target};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tower::ServiceExt;

/// What a server shows.
#[derive(Debug)]
pub(crate) struct Look {
    /// `TLS 1.3`.
    pub(crate) version: String,
    pub(crate) cipher: String,
    pub(crate) alpn: Option<String>,
    /// The server's own first.
    pub(crate) chain: Vec<Shown>,
}

/// What the endpoint shows; nothing if there is no handshake, which the other one tells better.
pub(crate) async fn look(case: &Case) -> Option<Look> {
    let Target::Tcp { host, .. } = case.endpoint.target() else { return None };
    let name = case.receiver.server_name.clone().unwrap_or_else(|| host.clone());
    let name = ServerName::try_from(name).ok()?;
    let handshake = async {
        let stream = case.plain().oneshot(case.endpoint.target().clone()).await.ok()?;
        TlsConnector::from(Arc::new(configuration(case)?)).connect(name, stream).await.ok()
    };
    let stream = tokio::time::timeout(case.timeout, handshake).await.ok()??;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version()?.as_str().unwrap_or("TLS").replace("TLSv1_", "TLS 1.");
    Some(Look {
        version,
        cipher: format!("{:?}", session.negotiated_cipher_suite()?.suite()),
        alpn: session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
        chain: session.peer_certificates()?.iter().filter_map(|der| certificate::read(der)).collect(),
    })
}

fn configuration(case: &Case) -> Option<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth();
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
