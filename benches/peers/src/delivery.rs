//! What arrives when the receiver fails: the same small programs written against this client and against opentelemetry, side
//! by side. Used by the programs `delivery_…`, which share the frame in [`program`], and by `delivery`, which runs them; that
//! is what `cargo xtask bench --delivery` starts.
//!
//! Each program is a process of its own with a receiver of its own, `otlp-testkit`'s collector, which decodes every span
//! and is really down when it is down. Counts hold on any machine; the latencies are those of the machine.

mod answer;
mod findings;
mod options;
mod order;
mod page;
mod plan;
pub mod program;
mod receiver;
mod run;
mod tables;
mod targets;

pub use answer::{Answer, Latency, Said, ThreadUse};
pub use order::{Order, Runtime};

use options::Options;
use std::path::PathBuf;
use std::time::Instant;

/// Runs what the command line, without the program's name, asks for.
///
/// # Errors
///
/// What prevented the run or its page, and with `--quick` what the run has found.
pub fn run(arguments: impl IntoIterator<Item = String>) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    let started = Instant::now();
    let stages = if options.quick { plan::quick() } else { plan::whole() };
    let folder = programs()?;
    let mut rows = Vec::new();
    for stage in &stages {
        println!("{:4} s {}", started.elapsed().as_secs(), stage.title());
        rows.extend(run::together(&folder, stage));
    }
    let seconds = started.elapsed().as_secs();
    println!("{seconds:4} s done\n\n{}", tables::all(&rows));
    if options.quick {
        return findings::none(&rows).map(|()| println!("every program ran, and our books balance"));
    }
    page::write(&options.page(), &rows, seconds)
}

/// The folder of this program and all others.
fn programs() -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    this.parent().map(PathBuf::from).ok_or_else(|| "this program is in no folder".to_owned())
}
