//! The development commands of the workspace: `cargo xtask <command>`.
//!
//! Used by people and by `.ci/run`. Needs the standard library, `git` and `cargo`, and nothing else, so that it builds in
//! a moment. Never part of what is published.

mod bench;
mod ci;
mod conformance;
mod features;
mod instructions;
mod interop;
mod manifest;
mod soak;
mod source;
mod tidy;
mod tree;
mod weight;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  ci                             run .ci/run: everything that has to pass before a change is merged
  tidy                           check the rules of docs/STYLE.md that a machine can check
  conformance [--group GROUP]... list the ids of docs/conformance.md with the tests and the code that cite them
  conformance --check            fail when a citation names an id that docs/conformance.md does not list
  features                       lint every crate with no feature, with each feature alone, and with all
  weight                         count the crates a gRPC-only `otlp` links, and fail above the limit;
                                 or if it links, with any feature, what only an adapter may
  bench                          compare this client with its peers (benches/peers) side by side, and write
                                 docs/benchmarks.md, its charts and the table of README.md; half an hour
    --quick                      small counts, once; checks that all deliver and the books balance; writes nothing
    --only NAMES                 these contenders: ours,opentelemetry,fastrace,emit,floor; writes no documents
    --repetitions N              how often each run is repeated (3)
    --items N                    items of a run (1000000)
    --no-counts                  leave out allocations and instructions
    --no-growth                  leave out the curves of growing work
    --out FOLDER                 where the documents go (docs)
    --report FILE                make the documents of a run that was kept (target/peers/compare.json); runs nothing
  bench --delivery               run small programs, ours and opentelemetry's side by side, against a receiver that fails, and
                                 write docs/delivery.md; five minutes
    --quick                      shortened; fails when ours loses what could be delivered, or miscounts; writes nothing
    --out FOLDER                 where the page goes (docs)
  bench --micro [ARGS]...        the benchmarks of single steps in benches/ (arguments go to `cargo bench`)
  instructions                   count the instructions of the hot path and of an export with callgrind, and fail above
                                 benches/instructions.toml; says so and ends well where valgrind is missing
    --renew                      write that file anew
  interop                        send to receivers that others wrote (the OpenTelemetry Collector, gRPC C-core, rotel), let the
                                 Python SDK send to ours, compare every field, and write docs/interop.md; a minute, and
                                 once five to build and install them; what cannot be had is skipped, loudly
    --quick                      a few cases of each kind; writes nothing
    --only NAMES                 these counterparts: collector,grpc-core,rotel,python-sdk,python-sdk-serve;
                                 writes nothing
    --out FOLDER                 where the page goes (docs)
  soak [SECONDS] [--seed N]      run two clients at a steady rate against one random fault after the other (600 s); fails
                                 at the first item that is missing, and prints the seed that brings the faults back
";

/// What a command answers: `Err` holds the sentence printed before the process exits with 1.
type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first().map(|(command, rest)| (command.as_str(), rest)) {
        // The benchmarks of single steps have options, and a help, of their own.
        Some((_, rest)) if asks_for_help(rest) && !rest.iter().any(|argument| argument == "--micro") => {
            print!("{HELP}");
            Ok(())
        }
        Some(("ci", [])) => ci::run(),
        Some(("tidy", [])) => tidy::run(),
        Some(("conformance", rest)) => conformance::run(rest),
        Some(("features", [])) => features::run(),
        Some(("weight", [])) => weight::run(),
        Some(("bench", rest)) => bench::run(rest),
        Some(("instructions", rest)) => instructions::run(rest),
        Some(("interop", rest)) => interop::run(rest),
        Some(("soak", rest)) => soak::run(rest),
        Some(("help" | "--help" | "-h", _)) => {
            print!("{HELP}");
            Ok(())
        }
        Some((command, _)) => Err(format!("unknown command or arguments: {command}\n\n{HELP}")),
        None => Err(HELP.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn asks_for_help(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument == "--help" || argument == "-h")
}
