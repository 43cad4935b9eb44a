//! Errors with causes: one of a type among them, and all that they say.
//!
//! Used where types decide on a diagnosis, and where libraries tell the reason one level down. Pure.

use std::error::Error;
use std::io;

/// The first `E` among `error` and its causes, also one inside of an I/O error.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = error.downcast_ref().or_else(|| inner.and_then(|inner| inner.downcast_ref())) {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// What `error` and those causes say that it does not repeat.
pub(crate) fn text(error: &(dyn Error + 'static)) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
