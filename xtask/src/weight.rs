//! `cargo xtask weight`: how many crates an application links for traces over gRPC and nothing else.
//!
//! Counted from `cargo tree`, without dev- and build-dependencies; our own crates count.

use crate::{Outcome, tree};
use std::collections::BTreeSet;

const LIMIT: usize = 80;

pub(crate) fn run() -> Outcome {
    let listing = tree::output(
        "cargo",
        &[
            "tree",
            "--package=otlp",
            "--no-default-features",
            "--features=grpc",
            "--edges=normal",
            "--prefix=none",
            "--format={p}",
        ],
    )?;
    let crates = distinct(&listing);
    println!("otlp with `grpc` alone links {} crates (limit {LIMIT})", crates.len());
    if crates.len() <= LIMIT {
        return Ok(());
    }
    let names: Vec<&str> = crates.into_iter().collect();
    Err(format!("too many crates; drop a dependency or narrow its features:\n  {}", names.join("\n  ")))
}

/// The packages of a `cargo tree` listing, each once. A package listed before is marked `(*)`.
fn distinct(listing: &str) -> BTreeSet<&str> {
    listing
        .lines()
        .map(|line| line.trim_end().trim_end_matches("(*)").trim_end())
        .filter(|line| !line.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_package_counts_once_and_another_version_counts_again() {
        let listing = "otlp v0.1.0 (/x)\nbytes v1.0.0\nbytes v1.0.0 (*)\nbytes v2.0.0\n\n";
        assert_eq!(distinct(listing), BTreeSet::from(["otlp v0.1.0 (/x)", "bytes v1.0.0", "bytes v2.0.0"]));
    }
}
