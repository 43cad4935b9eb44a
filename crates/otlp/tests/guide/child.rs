//! Snippets that end their process, or change the whole of it, in a process of their own: this binary once more, with one
//! test and a variable that tells it to be the program.

use super::stage::PATIENCE;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const ENDPOINT: &str = "OTLP_GUIDE_ENDPOINT";

/// In the program: where its collector is. `None` in the test.
pub(crate) fn endpoint() -> Option<String> {
    std::env::var(ENDPOINT).ok()
}

/// The command that runs the test of this name as the program.
pub(crate) fn command(test: &str, endpoint: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--nocapture"]).env(ENDPOINT, endpoint);
    command.env_remove("RUST_LOG").env_remove("OTLP_DEBUG");
    command
}

/// A program under way; killed when the test gives up.
pub(crate) struct Program {
    child: Child,
    lines: mpsc::Receiver<String>,
    complaints: mpsc::Receiver<String>,
    /// Closed when nobody writes to its output any more.
    ended: mpsc::Receiver<()>,
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let (running, ended) = mpsc::channel::<()>();
        let words = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            words.lines().try_for_each(|line| sender.send(line.unwrap()))?;
            drop(running);
            Ok::<_, mpsc::SendError<String>>(())
        });
        let (sender, complaints) = mpsc::channel();
        let mut stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            sender.send(text)
        });
        Self { child, lines, complaints, ended }
    }

    /// Waits for a line of its output.
    pub(crate) fn says(&self, wanted: &str) {
        while !self.lines.recv_timeout(PATIENCE).expect(wanted).contains(wanted) {}
    }

    /// Sends it a signal, as a terminal or service manager would.
    pub(crate) fn signal(&self, name: &str) {
        // It may have ended; then there is nobody to take it.
        let id = self.child.id();
        Command::new("sh").arg("-c").arg(format!("kill -{name} {id}")).status().unwrap();
    }

    /// Whether it has ended; asks at most ten times a second.
    pub(crate) fn has_ended(&mut self) -> bool {
        match self.ended.recv_timeout(Duration::from_millis(100)) {
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => true,
            Err(mpsc::RecvTimeoutError::Timeout) => false,
        }
    }

    /// Its status, the rest of its output, and what went to stderr.
    pub(crate) fn end(mut self) -> (ExitStatus, String, String) {
        let complaints = self.complaints.recv_timeout(PATIENCE).expect("it hangs");
        let output: Vec<String> = self.lines.iter().collect();
        (self.child.wait().unwrap(), output.join("\n"), complaints)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
