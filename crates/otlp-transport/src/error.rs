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
use otlp_model::causes;
use std::error::Error;
use std::fmt;

/// The first `E` in the chain of `error`.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref())
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
