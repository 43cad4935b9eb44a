//! What the tests share: the binary, started with arguments and input, and what it said.

use std::io::Write;
use std::process::{Command, Stdio};

/// How a run ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The binary, in an environment that says nothing about OTLP and proxies.
pub(crate) fn otlp(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otlp"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_ascii_uppercase();
        if text.starts_with("OTEL_") || text.ends_with("_PROXY") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Said {
    finish(&mut otlp(arguments), b"")
}

/// The same with `input` on its standard input.
pub(crate) fn run_with(arguments: &[&str], input: &[u8]) -> Said {
    finish(&mut otlp(arguments), input)
}

pub(crate) fn finish(command: &mut Command, input: &[u8]) -> Said {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // On a thread of its own: a pipe holds little, and the child may write before it has read all.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
