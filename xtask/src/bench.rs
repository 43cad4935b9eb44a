//! `cargo xtask bench`: the comparison with other clients, with `--delivery` what arrives when the receiver fails, or with
//! `--micro` the benchmarks of single steps.
//!
//! Builds the programs of `benches/peers`, a workspace of its own, and starts the one that runs the others; what is
//! measured and how is known there and not here.

use crate::tree::text;
use crate::{Outcome, tree};
use std::path::{Path, PathBuf};

/// The programs that are built a second time, with their allocations counted.
const COUNTED: [&str; 10] = [
    "ours",
    "opentelemetry",
    "sdk_on_ours",
    "api_on_ours",
    "fastrace",
    "emit",
    "tracing_ours",
    "tracing_opentelemetry",
    "log_ours",
    "log_opentelemetry",
];

/// The programs of `--delivery`; the first runs the others.
const DELIVERY: [&str; 3] = ["delivery", "delivery_ours", "delivery_opentelemetry"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if let Some((first, rest)) = arguments.split_first()
        && first == "--micro"
    {
        let mut line = vec!["bench", "--package", "otlp-benches"];
        line.extend(rest.iter().map(String::as_str));
        return tree::run("cargo", &line);
    }
    // Beside everything else that is built, and kept apart from it.
    let target = tree::target()?.join("peers");
    let quick = arguments.iter().any(|argument| argument == "--quick");
    if counts(arguments) {
        let mut counted = vec!["--release", "--features", "count-allocations"];
        counted.extend(COUNTED.iter().flat_map(|name| ["--bin", name]));
        build(&target, &counted)?;
        keep_counting(&target)?;
    }
    let delivery = arguments.iter().any(|argument| argument == "--delivery");
    let mut wanted: Vec<&str> =
        if delivery { DELIVERY.iter().flat_map(|name| ["--bin", name]).collect() } else { vec!["--bins"] };
    // What is not timed need not be fast: building it without optimisation takes a third of the time.
    wanted.extend((!quick).then_some("--release"));
    build(&target, &wanted)?;
    let folder = target.join(if quick { "debug" } else { "release" });
    let root = text(&tree::root())?;
    let mut line = vec!["--root", root.as_str()];
    line.extend(arguments.iter().map(String::as_str).filter(|argument| *argument != "--delivery"));
    tree::run(&text(&program(&folder, if delivery { DELIVERY[0] } else { "compare" }))?, &line)
}

/// Whether the run counts allocations.
fn counts(arguments: &[String]) -> bool {
    let without = ["--quick", "--no-counts", "--report", "--delivery"];
    !arguments.iter().any(|argument| without.contains(&argument.as_str()))
}

fn build(target: &Path, selection: &[&str]) -> Outcome {
    let (manifest, target) = (text(&tree::root().join("benches/peers/Cargo.toml"))?, text(target)?);
    let mut line = vec!["build", "--locked", "--manifest-path", &manifest, "--target-dir", &target];
    line.extend(selection);
    tree::run("cargo", &line)
}

/// Copies the programs that count aside, since the next build replaces them.
fn keep_counting(target: &Path) -> Outcome {
    let (from, to) = (target.join("release"), target.join("counting"));
    let failed = |error: std::io::Error| format!("{}: {error}", to.display());
    std::fs::create_dir_all(&to).map_err(failed)?;
    for name in COUNTED {
        std::fs::copy(program(&from, name), program(&to, name)).map_err(failed)?;
    }
    Ok(())
}

fn program(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runs_that_count_need_the_second_build() {
        let counts = |line: &str| counts(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert!(counts("") && counts("--only ours --repetitions 5"));
        for line in ["--quick", "--items 5 --no-counts", "--report x", "--delivery"] {
            assert!(!counts(line), "{line}");
        }
    }
}
