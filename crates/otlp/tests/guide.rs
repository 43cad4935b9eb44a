//! The troubleshooting guide that this client was asked for from, as code: each of its Rust snippets, word for word, against
//! a collector, and what it promises.
//!
//! A file per section. Around a snippet there is only what its free names need; what of it could not stay as it is says so.

#![cfg(all(feature = "grpc", feature = "http", feature = "gzip", feature = "_tls"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(
    dead_code,
    deprecated,
    missing_docs,
    non_upper_case_globals,
    unused_imports,
    unused_mut,
    unused_variables,
    clippy::all,
    clippy::disallowed_methods,
    reason = "the guide's snippets are kept as they are"
)]

#[path = "it/support.rs"]
mod support;

/// Beside this file, in a folder of the same name.
mod guide {
    mod child;
    mod connect;
    mod cpu;
    mod debugging;
    mod incomplete;
    mod latency;
    mod logs;
    mod lost;
    mod memory;
    mod monitor;
    mod pool;
    mod profiling;
    mod stage;
    mod timeout;
    mod tls;
}
