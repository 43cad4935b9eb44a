//! Read views: encoded requests and records, read in place without copying.
//!
//! For layers that look into requests, for the testkit, and for tools. Views never panic, whatever the bytes; they
//! validate as they go and say at which byte the input is malformed.

mod reader;

#[cfg(feature = "json")]
pub(crate) use reader::MAX_DEPTH;
pub use reader::{DecodeError, Field, Fields, Message, Wire};
