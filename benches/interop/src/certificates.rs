//! The certificates of a run, as files in its folder: an authority, and what it issued for both ends.

use crate::Failure;
use otlp_testkit::{Identity, TestCa};
use std::path::{Path, PathBuf};

/// Paths of files in PEM.
pub(crate) struct Certificates {
    folder: PathBuf,
    pub(crate) authority: TestCa,
    pub(crate) server: Identity,
}

impl Certificates {
    /// Issues them and writes them to `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        let authority = TestCa::new("the authority of a run")?;
        let (server, client) = (authority.server(&["localhost", "127.0.0.1"])?, authority.client("sender")?);
        let this = Self { folder: folder.to_owned(), authority, server };
        std::fs::create_dir_all(folder)?;
        for (path, pem) in [
            (this.ca(), this.authority.cert_pem()),
            (this.server_cert(), this.server.cert_pem()),
            (this.server_key(), this.server.key_pem()),
            (this.client_cert(), client.cert_pem()),
            (this.client_key(), client.key_pem()),
        ] {
            std::fs::write(path, pem)?;
        }
        Ok(this)
    }

    pub(crate) fn ca(&self) -> String {
        self.path("ca.pem")
    }

    pub(crate) fn server_cert(&self) -> String {
        self.path("server.pem")
    }

    pub(crate) fn server_key(&self) -> String {
        self.path("server.key")
    }

    pub(crate) fn client_cert(&self) -> String {
        self.path("client.pem")
    }

    pub(crate) fn client_key(&self) -> String {
        self.path("client.key")
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }
}
