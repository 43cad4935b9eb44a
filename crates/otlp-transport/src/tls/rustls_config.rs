//! From what was asked for, and read, to a configuration of rustls.
//!
//! Used when a layer is built and when its files have changed. The crypto provider is passed along, never installed for
//! the process: that is the application's to do (and a library's to break).

use super::config_error::{Field, TlsConfigError};
use super::live::Plan;
use super::{Pem, pem};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, InconsistentKeys, RootCertStore, SignatureScheme};
use std::sync::Arc;

#[cfg(all(feature = "_tls", not(any(feature = "tls-ring", feature = "tls-aws-lc"))))]
compile_error!("`_tls` is what the TLS features share; enable `tls-ring` or `tls-aws-lc`");

/// Whom to trust.
#[derive(Debug, Clone)]
pub(super) enum Trust {
    /// The platform's roots.
    Platform,
    /// These authorities alone.
    Ca(Pem),
    /// Mozilla's roots, compiled in.
    #[cfg(feature = "webpki-roots")]
    Mozilla,
    /// Whoever answers.
    Anyone,
}

impl Trust {
    pub(super) fn ca(&self) -> Option<&Pem> {
        match self {
            Self::Ca(ca) => Some(ca),
            _ => None,
        }
    }
}

/// The contents of what may be files, as read.
#[derive(Hash)]
pub(super) struct Material {
    pub(super) ca: Option<Arc<[u8]>>,
    pub(super) cert: Option<Arc<[u8]>>,
    pub(super) key: Option<Arc<[u8]>>,
}

/// ring where it is compiled in: a feature that another crate turns on must not change what is used here.
fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "tls-ring")]
    let provider = rustls::crypto::ring::default_provider();
    #[cfg(not(feature = "tls-ring"))]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    Arc::new(provider)
}

pub(super) fn build(plan: &Plan, material: &Material) -> Result<ClientConfig, TlsConfigError> {
    let provider = provider();
    let verifier = verifier(plan, material, &provider)?;
    // TLS 1.2 and 1.3 (TLS-07).
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsConfigError::of(Field::Roots, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match (&plan.identity, &material.cert, &material.key) {
        (Some((cert_pem, key_pem)), Some(cert), Some(key)) => {
            let chain = pem::certificates(cert)
                .map_err(|problem| TlsConfigError::new(Field::Cert, cert_pem, problem))?;
            let key = pem::key(key).map_err(|problem| TlsConfigError::new(Field::Key, key_pem, problem))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| unfit(&error, cert_pem, key_pem))?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![plan.alpn.to_string().into_bytes()];
    Ok(config)
}

/// What is wrong with a certificate and a key that are both PEM.
fn unfit(error: &rustls::Error, cert: &Pem, key: &Pem) -> TlsConfigError {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            let whose = cert.path().map_or_else(|| "the certificate".into(), |path| path.to_string_lossy());
            let problem =
                format!("the key does not match the certificate ({whose}); do both belong together?");
            TlsConfigError::new(Field::Key, key, problem)
        }
        rustls::Error::InvalidCertificate(error) => {
            TlsConfigError::new(Field::Cert, cert, format!("its first certificate is invalid: {error}"))
        }
        error => TlsConfigError::new(Field::Key, key, format!("its key can't be used: {error}")),
    }
}

fn verifier(
    plan: &Plan,
    material: &Material,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsConfigError> {
    match (&plan.trust, &material.ca) {
        (Trust::Anyone, _) => Ok(Arc::new(Anyone(Arc::clone(provider)))),
        (Trust::Ca(ca), Some(bytes)) => authorities(bytes)
            .and_then(|roots| by_roots(roots, provider))
            .map_err(|problem| TlsConfigError::new(Field::Ca, ca, problem)),
        #[cfg(feature = "webpki-roots")]
        (Trust::Mozilla, _) => {
            let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            by_roots(roots, provider).map_err(|problem| TlsConfigError::of(Field::Roots, problem))
        }
        _ => match rustls_platform_verifier::Verifier::new(Arc::clone(provider)) {
            Ok(verifier) => Ok(Arc::new(verifier)),
            Err(error) => Err(TlsConfigError::of(
                Field::Roots,
                format!(
                    "this machine has no root certificates to verify servers by ({error}); install them \
                     (ca-certificates), name the server's CA, or use the feature `webpki-roots`"
                ),
            )),
        },
    }
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for (number, certificate) in pem::certificates(pem)?.into_iter().enumerate() {
        roots
            .add(certificate)
            .map_err(|error| format!("its certificate number {} is invalid: {error}", number + 1))?;
    }
    Ok(roots)
}

fn by_roots(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    Ok(verifier.map_err(|error| error.to_string())?)
}

/// Takes any certificate. Signatures are still checked: the server must have the key of the certificate it shows.
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
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[cfg(feature = "webpki-roots")]
mod tests {
    use super::*;
    use crate::Alpn;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, Issuer, KeyPair};
    use rustls::CertificateError;

    /// A certificate for `localhost` that says to be from this authority.
    fn in_the_name_of(authority: &str) -> CertificateDer<'static> {
        let mut named = CertificateParams::default();
        named.distinguished_name = DistinguishedName::new();
        for (kind, value) in [
            (DnType::CountryName, "US"),
            (DnType::OrganizationName, "Internet Security Research Group"),
            (DnType::CommonName, authority),
        ] {
            named.distinguished_name.push(kind, DnValue::PrintableString(value.try_into().unwrap()));
        }
        let issuer = Issuer::new(named, KeyPair::generate().unwrap());
        let ours = CertificateParams::new(["localhost".to_owned()]).unwrap();
        ours.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().clone()
    }

    #[test]
    fn mozillas_authorities_are_known_by_their_keys() {
        // conf: TLS-01
        let plan = Plan { alpn: Alpn::H2, trust: Trust::Mozilla, identity: None, server_name: None };
        let verifier = verifier(&plan, &Material { ca: None, cert: None, key: None }, &provider()).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        for (authority, error) in [
            ("ISRG Root X2", CertificateError::BadSignature),
            ("ISRG Root XX", CertificateError::UnknownIssuer),
        ] {
            let forged = in_the_name_of(authority);
            let result = verifier.verify_server_cert(&forged, &[], &name, &[], UnixTime::now());
            assert_eq!(result.unwrap_err(), rustls::Error::InvalidCertificate(error), "{authority}");
        }
    }
}
