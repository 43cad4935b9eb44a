//! What is said of an error: the `exception.*` attributes of a log record, or of a span's event.
//!
//! Reads the chain of sources, which is foreign code that may have no end; displays nothing by itself.

use crate::foreign::contained;
use otlp_model::causes;
use std::any::type_name;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Tells `set` the attributes of `error`: its type where it is known, its text, and its sources if it has any.
pub(crate) fn describe<E: Error + ?Sized>(error: &E, mut set: impl FnMut(&'static str, fmt::Arguments<'_>)) {
    let name = type_name::<E>();
    if !name.starts_with("dyn ") {
        set("exception.type", format_args!("{name}"));
    }
    set("exception.message", format_args!("{error}"));
    // An error that panics when it is asked for its source has none that could be told.
    if catch_unwind(AssertUnwindSafe(|| error.source().is_some())).unwrap_or(false) {
        set("exception.stacktrace", format_args!("{}", Chain(error)));
    }
}

/// The same as texts; where the error's own code panics they say so.
pub(crate) fn texts<E: Error + ?Sized>(error: &E) -> Vec<(&'static str, String)> {
    let mut texts = Vec::new();
    contained(|| {
        describe(error, |key, text| {
            let text = catch_unwind(AssertUnwindSafe(|| text.to_string()));
            texts.push((key, text.unwrap_or_else(|_| String::from("the error's Display panicked"))));
        });
    });
    texts
}

/// An error and its sources, one a line.
struct Chain<'a, E: ?Sized>(&'a E);

impl<E: Error + ?Sized> fmt::Display for Chain<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        for source in self.0.source().into_iter().flat_map(causes) {
            write!(f, "\nCaused by: {source}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Sourceless;

    impl fmt::Display for Sourceless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("broken")
        }
    }

    impl Error for Sourceless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            panic!("asked for its source")
        }
    }

    #[test]
    fn an_error_that_panics_when_asked_for_its_source_is_told_without_one() {
        let mut told = Vec::new();
        describe(&Sourceless, |key, text| told.push((key, text.to_string())));
        let keys: Vec<_> = told.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["exception.type", "exception.message"]);
        assert_eq!(told[1].1, "broken");
    }
}
