//! Runs the delivery programs side by side and writes their page: what `cargo xtask bench --delivery` starts. See
//! `otlp_peers::delivery`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match otlp_peers::delivery::run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
