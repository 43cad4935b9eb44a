//! `cargo xtask interop`: the client against receivers that others wrote, and their clients against ours.
//!
//! Builds and starts the program of `benches/interop`, which knows the counterparts and the checks; nothing of it is decided
//! here but where it keeps what it builds.

use crate::{Outcome, tree};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (root, target) = (tree::root(), tree::target()?.join("interop"));
    let (root, target) = (tree::text(&root)?, tree::text(&target)?);
    // Without optimisation, as the tests, which have built most of it already: nothing is timed.
    let mut line =
        vec!["run", "--quiet", "--package", "otlp-interop", "--", "--root", &root, "--target", &target];
    line.extend(arguments.iter().map(String::as_str));
    tree::run("cargo", &line)
}
