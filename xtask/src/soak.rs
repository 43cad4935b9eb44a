//! `cargo xtask soak`: the client for minutes against one random fault after the other.
//!
//! Builds and starts `benches/examples/soak`, which knows the faults and the checks; nothing of it is decided here.

use crate::{Outcome, tree};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut line = vec!["run", "--release", "--package", "otlp-benches", "--example", "soak", "--"];
    line.extend(arguments.iter().map(String::as_str));
    tree::run("cargo", &line)
}
