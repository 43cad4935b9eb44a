//! A certificate authority inside a test, and what it issues: good certificates and bad ones.
//!
//! Used by tests, for both ends. Its keys are made anew each time; never use them for anything that lasts.

use crate::Error;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use std::fmt;

/// A certificate authority that exists for one test. Needs the feature `tls`.
///
/// ```
/// use otlp_testkit::TestCa;
/// # fn main() -> Result<(), otlp_testkit::Error> {
/// let ca = TestCa::new("authority")?;
/// let server = ca.server(&["localhost"])?;
/// assert!(server.cert_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// assert!(server.key_pem().starts_with("-----BEGIN PRIVATE KEY-----"));
/// # Ok(())
/// # }
/// ```
pub struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// What those that it issues send along: its own certificate, unless that is the root, and those above it.
    chain: String,
}

/// A certificate, with those between it and the root, and its key.
#[derive(Clone)]
pub struct Identity {
    cert_pem: String,
    key_pem: String,
}

impl Identity {
    /// The certificate and its chain, in PEM.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        &self.cert_pem
    }

    /// The private key, in PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

impl TestCa {
    /// A root authority called `name`, with a key of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Tls`] when there is no randomness to be had.
    pub fn new(name: &str) -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(Error::tls)?;
        let params = authority(name);
        let pem = params.self_signed(&key).map_err(Error::tls)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem, chain: String::new() })
    }

    /// An authority below this one: what it issues has a chain of two certificates and is trusted by whoever trusts
    /// this one.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn intermediate(&self, name: &str) -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(Error::tls)?;
        let params = authority(name);
        let pem = params.signed_by(&key, &self.issuer).map_err(Error::tls)?.pem();
        let chain = format!("{pem}{}", self.chain);
        Ok(Self { issuer: Issuer::new(params, key), pem, chain })
    }

    /// Its own certificate, for whoever is to trust it.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        &self.pem
    }

    /// A server's certificate for `names`, host names and addresses.
    ///
    /// # Errors
    ///
    /// [`Error::Tls`] when a name is none.
    pub fn server(&self, names: &[&str]) -> Result<Identity, Error> {
        self.issue("server", names, ExtendedKeyUsagePurpose::ServerAuth, false)
    }

    /// The same, expired since the first of January 2020.
    ///
    /// # Errors
    ///
    /// As [`server`](Self::server).
    pub fn expired_server(&self, names: &[&str]) -> Result<Identity, Error> {
        self.issue("server", names, ExtendedKeyUsagePurpose::ServerAuth, true)
    }

    /// A client's certificate for `name`.
    ///
    /// # Errors
    ///
    /// As [`server`](Self::server).
    pub fn client(&self, name: &str) -> Result<Identity, Error> {
        self.issue(name, &[], ExtendedKeyUsagePurpose::ClientAuth, false)
    }

    /// The same, expired since the first of January 2020.
    ///
    /// # Errors
    ///
    /// As [`server`](Self::server).
    pub fn expired_client(&self, name: &str) -> Result<Identity, Error> {
        self.issue(name, &[], ExtendedKeyUsagePurpose::ClientAuth, true)
    }

    /// Its own certificate and key: for a server that shows the certificate of an authority as its own, as one does who
    /// uses `openssl req -x509` as it is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity { cert_pem: self.pem.clone(), key_pem: self.issuer.key().serialize_pem() }
    }

    fn issue(
        &self,
        name: &str,
        names: &[&str],
        usage: ExtendedKeyUsagePurpose,
        expired: bool,
    ) -> Result<Identity, Error> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(Error::tls)?;
        params.distinguished_name = called(name);
        params.extended_key_usages = vec![usage];
        if expired {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().map_err(Error::tls)?;
        let cert = params.signed_by(&key, &self.issuer).map_err(Error::tls)?;
        Ok(Identity { cert_pem: format!("{}{}", cert.pem(), self.chain), key_pem: key.serialize_pem() })
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = called(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn called(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

impl fmt::Debug for TestCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestCa").field("pem", &self.pem).finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("cert_pem", &self.cert_pem).finish_non_exhaustive()
    }
}
