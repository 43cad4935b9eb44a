//! Errors as attributes: a name of low cardinality, and a text. Asks by type, never by text, and survives errors whose own
//! code panics.

use otlp::BoxError;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `error.type` of a request that was given up before its end.
pub(crate) const CANCELLED: &str = "cancelled";
/// `error.type` of a panic in the inner service.
pub(crate) const PANIC: &str = "panic";
/// `error.type` of an error of which nothing but its text is known.
const OTHER: &str = "_OTHER";

/// How many causes are looked at: foreign errors may go round in a circle.
const DEPTH: usize = 32;

/// What an error is called: an I/O error in it by its kind, else its type. A boxed error has lost its type.
pub(crate) fn kind_of<E: 'static>(error: &E) -> &'static str {
    let any: &dyn Any = error;
    if let Some(error) = any.downcast_ref::<io::Error>() {
        return io_kind(error);
    }
    let Some(error) = any.downcast_ref::<BoxError>() else { return std::any::type_name::<E>() };
    io_in(&**error).unwrap_or(OTHER)
}

/// The kind of the I/O error that is this one or among its causes.
pub(crate) fn io_in(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let find = || causes(Some(error)).find_map(|error| error.downcast_ref::<io::Error>());
    foreign(find).flatten().map(io_kind)
}

/// An error, its cause, the cause of that, and so on. Runs foreign code.
pub(crate) fn causes<'a>(
    first: Option<&'a (dyn Error + 'static)>,
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(first, |error: &&'a (dyn Error + 'static)| (**error).source()).take(DEPTH)
}

fn io_kind(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::TimedOut => "timeout",
        io::ErrorKind::ConnectionRefused => "connection_refused",
        io::ErrorKind::ConnectionReset => "connection_reset",
        io::ErrorKind::ConnectionAborted => "connection_aborted",
        io::ErrorKind::BrokenPipe => "broken_pipe",
        io::ErrorKind::UnexpectedEof => "unexpected_eof",
        io::ErrorKind::HostUnreachable => "host_unreachable",
        io::ErrorKind::NetworkUnreachable => "network_unreachable",
        _ => "std::io::Error",
    }
}

/// An error's text.
pub(crate) fn text_of<E: fmt::Display + ?Sized>(error: &E) -> String {
    foreign(|| error.to_string()).unwrap_or_else(|| String::from("the error's Display panicked"))
}

/// Calls code of the user's that only serves telemetry: if it panics, the request goes on without its answer.
pub(crate) fn foreign<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Wrapped(io::Error);

    impl fmt::Display for Wrapped {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no text")
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn errors_are_named_by_type_and_io_errors_by_kind() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(kind_of(&refused()), "connection_refused");
        assert_eq!(kind_of(&BoxError::from(Wrapped(refused()))), "connection_refused");
        assert_eq!(kind_of(&BoxError::from("gone")), "_OTHER");
        assert!(kind_of(&Wrapped(refused())).ends_with("::Wrapped"));
        assert_eq!(kind_of(&io::Error::from(io::ErrorKind::NotFound)), "std::io::Error");
    }

    /// Whose cause is itself, or is asked for in vain.
    #[derive(Debug)]
    struct Endless(bool);

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("endless")
        }
    }

    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            assert!(self.0, "no cause");
            Some(self)
        }
    }

    #[test]
    fn errors_whose_causes_have_no_end_or_panic_are_named_all_the_same() {
        assert_eq!(kind_of(&BoxError::from(Endless(true))), "_OTHER");
        assert_eq!(kind_of(&BoxError::from(Endless(false))), "_OTHER");
    }

    #[test]
    fn an_error_that_panics_still_has_a_text() {
        let error = Wrapped(io::Error::from(io::ErrorKind::TimedOut));
        assert_eq!(text_of(&error), "the error's Display panicked");
    }
}
