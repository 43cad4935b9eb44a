//! What is wrong with the TLS options: a file, a key that does not fit, a name.
//!
//! Made when a layer is built and when files are read again. Never shows the content of a file.

use super::Pem;
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// A TLS option that can't work. Whoever built the layer adds what the option is called there.
///
/// ```
/// use otlp_transport::{Alpn, Pem, TlsLayer};
/// let error = TlsLayer::builder(Alpn::H2).ca(Pem::file("/nowhere/ca.pem")).build().unwrap_err();
/// assert_eq!(error.field(), "ca");
/// assert_eq!(error.to_string(), "ca: /nowhere/ca.pem: there is no such file");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfigError {
    field: Field,
    path: Option<PathBuf>,
    problem: String,
}

/// The options of the builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Ca,
    Cert,
    Key,
    ServerName,
    Roots,
}

impl TlsConfigError {
    pub(super) fn new(field: Field, pem: &Pem, problem: impl Into<String>) -> Self {
        Self { field, path: pem.path().map(Path::to_owned), problem: problem.into() }
    }

    pub(super) fn of(field: Field, problem: impl Into<String>) -> Self {
        Self { field, path: None, problem: problem.into() }
    }

    /// Which option: `ca`, `cert`, `key`, `server_name`, or `roots` when there is no authority to trust.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self.field {
            Field::Ca => "ca",
            Field::Cert => "cert",
            Field::Key => "key",
            Field::ServerName => "server_name",
            Field::Roots => "roots",
        }
    }

    /// The file, unless the option is none or was given in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is wrong, beginning with the file.
    #[must_use]
    pub fn problem(&self) -> String {
        match &self.path {
            Some(path) => format!("{}: {}", path.display(), self.problem),
            None => self.problem.clone(),
        }
    }
}

impl fmt::Display for TlsConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field(), self.problem())
    }
}

impl Error for TlsConfigError {}
