//! The collector seen from outside: real tonic clients and raw HTTP against real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod bombs;
mod client;
mod grpc;
mod grpc_faults;
mod http;
mod http_faults;
mod ledger;
mod life;
mod proxy;
mod proxy_http2;
mod scripts;
mod skip;
mod unix;
mod waits;
