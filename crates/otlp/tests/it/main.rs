//! The whole client over real sockets against an in-process collector; every test ends with balanced books.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod auth;
mod baggage;
mod batch_sender;
mod builder;
#[cfg(feature = "config-file")]
mod config_file;
mod connections;
mod context;
mod delivery;
mod drafts;
mod env;
mod event_bridge;
mod hooks;
mod idle;
mod law;
mod logs;
mod loss;
mod pipeline;
mod propagation;
mod resource;
mod retry_control;
mod runtimes;
mod signals;
mod spans;
#[allow(dead_code, reason = "shared with `faults` and `guide`; each uses a part")]
mod support;
#[cfg(feature = "_tls")]
mod tls;
mod tracers;
mod typed;
