//! `cargo xtask instructions`: counts the instructions of the hot path and of an export, and compares them with
//! `benches/instructions.toml`.
//!
//! Times on shared machines differ by a factor of two; counts hardly differ at all, so a regression of a few per cent shows
//! in any CI. callgrind counts, driven from here: the harnesses made for it need a runner of their own version installed,
//! which a fresh clone lacks. Without valgrind nothing is measured, and that is said and no failure.

mod baseline;

use crate::{Outcome, tree};
use baseline::{Baseline, Change};
use std::path::{Path, PathBuf};
use std::process::Command;

const BASELINE: &str = "benches/instructions.toml";

/// What is counted: a scenario of `benches/examples/counted`, run with two counts.
struct Figure {
    name: &'static str,
    scenario: &'static str,
    /// The count of the second run; the first has half of it. What both have in common cancels out.
    rounds: u64,
    /// What a round consists of.
    spans: u64,
}

const FIGURES: &[Figure] = &[
    Figure { name: "span, not sampled", scenario: "unsampled", rounds: 40_000, spans: 1 },
    Figure { name: "span, no attributes", scenario: "bare", rounds: 10_000, spans: 1 },
    Figure { name: "span, 2 attributes", scenario: "two", rounds: 10_000, spans: 1 },
    Figure { name: "span, 8 attributes and an event", scenario: "full", rounds: 10_000, spans: 1 },
    Figure {
        name: "span, 8 attributes by prepared keys, and an event",
        scenario: "keyed",
        rounds: 10_000,
        spans: 1,
    },
    Figure { name: "span, 64 attributes", scenario: "attributes", rounds: 4_000, spans: 1 },
    Figure { name: "gRPC, a request of 1 span", scenario: "grpc-1", rounds: 2_000, spans: 1 },
    Figure { name: "gRPC, each of 4096 spans of a request", scenario: "grpc-4096", rounds: 20, spans: 4096 },
    Figure { name: "HTTP, a request of 1 span", scenario: "http-1", rounds: 2_000, spans: 1 },
    Figure { name: "HTTP, each of 4096 spans of a request", scenario: "http-4096", rounds: 20, spans: 4096 },
];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let renew = match arguments {
        [] => false,
        [flag] if flag == "--renew" => true,
        _ => return Err("usage: cargo xtask instructions [--renew]".to_owned()),
    };
    if tree::output("valgrind", &["--version"]).is_err() {
        let missing = "not measured: valgrind is missing";
        if renew {
            return Err(missing.to_owned());
        }
        println!("{missing}");
        return Ok(());
    }
    let path = tree::root().join(BASELINE);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{BASELINE}: {error}"))?;
    let baseline = Baseline::parse(&text).map_err(|error| format!("{BASELINE}: {error}"))?;
    let toolchain = toolchain()?;
    let counts = count_all()?;
    if renew {
        let renewed = Baseline { toolchain, counts, ..baseline };
        std::fs::write(&path, renewed.to_string()).map_err(|error| format!("{BASELINE}: {error}"))?;
        println!("{BASELINE} is renewed");
        return Ok(());
    }
    report(&baseline, &toolchain, &counts)
}

/// Prints every figure beside its baseline; an error when one has grown.
fn report(baseline: &Baseline, toolchain: &str, counts: &[(String, u64)]) -> Outcome {
    let changes = baseline.compare(counts);
    println!("{:<40} {:>10} {:>10}", "instructions", "baseline", "now");
    for ((name, now), change) in counts.iter().zip(&changes) {
        let before = baseline.count(name).map_or_else(|| "none".to_owned(), |count| count.to_string());
        println!("{name:<40} {before:>10} {now:>10}  {change}");
    }
    let of = |wanted: fn(&Change) -> bool| changes.iter().filter(|change| wanted(change)).count();
    let (worse, missing) = (of(|c| matches!(c, Change::More(_))), of(|c| matches!(c, Change::Unknown)));
    if of(|c| matches!(c, Change::Less(_))) > 0 {
        println!("something became cheaper: keep it with `cargo xtask instructions --renew`");
    }
    if toolchain != baseline.toolchain {
        println!("counted with {toolchain}, the baseline with {}: not judged", baseline.toolchain);
        return Ok(());
    }
    if worse + missing == 0 {
        return Ok(());
    }
    Err(format!(
        "{worse} figures above the tolerance of {BASELINE}, {missing} without a baseline: mend it, or say why in a commit \
         that runs `cargo xtask instructions --renew`"
    ))
}

/// What the counts depend on: the compiler and the target.
fn toolchain() -> Result<String, String> {
    let text = tree::output("rustc", &["--version", "--verbose"])?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or("an unknown target");
    let version = text.lines().next().unwrap_or_default();
    Ok(format!("{version}, {host}"))
}

fn count_all() -> Result<Vec<(String, u64)>, String> {
    tree::run("cargo", &["build", "--release", "--package=otlp-benches", "--example=counted"])?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let release = tree::root().join(target).join("release");
    let program = release.join("examples").join("counted");
    let mut counts = Vec::new();
    for figure in FIGURES {
        let fewer = count(&program, &release, figure.scenario, figure.rounds / 2)?;
        let all = count(&program, &release, figure.scenario, figure.rounds)?;
        let spans = (figure.rounds - figure.rounds / 2) * figure.spans;
        counts.push((figure.name.to_owned(), all.saturating_sub(fewer) / spans));
    }
    Ok(counts)
}

/// The instructions of the main thread of one run.
fn count(program: &Path, folder: &Path, scenario: &str, rounds: u64) -> Result<u64, String> {
    let out = folder.join(format!("callgrind.{scenario}"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--separate-threads=yes"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args([scenario.to_owned(), rounds.to_string()])
        .output()
        .map_err(|error| format!("valgrind did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("{scenario}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    // The first thread is the main one.
    let main = PathBuf::from(format!("{}-01", out.display()));
    let text = std::fs::read_to_string(&main).map_err(|error| format!("{}: {error}", main.display()))?;
    total(&text).ok_or_else(|| format!("{}: no total", main.display()))
}

/// The total of a callgrind output file.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read() {
        assert_eq!(total("version: 1\nevents: Ir\nfn=(0) main\n16 7\ntotals: 4077378\n"), Some(4_077_378));
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn more_instructions_fail_only_with_the_toolchain_of_the_baseline() {
        let counts = |count| vec![("span".to_owned(), count)];
        let baseline = Baseline { tolerance_percent: 5, toolchain: "a".to_owned(), counts: counts(100) };
        assert!(report(&baseline, "a", &counts(105)).is_ok());
        assert!(report(&baseline, "a", &counts(106)).is_err());
        assert!(report(&baseline, "b", &counts(106)).is_ok());
        assert!(report(&baseline, "a", &counts(50)).is_ok());
        assert!(report(&baseline, "a", &[("new".to_owned(), 1)]).is_err());
    }

    #[test]
    fn the_committed_baseline_has_every_figure_once() {
        let text = std::fs::read_to_string(tree::root().join(BASELINE)).unwrap();
        let baseline = Baseline::parse(&text).unwrap();
        let names: Vec<&str> = baseline.counts.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, FIGURES.iter().map(|figure| figure.name).collect::<Vec<_>>());
        assert_eq!(text, baseline.to_string());
    }
}
