//! The layer with the whole client over real sockets against an in-process collector.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod context;
mod errors;
mod events;
mod fields;
mod filters;
mod functions;
mod ledger;
mod life;
mod logs;
mod options;
mod parents;
mod support;
mod traps;
