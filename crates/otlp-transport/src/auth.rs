//! Credentials that expire: fetched when needed, cached, renewed ahead of time, added to every attempt.
//!
//! Used between the attempt timeout and the terminal. When to fetch is decided by `cache`, which is pure; `tokens` is the
//! shell that fetches. Never sends a request without credentials, and shows none of them (conformance HDR-09).

mod cache;
mod credentials;
mod error;
mod file;
mod layer;
mod token;
mod tokens;

pub use credentials::{Credentials, TokenFuture};
pub use error::CredentialsError;
pub use file::{BearerTokenFile, TokenFileError};
pub use layer::{Auth, AuthLayer};
pub use token::Token;
