//! Options that can't work: refused when the layer is built, with the file and what is wrong with it.

use super::*;
use std::fs;
use std::path::PathBuf;

/// A directory for one test.
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otlp-tls-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Pem {
        fs::write(self.path(name), content).unwrap();
        Pem::file(self.path(name))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refused(builder: TlsBuilder, field: &str, problem: &str) {
    let error = builder.build().unwrap_err();
    assert_eq!(error.field(), field, "{error}");
    assert!(error.problem().contains(problem), "{error}");
    if let Some(path) = error.path() {
        assert!(error.to_string().starts_with(&format!("{field}: {}: ", path.display())), "{error}");
    }
}

#[test]
fn bad_files_are_refused_with_their_path_and_what_is_wrong() {
    // conf: TLS-02, TLS-11
    let files = Files::new("options");
    let ca = ca();
    let client = ca.client("shop").unwrap();
    let builder = || TlsLayer::builder(Alpn::H2);
    for (content, problem) in [
        ("", "it is empty"),
        ("0\u{82}\u{1}", "it is not PEM"),
        (client.key_pem(), "it holds no certificate"),
        (&ca.cert_pem()[..100], "its PEM is damaged: an END line is missing; is it still being written?"),
        (
            "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n",
            "its PEM is damaged: a section is not base64",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "its certificate number 1 is invalid",
        ),
    ] {
        refused(builder().ca(files.write("ca.pem", content)), "ca", problem);
    }
    refused(builder().ca(Pem::file(files.path("absent"))), "ca", "there is no such file");
    refused(builder().ca(Pem::file(files.path("."))), "ca", "it is no regular file");
    let large = files.write("large", vec![b'\n'; 1024 * 1024 + 1]);
    refused(builder().ca(large), "ca", "it is larger than 1 MiB");

    let cert = || files.write("client.pem", client.cert_pem());
    let key = || files.write("client.key", client.key_pem());
    builder().ca(Pem::memory(ca.cert_pem())).identity(cert(), key()).build().unwrap();
    let trusting = || builder().ca(Pem::memory(ca.cert_pem()));
    refused(trusting().identity(key(), key()), "cert", "it holds no certificate");
    refused(trusting().identity(cert(), cert()), "key", "it holds no private key");
    let encrypted = files.write("encrypted", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n");
    refused(trusting().identity(cert(), encrypted), "key", "its key is encrypted");
    let other = files.write("other.key", ca.client("other").unwrap().key_pem());
    refused(trusting().identity(cert(), other), "key", "the key does not match the certificate (");
    let nonsense = files.write("nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    refused(trusting().identity(cert(), nonsense), "key", "its key can't be used");
    refused(trusting().server_name("not a name"), "server_name", "is neither a host name nor an address");
}

#[test]
fn what_is_shown_holds_no_key() {
    // conf: HDR-09
    let client = ca().client("shop").unwrap();
    let builder = TlsLayer::builder(Alpn::H2)
        .identity(Pem::memory(client.cert_pem()), Pem::memory(client.key_pem()))
        .dangerous_accept_any_server();
    let secret = client.key_pem().lines().nth(1).unwrap();
    assert!(!format!("{builder:?}").contains(secret));
    assert!(!format!("{:?}", builder.build().unwrap()).contains(secret));
}
