//! `cargo xtask bench`: the benchmarks of the `benches` package.

use crate::{Outcome, tree};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut line = vec!["bench", "--package", "otlp-benches"];
    line.extend(arguments.iter().map(String::as_str));
    tree::run("cargo", &line)
}
