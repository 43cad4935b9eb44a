#![doc = include_str!("../README.md")]

mod attributes;
mod body;
mod client;
mod exchange;
mod failure;
mod future;
mod grpc;
mod headers;
mod host;
mod keys;
mod method;
mod name;
mod options;
mod redact;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware;
mod server;

/// The code in the page about HTTP compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/http.md")]
struct Page;

pub use body::ResponseBody;
pub use client::{ResendCount, TraceClient, TraceClientLayer};
pub use future::ResponseFuture;
pub use headers::{HeaderExtractor, HeaderInjector};
pub use server::{TraceServer, TraceServerLayer};
