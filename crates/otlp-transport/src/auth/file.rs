//! A bearer token from a file that something else rotates, as Kubernetes and Vault agents do.
//!
//! Used as credentials. Reads the whole file each time, because dates of files behind links say little, and never more
//! of it than a token can be. Errors name the file and never show what is in it.

use super::{Credentials, Token, TokenFuture};
use crate::BoxError;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest token read, in bytes. Receivers take headers of 8 to 16 KiB.
const LONGEST: u64 = 32 * 1024;

/// How often the file is read while requests are sent, unless told otherwise. Writers of such files replace a token long
/// before its end.
const INTERVAL: Duration = Duration::from_secs(10);

/// A bearer token in a file, with or without blanks and line breaks around it.
///
/// The file is read with the first request, then again every 10 s while requests are sent, and at once when the receiver
/// refuses the token. What cannot be used (no file, an empty one, no token in it) leaves the old token in use until the
/// receiver refuses that one.
///
/// ```no_run
/// use otlp_transport::{AuthLayer, BearerTokenFile};
/// use std::time::Duration;
/// let file = BearerTokenFile::new("/var/run/secrets/tokens/collector").with_interval(Duration::from_secs(60));
/// let layer = AuthLayer::new(file);
/// # drop(layer);
/// ```
#[derive(Debug, Clone)]
pub struct BearerTokenFile {
    path: PathBuf,
    interval: Duration,
}

impl BearerTokenFile {
    /// The file at `path`. Does not read it yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), interval: INTERVAL }
    }

    /// Reads the file again after this time; 10 s by default, at least 1 s.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Reads the file now, on this thread. For checking it before anything depends on it.
    ///
    /// # Errors
    ///
    /// [`TokenFileError`]: there is no such file, it is no regular file, it may not be read, or it holds no token.
    pub fn read(&self) -> Result<Token, TokenFileError> {
        let fail = |problem| TokenFileError { path: self.path.clone(), problem };
        // To open a pipe is to wait for who writes to it.
        let metadata = self.path.metadata().map_err(|error| fail(Problem::Read(error)))?;
        if !metadata.is_file() {
            return Err(fail(Problem::Irregular));
        }
        let mut bytes = Vec::new();
        let file = File::open(&self.path).map_err(|error| fail(Problem::Read(error)))?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| fail(Problem::Read(error)))?;
        if bytes.len() as u64 > LONGEST {
            return Err(fail(Problem::TooLong));
        }
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Err(fail(Problem::Empty));
        }
        // A blank or line break inside means that this is another kind of file.
        let token = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|b| b.is_ascii_graphic()));
        let token = token.and_then(|text| Token::bearer(text).ok()).ok_or_else(|| fail(Problem::NoToken))?;
        Ok(token.with_refresh_after(self.interval))
    }
}

impl Credentials for BearerTokenFile {
    fn fetch(&self) -> TokenFuture<'_> {
        let file = self.clone();
        Box::pin(async move {
            // A file system may hang, and this thread has other things to do.
            Ok(tokio::task::spawn_blocking(move || file.read()).await.map_err(BoxError::from)??)
        })
    }
}

/// The file of a bearer token cannot be used. Says which file and why, never what is in it.
///
/// ```
/// use otlp_transport::BearerTokenFile;
/// let error = BearerTokenFile::new("/nowhere/token").read().unwrap_err();
/// assert_eq!(error.to_string(), "the bearer token file /nowhere/token cannot be read: entity not found");
/// assert_eq!(error.path(), std::path::Path::new("/nowhere/token"));
/// ```
#[derive(Debug)]
pub struct TokenFileError {
    path: PathBuf,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Read(io::Error),
    Irregular,
    TooLong,
    Empty,
    NoToken,
}

impl TokenFileError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for TokenFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bearer token file {} ", self.path.display())?;
        match &self.problem {
            Problem::Read(error) => write!(f, "cannot be read: {}", error.kind()),
            Problem::Irregular => f.write_str("is no regular file"),
            Problem::TooLong => write!(f, "is longer than {LONGEST} bytes"),
            Problem::Empty => f.write_str("is empty"),
            Problem::NoToken => {
                f.write_str("holds no token: blanks, line breaks or characters other than ASCII are in it")
            }
        }
    }
}

impl std::error::Error for TokenFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Read(error) => Some(error),
            Problem::Irregular | Problem::TooLong | Problem::Empty | Problem::NoToken => None,
        }
    }
}
