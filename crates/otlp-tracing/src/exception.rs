//! An error and its sources, as text.
//!
//! Reads the chain of sources, which is foreign code that may have no end.

use std::error::Error;
use std::fmt;
use std::iter::successors;

/// How many sources are shown at most.
const DEPTH: usize = 32;

/// The sources of an error, the nearest first.
pub(crate) fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(error.source(), |error| (*error).source()).take(DEPTH)
}

/// An error and its sources, one a line.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        sources(self.0).try_for_each(|source| write!(f, "\nCaused by: {source}"))
    }
}
