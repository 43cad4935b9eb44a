//! Certificates and keys in PEM: where they come from, and reading them.
//!
//! Used by the builder and whenever files are read again. Shows no content, which may be a key. Never writes.

use super::config_error::{Field, TlsConfigError};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No file of certificates is larger; a bundle of all public roots has a quarter of it.
const MAX_BYTES: u64 = 1024 * 1024;

/// Certificates or a key in PEM, from a file, which is read again when it has changed, or from memory.
///
/// `Debug` shows the path, never the content.
///
/// ```
/// use otlp_transport::Pem;
/// assert_eq!(format!("{:?}", Pem::file("/etc/otlp/ca.pem")), r#"File("/etc/otlp/ca.pem")"#);
/// assert_eq!(format!("{:?}", Pem::memory("-----BEGIN PRIVATE KEY-----…")), "Memory(..)");
/// ```
#[derive(Clone)]
pub struct Pem(Source);

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl Pem {
    /// The file at `path`. It must be a regular file of at most 1 MiB.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// These bytes.
    pub fn memory(pem: impl Into<Vec<u8>>) -> Self {
        Self(Source::Memory(pem.into().into()))
    }

    /// The path, of a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Source::File(path) => Some(path),
            Source::Memory(_) => None,
        }
    }

    /// What it holds now.
    pub(super) fn read(&self, field: Field) -> Result<Arc<[u8]>, TlsConfigError> {
        match &self.0 {
            Source::Memory(bytes) => Ok(Arc::clone(bytes)),
            Source::File(path) => read(path).map_err(|problem| TlsConfigError::new(field, self, problem)),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::File(path) => f.debug_tuple("File").field(path).finish(),
            Source::Memory(_) => f.write_str("Memory(..)"),
        }
    }
}

/// The whole file. One that is no regular file, such as a pipe, could block, and be read only once.
fn read(path: &Path) -> Result<Arc<[u8]>, String> {
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "this process may not read it".to_owned(),
        _ => format!("it can't be read: {error}"),
    };
    if !path.metadata().map_err(told)?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(told)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("it is larger than 1 MiB, which no file of certificates is".to_owned());
    }
    Ok(bytes.into())
}

/// All certificates in `pem`; at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(missing(pem, "certificate", "CERTIFICATE")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(damaged(&error)),
    }
}

/// The first key in `pem`.
pub(super) fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    if contains(pem, b"ENCRYPTED") {
        return Err("its key is encrypted, and there is no passphrase for it; store the key decrypted \
                    (`openssl pkey -in KEY -out KEY.plain`) and readable for this process only"
            .to_owned());
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        pem::Error::NoItemsFound => missing(pem, "private key", "PRIVATE KEY"),
        error => damaged(&error),
    })
}

fn missing(pem: &[u8], what: &str, label: &str) -> String {
    if pem.iter().all(u8::is_ascii_whitespace) {
        "it is empty".to_owned()
    } else if !contains(pem, b"-----BEGIN ") {
        format!("it is not PEM, which would have a line `-----BEGIN {label}-----`; DER must be converted")
    } else {
        format!("it holds no {what} (`-----BEGIN {label}-----`)")
    }
}

/// The parser's own texts show the bytes of the file.
fn damaged(error: &pem::Error) -> String {
    let how = match error {
        pem::Error::MissingSectionEnd { .. } => "an END line is missing; is it still being written?",
        pem::Error::Base64Decode(_) => "a section is not base64",
        _ => "a section is malformed",
    };
    format!("its PEM is damaged: {how}")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
