//! What a program is told to do: one argument of JSON, written by the run and read by every program.

use crate::Transport;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One life of one program: build, make spans, flush, wait, shut down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The receiver, as `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// How to reach it.
    pub transport: Transport,
    /// The runtime around everything.
    pub runtime: Runtime,
    /// Spans made at once before those below, which fill the queue; their latency is not taken.
    pub ahead: u64,
    /// Spans to make.
    pub spans: u64,
    /// How many a second; 0: as fast as they can be made.
    pub per_second: u64,
    /// How long flush and shutdown may take each; `None`: the library's default for the flush, and 5 s, the default of
    /// opentelemetry, for the shutdown.
    pub patience: Option<Duration>,
    /// How long to do nothing between flush and shutdown, with an eye on the process's other threads.
    pub idle: Duration,
    /// Whether to leave without a flush or shutdown, after the last span.
    pub leave: bool,
}

/// The tokio runtime that a program's `main` runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runtime {
    /// As `#[tokio::main]` makes it.
    MultiThread,
    /// As `#[tokio::main(flavor = "current_thread")]` makes it.
    CurrentThread,
}
