//! `otlp`: the command. This file is the list of subcommands; each is a module with its options and a `run`.
//!
//! Nothing here is for other crates: what is worth sharing lives in the libraries.

mod books;
mod clock;
mod decode;
mod destination;
mod doctor;
mod duration;
mod exit;
mod input;
mod load;
mod manual;
mod output;
mod pace;
mod receiver;
mod section;
mod send;
mod serve;
mod tail;
mod wire;

use clap::{Parser, Subcommand};
use exit::Exit;
use std::process::ExitCode;

/// Find out why no telemetry arrives, and work with OTLP by hand.
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
    Doctor(doctor::Options),
    Decode(decode::Options),
    Send(send::Options),
    Load(load::Options),
    Serve(serve::Options),
    Tail(tail::Options),
    Completions(manual::Completions),
    Man(manual::Man),
}

fn main() -> ExitCode {
    let exit = match Cli::parse().command {
        Command::Doctor(options) => doctor::run(&options),
        Command::Decode(options) => decode::run(&options),
        Command::Send(options) => send::run(&options),
        Command::Load(options) => load::run(&options),
        Command::Serve(options) => serve::run(&options),
        Command::Tail(options) => tail::run(&options),
        Command::Completions(options) => manual::completions(&options),
        Command::Man(options) => manual::man(&options),
    };
    exit.unwrap_or_else(Exit::because).into()
}
