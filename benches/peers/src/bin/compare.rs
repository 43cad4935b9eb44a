//! Runs the contenders side by side and writes the documents: what `cargo xtask bench` starts. See `otlp_peers::compare`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match otlp_peers::compare::run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
