//! A reader that tells a progress bar how much of it was read.
//!
//! Used by `send`. Counts the bytes of the file, which compression has nothing to do with.

use indicatif::ProgressBar;
use std::io::{self, Read};
use std::path::Path;

/// A reader that counts.
pub(super) struct Reading {
    inner: Box<dyn Read>,
    bar: ProgressBar,
}

impl Reading {
    pub(super) fn new(inner: Box<dyn Read>, bar: ProgressBar) -> Self {
        Self { inner, bar }
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bar.inc(read as u64);
        Ok(read)
    }
}

/// How long a file is; nothing for what has no length.
pub(super) fn length(path: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(path).ok()?;
    metadata.is_file().then_some(metadata.len())
}
