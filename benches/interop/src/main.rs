//! Our client against receivers that others wrote, and their clients against ours: `cargo xtask interop`.
//!
//! Each counterpart is a program of its own, on loopback, and ends with this one. What arrives is compared with what was sent,
//! field by field. A counterpart that cannot be had is skipped, loudly; one that is there, or could be made, and fails makes this
//! fail.

mod case;
mod certificates;
mod collector;
mod compare;
mod counterpart;
mod doctor;
mod grpc_core;
mod hardship;
mod matrix;
mod missing;
mod options;
mod page;
mod process;
mod python_sdk;
mod rotel;
mod sender;
mod serve;
mod telemetry;
mod testkit;
mod tools;

use certificates::Certificates;
use counterpart::{Counterpart, Results};
use options::Options;
use std::process::ExitCode;
use std::time::Instant;

/// An error of a run, for the person who reads it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = Options::parse(std::env::args().skip(1))?;
    let started = Instant::now();
    // What is left of an earlier run is of no use.
    let folder = options.target.join("run");
    let _ = std::fs::remove_dir_all(&folder);
    let certificates = Certificates::new(&folder.join("certificates"))?;
    let mut results = Vec::new();
    for counterpart in Counterpart::ALL.into_iter().filter(|counterpart| options.wants(*counterpart)) {
        println!("{:4} s {}: {}", started.elapsed().as_secs(), counterpart.title(), counterpart.version());
        let result = counterpart.run(&options, &folder, &certificates);
        print!("{}", result.lines());
        results.push(result);
    }
    let seconds = started.elapsed().as_secs();
    println!("{seconds:4} s done\n\n{}", page::summary(&results));
    if options.is_whole() {
        page::write(&options.page(), &results, seconds)?;
    }
    match results.iter().map(Results::failures).sum::<usize>() {
        0 => Ok(()),
        failures => Err(format!("{failures} failures: see above").into()),
    }
}
