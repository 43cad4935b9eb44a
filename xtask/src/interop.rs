//! `cargo xtask interop`: the client against receivers that others wrote, and their clients against ours.
//!
//! Builds and starts the program of `benches/interop`, which knows the counterparts and the checks; nothing of it is decided
//! here but where it keeps what it builds.

use crate::{Outcome, tree};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (root, target) = (tree::root(), tree::target()?);
    // Without optimisation, as for the tests, which have built most of it already: nothing is timed.
    tree::run("cargo", &["build", "--quiet", "--package", "otlp-cli", "--package", "otlp-interop"])?;
    let program = |name: &str| target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let (otlp, interop) = (tree::text(&program("otlp"))?, tree::text(&program("otlp-interop"))?);
    let (root, target) = (tree::text(&root)?, tree::text(&target.join("interop"))?);
    let mut line = vec!["--root", &root, "--target", &target, "--otlp", &otlp];
    line.extend(arguments.iter().map(String::as_str));
    tree::run(&interop, &line)
}
