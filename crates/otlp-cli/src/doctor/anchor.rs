//! Which of the trusted certificates a server's chain ends in: by signatures, as the client's own verification finds it, not by what
//! the server sends last.
//!
//! Asked when the chain was accepted. Decides nothing: whoever is trusted where, the handshake has said.

use super::certificate::{self, Shown};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// The anchor of `chain`, the server's own certificate first, among those that are trusted: of `ca_file`, else the platform's. Nothing
/// if it is not found, as where the platform keeps some to itself.
pub(crate) fn find(
    chain: &[CertificateDer<'_>],
    ca_file: Option<&Path>,
    provider: &CryptoProvider,
    now: SystemTime,
) -> Option<Shown> {
    let trusted = match ca_file {
        Some(file) => CertificateDer::pem_file_iter(file).ok()?.filter_map(Result::ok).collect(),
        None => rustls_native_certs::load_native_certs().certs,
    };
    among(chain, &trusted, provider, now)
}

fn among(
    chain: &[CertificateDer<'_>],
    trusted: &[CertificateDer<'_>],
    provider: &CryptoProvider,
    now: SystemTime,
) -> Option<Shown> {
    let (own, between) = chain.split_first()?;
    let own = EndEntityCert::try_from(own).ok()?;
    let pairs = trusted.iter().filter_map(|der| Some((anchor_from_trusted_cert(der).ok()?, der)));
    let (anchors, certificates): (Vec<TrustAnchor<'_>>, Vec<&CertificateDer<'_>>) = pairs.unzip();
    let path = own.verify_for_usage(
        provider.signature_verification_algorithms.all,
        &anchors,
        between,
        UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).ok()?),
        KeyUsage::server_auth(),
        None,
        None,
    );
    let path = path.ok()?;
    let at = anchors.iter().position(|anchor| anchor == path.anchor())?;
    certificate::read(certificates.get(at)?)
}
