//! The layers, seen from outside: what spans arrive at a collector, over bare tower services and over the real servers and
//! clients that they are made for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod client;
mod endings;
mod frameworks;
mod grpc;
mod server;
mod support;
