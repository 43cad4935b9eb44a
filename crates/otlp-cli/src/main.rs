//! `otlp`: the command. This file is the list of subcommands; each is a module with its options and a `run`.
//!
//! Nothing here is for other crates: what is worth sharing lives in the libraries.

mod decode;
mod exit;
mod input;
mod manual;
mod output;

use clap::{Parser, Subcommand};
use exit::Exit;
use std::process::ExitCode;

/// Tools for OTLP, the protocol of OpenTelemetry.
///
/// Exit codes of every subcommand: 0 when all is well, 1 when something failed or was lost, 2 when the command line is wrong.
#[derive(Parser)]
#[command(name = "otlp", version, propagate_version = true, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Decode(decode::Options),
    Completions(manual::Completions),
    Man(manual::Man),
}

fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Decode(options) => decode::run(&options),
        Command::Completions(options) => manual::completions(&options),
        Command::Man(options) => manual::man(&options),
    };
    exit.unwrap_or_else(Exit::because).into()
}
