//! The adapter with the real SDK, the real exporter beside it, and real instrumentation on top, against a collector that
//! decodes with official protobuf.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod api;
mod differences;
mod differential;
mod exporters;
mod extremes;
mod instrumentation;
mod large;
mod ledger;
mod logged;
mod normal;
mod processors;
mod program;
mod propagation;
mod reqwest;
mod settled;
mod support;
mod targets;
mod traced;
