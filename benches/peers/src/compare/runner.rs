//! Runs processes: the sink, and the contenders one after the other. Nothing outlives this program: every process ends
//! with it, is waited for, and is killed when it takes too long.

use super::plan::Cell;
use crate::{Figures, SinkCount};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long a contender may take. The slowest regular run takes a tenth.
const CONTENDER_LIMIT: Duration = Duration::from_secs(180);
/// The same where its instructions are counted, which makes it slower by a factor of fifty.
pub(super) const COUNTED_LIMIT: Duration = Duration::from_secs(400);
/// How long the sink may take to start, or to answer.
const SINK_LIMIT: Duration = Duration::from_secs(10);

/// What came of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It ran.
    Done(Box<Sample>),
    /// The contender cannot do that, and says why.
    Cannot(String),
    /// It crashed, hung or answered nonsense.
    Failed(String),
}

/// What both sides say of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) figures: Figures,
    pub(super) sink: SinkCount,
}

/// Where the programs are, and how they are kept apart.
pub(super) struct Runner {
    folder: PathBuf,
    pinning: bool,
    sinks: Vec<(u64, Sink)>,
}

impl Runner {
    /// Runs programs of this folder.
    pub(super) fn new(folder: PathBuf) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pinning = cores > 1 && answers("taskset", &["-c", "0,1", "true"]);
        Self { folder, pinning, sinks: Vec::new() }
    }

    /// Whether the contender and the sink have a core each.
    pub(super) fn is_pinning(&self) -> bool {
        self.pinning
    }

    /// A command that runs a program on a core, if it should and can be kept there.
    fn command(&self, program: &Path, core: Option<u8>) -> Command {
        match core {
            Some(core) if self.pinning => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(core.to_string()).arg(program);
                command
            }
            _ => Command::new(program),
        }
    }

    /// Runs a cell once.
    pub(super) fn run(&mut self, cell: &Cell) -> Outcome {
        self.run_in(None, cell)
    }

    /// Runs a cell once, with the contenders of another folder.
    pub(super) fn run_in(&mut self, folder: Option<&Path>, cell: &Cell) -> Outcome {
        let program = folder.unwrap_or(&self.folder).join(cell.contender.program());
        let command = self.command(&program, cell.pinned.then_some(0));
        match self.beside_sink(cell, command, CONTENDER_LIMIT) {
            Ok((ended, sink)) => match ended.answer() {
                Ok(figures) => Outcome::Done(Box::new(Sample { figures, sink })),
                Err(outcome) => outcome,
            },
            Err(reason) => Outcome::Failed(reason),
        }
    }

    /// Runs `command`, which ends in a contender's program, with the order of the cell, and asks the sink about it.
    pub(super) fn beside_sink(
        &mut self,
        cell: &Cell,
        mut command: Command,
        limit: Duration,
    ) -> Result<(Ended, SinkCount), String> {
        let latency = cell.answer_after_ms;
        let sink = self.sink(latency)?;
        command.args(cell.order(&sink.address).to_args());
        let ended = run(command, limit)?;
        Ok((ended, sink.count()?))
    }

    /// The sink that answers after so many milliseconds, with its counters at zero. A new one where there is none yet, or
    /// none that still answers.
    fn sink(&mut self, answer_after_ms: u64) -> Result<&mut Sink, String> {
        let known =
            self.sinks.iter_mut().position(|(of, sink)| *of == answer_after_ms && sink.count().is_ok());
        let index = match known {
            Some(index) => index,
            None => {
                self.sinks.retain(|(of, _)| *of != answer_after_ms);
                let mut command = self.command(&self.folder.join("sink"), Some(1));
                if answer_after_ms > 0 {
                    command.args(["--answer-after-ms", &answer_after_ms.to_string()]);
                }
                self.sinks.push((answer_after_ms, Sink::start(command)?));
                self.sinks.len() - 1
            }
        };
        Ok(&mut self.sinks[index].1)
    }
}

/// A process that ended by itself.
pub(crate) struct Ended {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(super) stderr: String,
}

impl Ended {
    /// A contender's answer.
    pub(super) fn answer(&self) -> Result<Figures, Outcome> {
        match self.code {
            Some(0) => {
                let line = last_line(&self.stdout);
                serde_json::from_str(line)
                    .map_err(|error| Outcome::Failed(format!("answered `{line}`: {error}")))
            }
            Some(2) => Err(Outcome::Cannot(self.last_words().to_owned())),
            Some(code) => Err(Outcome::Failed(format!("exit code {code}: {}", self.last_words()))),
            None => Err(Outcome::Failed(format!("killed by a signal: {}", self.last_words()))),
        }
    }

    /// Whether it ended well, or what it said last.
    pub(crate) fn succeeded(&self) -> Result<(), String> {
        if self.code == Some(0) { Ok(()) } else { Err(self.last_words().to_owned()) }
    }

    fn last_words(&self) -> &str {
        let line = last_line(&self.stderr);
        if line.is_empty() { last_line(&self.stdout) } else { line }
    }
}

fn last_line(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default()
}

/// Runs a command to its end, or kills it at the limit.
pub(crate) fn run(mut command: Command, limit: Duration) -> Result<Ended, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(&mut command)?;
    let stdout = read_to_end(child.stdout.take());
    let stderr = read_to_end(child.stderr.take());
    // The pipe closes when the process ends.
    let text = stdout.recv_timeout(limit);
    if text.is_err() {
        // It may have ended just now; then there is nothing to kill.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("could not be waited for: {error}"))?;
    match text {
        Ok(stdout) => Ok(Ended { code: status.code(), stdout, stderr: stderr.recv().unwrap_or_default() }),
        Err(_) => Err(format!("took longer than {} s and was ended", limit.as_secs())),
    }
}

fn spawn(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))
}

/// Reads a pipe on a thread of its own, so that the process never waits for us.
fn read_to_end(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What could be read until then is what there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// What a program prints, if it is there and succeeds.
pub(super) fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program is there and succeeds.
pub(super) fn answers(program: &str, arguments: &[&str]) -> bool {
    output_of(program, arguments).is_some()
}

/// The receiver that counts.
struct Sink {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    address: String,
}

impl Sink {
    fn start(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = spawn(&mut command)?;
        let stdin = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let lines = BufReader::new(stdout).lines().map_while(Result::ok);
                lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
            });
        }
        let mut sink = Self { child, stdin, lines, address: String::new() };
        sink.address = sink.line()?;
        Ok(sink)
    }

    fn line(&mut self) -> Result<String, String> {
        self.lines.recv_timeout(SINK_LIMIT).map_err(|_| "the sink does not answer".to_owned())
    }

    /// What came since this was asked last.
    fn count(&mut self) -> Result<SinkCount, String> {
        let asked = self.stdin.as_mut().map(|stdin| writeln!(stdin, "count").and_then(|()| stdin.flush()));
        if !matches!(asked, Some(Ok(()))) {
            return Err("the sink is gone".to_owned());
        }
        let line = self.line()?;
        serde_json::from_str(&line).map_err(|error| format!("the sink answered `{line}`: {error}"))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It ends when its input does; one that hangs is ended.
        drop(self.stdin.take());
        while self.lines.recv_timeout(Duration::from_secs(1)).is_ok() {}
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::plan::Contender;
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    fn ended(script: &str) -> Result<Figures, Outcome> {
        run(shell(script), Duration::from_secs(10)).unwrap().answer()
    }

    #[test]
    fn an_answer_is_the_last_line() {
        let line = serde_json::to_string(&Figures { made: 3, ..Figures::default() }).unwrap();
        assert_eq!(ended(&format!("echo noise; echo '{line}'; echo log >&2")).unwrap().made, 3);
    }

    #[test]
    fn refusals_and_crashes_are_told_apart() {
        assert_eq!(ended("echo 'no zstd' >&2; exit 2"), Err(Outcome::Cannot("no zstd".to_owned())));
        assert_eq!(ended("echo 'no zstd'; exit 2"), Err(Outcome::Cannot("no zstd".to_owned())));
        for script in ["exit 1", "echo nonsense", "kill -9 $$"] {
            assert!(matches!(ended(script), Err(Outcome::Failed(_))), "{script}");
        }
    }

    #[test]
    fn what_hangs_is_ended() {
        let error = run(shell("exec sleep 60"), Duration::from_millis(50)).err().unwrap();
        assert!(error.contains("took longer"), "{error}");
        assert!(run(Command::new("/nowhere/at-all"), Duration::from_secs(1)).is_err());
    }

    /// A folder with a sink of shell and contenders of shell. A shell writes them: a file that this process had open for
    /// writing could not be run while another test starts a process.
    fn folder(name: &str, ours: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("otlp-compare-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let zero = serde_json::to_string(&SinkCount::default()).unwrap();
        let sink = format!("echo 127.0.0.1:1\nwhile read word; do echo '{zero}'; done");
        for (program, script) in [("sink", sink.as_str()), ("ours", ours)] {
            let mut command = shell("printf '#!/bin/sh\n%s\n' \"$2\" > \"$1\" && chmod +x \"$1\"");
            let written = command.arg("sh").arg(folder.join(program)).arg(script).status().unwrap();
            assert!(written.success());
        }
        folder
    }

    #[test]
    fn a_crash_is_an_outcome_and_the_next_run_goes_on() {
        let line = serde_json::to_string(&Figures { made: 3, ..Figures::default() }).unwrap();
        let folder = folder("crash", &format!("[ $5 = 1 ] && exit 1; echo '{line}'"));
        let mut runner = Runner::new(folder.clone());
        let cell = Cell::plain(Contender::Ours);
        assert!(matches!(runner.run(&cell.items(1)), Outcome::Failed(_)));
        assert!(matches!(runner.run(&cell.items(2)), Outcome::Done(_)));
        let missing = Cell::plain(Contender::Emit);
        assert!(matches!(runner.run(&missing), Outcome::Failed(_)), "a program that is missing");
        drop(runner);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
