//! `cargo xtask weight`: how many crates an application links for traces over gRPC and nothing else, and that the client
//! links none of what its adapters are for, whatever the features. Tidy reads what a manifest names; this, what comes along.
//!
//! Told from `cargo tree`, without dev- and build-dependencies; our own crates count.

use crate::{Outcome, tree};
use std::collections::BTreeSet;

const LIMIT: usize = 80;

/// What only adapters may link, and not the client with the four crates that it is made of: by how the names begin.
const OF_ADAPTERS: [&str; 5] =
    ["opentelemetry", "otlp-opentelemetry", "otlp-tower", "otlp-tracing", "tracing-"];

/// Such names that all may link.
const OF_ALL: [&str; 2] = ["tracing-attributes", "tracing-core"];

pub(crate) fn run() -> Outcome {
    let listing = listing(&["--package=otlp", "--no-default-features", "--features=grpc"])?;
    let crates = distinct(&listing);
    println!("otlp with `grpc` alone links {} crates (limit {LIMIT})", crates.len());
    if crates.len() > LIMIT {
        let names: Vec<&str> = crates.into_iter().collect();
        return Err(format!(
            "too many crates; drop a dependency or narrow its features:\n  {}",
            names.join("\n  ")
        ));
    }
    let listing = self::listing(&["--package=otlp", "--all-features"])?;
    let strangers = of_adapters(&listing);
    if !strangers.is_empty() {
        return Err(format!("otlp links what only its adapters may: {}", strangers.join(", ")));
    }
    println!("otlp with all its features links nothing that only its adapters may");
    Ok(())
}

fn listing(which: &[&str]) -> Result<String, String> {
    let always = ["tree", "--edges=normal", "--prefix=none", "--format={p}"];
    tree::output("cargo", &[&always, which].concat())
}

fn of_adapters(listing: &str) -> Vec<&str> {
    let name = |package: &&str| package.split(' ').next().unwrap_or_default().to_owned();
    let is_of_adapters =
        |name: String| OF_ADAPTERS.iter().any(|own| name.starts_with(own)) && !OF_ALL.contains(&&*name);
    distinct(listing).into_iter().filter(|package| is_of_adapters(name(package))).collect()
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

    #[test]
    fn what_only_adapters_link_is_told_from_what_all_do() {
        let listing = "otlp v0.1.0 (/x)\ntracing v0.1.44\ntracing-core v0.1.1\nopentelemetry_sdk v0.33.1\n";
        assert_eq!(of_adapters(listing), ["opentelemetry_sdk v0.33.1"]);
        assert_eq!(of_adapters("tracing-subscriber v0.3.23 (*)\n"), ["tracing-subscriber v0.3.23"]);
    }
}
