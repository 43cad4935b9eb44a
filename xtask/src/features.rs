//! `cargo xtask features`: every crate lints with no feature, with each of its features alone, and with all of them.
//!
//! A feature only adds API (docs/STYLE.md); code that compiles in one combination only would break that.

use crate::manifest::Manifest;
use crate::{Outcome, tree};

pub(crate) fn run() -> Outcome {
    for manifest in tree::files()?.iter().filter_map(Manifest::of_crate) {
        for selection in selections(&manifest) {
            println!("{} {}", manifest.name(), selection.join(" "));
            let mut line = vec!["clippy", "--quiet", "--package", manifest.name()];
            line.extend(selection.iter().map(String::as_str));
            line.extend(["--", "-D", "warnings"]);
            tree::run("cargo", &line)?;
        }
    }
    Ok(())
}

/// The crate that refuses to compile without one of its features, and those features: a client needs a protocol.
const NEEDS_ONE_OF: (&str, [&str; 3]) = ("otlp", ["grpc", "http", "json"]);

/// The arguments that select each set of features. A crate without features has one. A name that begins with an
/// underscore is what other features share, and not to be selected alone.
fn selections(manifest: &Manifest) -> Vec<Vec<String>> {
    let features: Vec<&str> =
        manifest.features().filter(|name| *name != "default" && !name.starts_with('_')).collect();
    let (picky, needed) = NEEDS_ONE_OF;
    let with = |features: &str| vec!["--no-default-features".to_owned(), format!("--features={features}")];
    let mut selections = Vec::new();
    if manifest.name() != picky {
        selections.push(vec!["--no-default-features".to_owned()]);
    }
    if features.len() > 1 {
        selections.extend(features.iter().map(|feature| {
            let suffices = manifest.name() != picky || needed.contains(feature);
            if suffices { with(feature) } else { with(&format!("{},{feature}", needed[0])) }
        }));
    }
    if !features.is_empty() {
        selections.push(vec!["--all-features".to_owned()]);
    }
    selections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        selections(&Manifest::parse(text)).into_iter().map(|selection| selection.join(" ")).collect()
    }

    #[test]
    fn none_each_and_all_are_selected() {
        assert_eq!(of("[package]\nname = \"a\"\n"), ["--no-default-features"]);
        assert_eq!(
            of("[features]\ndefault = [\"x\"]\nx = []\n"),
            ["--no-default-features", "--all-features"],
            "with one feature, alone is all"
        );
        assert_eq!(
            of("[features]\nx = []\ny = []\n"),
            [
                "--no-default-features",
                "--no-default-features --features=x",
                "--no-default-features --features=y",
                "--all-features"
            ]
        );
    }

    #[test]
    fn what_features_share_is_not_selected_alone() {
        assert_eq!(
            of("[features]\nx = [\"_z\"]\ny = []\n_z = []\n"),
            [
                "--no-default-features",
                "--no-default-features --features=x",
                "--no-default-features --features=y",
                "--all-features"
            ]
        );
    }

    #[test]
    fn the_client_always_gets_a_protocol() {
        assert_eq!(
            of("[package]\nname = \"otlp\"\n[features]\ngrpc = []\nhttp = []\ngzip = []\n"),
            [
                "--no-default-features --features=grpc",
                "--no-default-features --features=http",
                "--no-default-features --features=grpc,gzip",
                "--all-features"
            ]
        );
    }
}
