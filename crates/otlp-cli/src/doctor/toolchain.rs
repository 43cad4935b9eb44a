//! Which Rust is installed: what `rustc` and `cargo` on the `PATH` call themselves.
//!
//! Used for the bundle. The one place that runs programs: without a shell, with nothing to read, and not for long.

use futures_util::future::join;
use std::io::ErrorKind;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;

/// A toolchain on a slow disk takes a second.
const LONGEST: Duration = Duration::from_secs(5);

/// The bytes of what a program says that are read.
const MOST: u64 = 4096;

/// A line for each.
pub(super) async fn versions() -> String {
    let (mut rustc, mut cargo) = (asked("rustc"), asked("cargo"));
    let (rustc, cargo) = join(version(&mut rustc, LONGEST), version(&mut cargo, LONGEST)).await;
    format!("rustc: {rustc}\ncargo: {cargo}")
}

fn asked(program: &str) -> Command {
    let mut command = Command::new(program);
    // What rustup puts there would else fetch the toolchain that the folder wants, and take its time.
    command.arg("--version").env("RUSTUP_AUTO_INSTALL", "0");
    command
}

/// The first line of what `command` says, or why there is none.
async fn version(command: &mut Command, longest: Duration) -> String {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return "not installed, or not on the PATH".into();
        }
        Err(error) => return error.to_string(),
    };
    let said = join(first_line(child.stdout.take()), first_line(child.stderr.take()));
    match timeout(longest, said).await {
        Ok((Some(version), _)) => version,
        Ok((None, Some(complaint))) => format!("does not say it: {complaint}"),
        Ok((None, None)) => "says nothing".to_owned(),
        Err(_) => format!("no answer within {longest:?}"),
    }
}

async fn first_line(pipe: Option<impl AsyncRead + Unpin>) -> Option<String> {
    let mut bytes = Vec::new();
    // What came before an error counts.
    let _ = pipe?.take(MOST).read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !otlp_model::response::is_deceptive(*c)).collect())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn of(program: &str, argument: &str, longest: Duration) -> std::io::Result<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async { version(Command::new(program).arg(argument), longest).await }))
    }

    #[test]
    fn a_program_says_its_version_or_why_it_does_not() {
        let patient = Duration::from_secs(60);
        for (program, argument, said) in [
            ("echo", "\nrustc 1.88.0\n\nand more", "rustc 1.88.0"),
            ("otlp-no-such-program", "--version", "not installed, or not on the PATH"),
            ("true", "--ignored", "says nothing"),
            // Of one that never ends no more than the beginning is read.
            ("yes", "rustc 1.88.0", "rustc 1.88.0"),
        ] {
            assert_eq!(of(program, argument, patient).unwrap(), said, "{program}");
        }
        let complaint = of("cat", "/nowhere/at all", patient).unwrap();
        assert!(complaint.starts_with("does not say it: cat: "), "{complaint}");
    }

    #[test]
    fn one_that_says_nothing_and_does_not_end_is_not_waited_for() {
        assert_eq!(of("sleep", "3600", Duration::from_millis(50)).unwrap(), "no answer within 50ms");
    }
}
