//! The file that `--output` names: OTLP/JSON, a line for each request.
//!
//! Written by the intake, before a request is answered. Never read here: `otlp decode` and `otlp send` do that.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A file that lines are appended to.
#[derive(Debug)]
pub(crate) struct Append {
    path: PathBuf,
    file: Mutex<File>,
}

impl Append {
    /// Opens `path`, and makes it where there is none.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line, or nothing of it.
    pub(crate) fn line(&self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let before = file.metadata()?.len();
        file.write_all(&line).inspect_err(|_| {
            // Half a line would spoil the next. A pipe can't be cut, and has no next: its reader is gone.
            let _ = file.set_len(before);
        })
    }
}
