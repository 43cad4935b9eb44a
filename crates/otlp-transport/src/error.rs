//! What the terminals fail with: small public structs, each with a text for people and its cause as `source()`.
//!
//! `classify` reads them by type; nobody reads their text but people. They say what failed, at which endpoint, why, and
//! what to do. None of them ever holds a header's value or an endpoint's query (conformance HDR-09).

mod answer;
mod connection;
mod header;
mod limit;
mod pool;

pub use answer::{GrpcError, HttpError, Redirected};
pub(crate) use connection::root;
pub use connection::{ConnectError, ConnectionLost};
pub use header::{InvalidHeader, check_header};
pub use limit::{RequestTooLarge, ResponseTooLarge, UnsupportedFormat};
pub use pool::NoAvailableConnection;

use crate::Endpoint;
use std::error::Error;
use std::fmt;
use std::iter;

/// How many causes are looked at: errors of users' layers and credentials may go round in a circle.
const DEPTH: usize = 32;

/// The error, its cause, that one's cause and so on.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source()).take(DEPTH)
}

/// The first `E` in the chain of `error`.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// An endpoint in the middle of a sentence; `the server` when it is not known.
struct Peer<'a>(Option<&'a Endpoint>);

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(endpoint) => endpoint.fmt(f),
            None => f.write_str("the server"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whose cause is itself.
    #[derive(Debug)]
    struct Endless;

    impl fmt::Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("endless")
        }
    }

    impl Error for Endless {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    #[test]
    fn causes_that_have_no_end_are_not_followed_for_ever() {
        assert!(find::<fmt::Error>(&Endless).is_none());
    }
}
