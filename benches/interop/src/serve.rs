//! Our own `otlp serve` as a receiver, for the clients of others: the real command, and the file that it writes.

use crate::case::{Case, Security, Wire};
use crate::matrix::Receiver;
use crate::process::Process;
use crate::{Failure, compare};
use otlp_model::{Signal, json};
use otlp_testkit::Payload;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const START: Duration = Duration::from_secs(60);

/// The running command; ends with this.
pub(crate) struct Serve {
    grpc: String,
    http: String,
    output: PathBuf,
    /// How many lines of the file were read.
    read: usize,
    _process: Process,
}

impl Serve {
    /// Starts `program`; its file goes to `folder`.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)?;
        let output = folder.join("received.jsonl");
        let mut command = Command::new(program);
        command.args(["serve", "--grpc", "0", "--http", "0", "--quiet", "--output"]).arg(&output);
        let mut process = Process::start("otlp serve", &command)?;
        let (grpc, http) = process.wait_for("it listens", START, |said| {
            let address = |protocol| said.iter().find_map(|line| listens(line, protocol));
            Some((address("gRPC")?, address("HTTP")?))
        })?;
        Ok(Self { grpc, http, output, read: 0, _process: process })
    }
}

/// The address of a protocol in `listening for gRPC on 127.0.0.1:4317, for HTTP on 127.0.0.1:4318`.
fn listens(line: &str, protocol: &str) -> Option<String> {
    let (_, address) = line.strip_prefix("listening ")?.split_once(&format!("for {protocol} on "))?;
    Some(address.split(',').next()?.trim().to_owned())
}

impl Receiver for Serve {
    fn endpoint(&self, case: Case) -> Option<String> {
        let address = if case.wire == Wire::Grpc { &self.grpc } else { &self.http };
        (case.security == Security::Plain).then(|| format!("http://{address}"))
    }

    fn arrived(&mut self) -> Result<Vec<Payload>, Failure> {
        let text = std::fs::read_to_string(&self.output)?;
        let mut arrived = Vec::new();
        for line in text.split_inclusive('\n').skip(self.read).filter(|line| line.ends_with('\n')) {
            let members = [
                (r#"{"resourceSpans""#, Signal::Traces),
                (r#"{"resourceMetrics""#, Signal::Metrics),
                (r#"{"resourceLogs""#, Signal::Logs),
            ];
            let signal =
                members.iter().find(|(member, _)| line.starts_with(member)).map(|(_, signal)| *signal);
            let signal = signal.ok_or_else(|| format!("this is no request: {line}"))?;
            arrived.push(compare::decode(signal, &json::request_from_json(signal, line.as_bytes())?)?);
            self.read += 1;
        }
        Ok(arrived)
    }
}
