//! Programs of others: run to their end within a bound, or kept running beside us and ended with us.
//!
//! Used by tools (compilers, installers) and counterparts. What they print is read as it comes, so that none waits for us.

use crate::Failure;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a process that runs is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The most lines that are kept of what a program says; of more, the first half goes.
const KEPT: usize = 20_000;

/// A program that runs until it is dropped or killed.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Arc<Lines>,
}

#[derive(Default)]
struct Lines {
    said: Mutex<Vec<String>>,
    more: Condvar,
}

impl Process {
    /// Starts it, with everything it prints kept.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What is on loopback is not asked of a proxy.
        command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
        let mut child = command.spawn().map_err(|error| format!("{name} does not start: {error}"))?;
        let lines = Arc::new(Lines::default());
        if let Some(stdout) = child.stdout.take() {
            lines.read(stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            lines.read(stderr);
        }
        Ok(Self { name: name.to_owned(), child, lines })
    }

    /// Waits until all of `wanted` have each found a line, from the first on.
    pub(crate) fn wait_for<T>(
        &mut self,
        what: &str,
        patience: Duration,
        find: impl Fn(&[String]) -> Option<T>,
    ) -> Result<T, Failure> {
        let until = Instant::now() + patience;
        loop {
            let ended = self.child.try_wait()?;
            let said = self.lines.lock();
            if let Some(found) = find(&said) {
                return Ok(found);
            }
            let end = said[said.len().saturating_sub(12)..].join("\n");
            if let Some(status) = ended {
                return Err(format!("{} ended ({status}) before {what}:\n{end}", self.name).into());
            }
            if Instant::now() > until {
                return Err(format!("{}: waited {patience:?} for {what}:\n{end}", self.name).into());
            }
            drop(self.lines.more.wait_timeout(said, LOOK));
        }
    }

    /// What it has said so far, given to `read`.
    pub(crate) fn said<T>(&self, read: impl FnOnce(&[String]) -> T) -> T {
        read(&self.lines.lock())
    }

    /// Its standard input; dropping that closes it.
    pub(crate) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits until it ends by itself; kills it if that takes too long.
    pub(crate) fn ended(mut self, patience: Duration) -> Result<(ExitStatus, Vec<String>), Failure> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                // The readers have its last lines when they have seen the end.
                while Arc::strong_count(&self.lines) > 1 && Instant::now() < until {
                    std::thread::sleep(LOOK);
                }
                let said = self.lines.lock().clone();
                return Ok((status, said));
            }
            if Instant::now() > until {
                let end = self.said(|said| said[said.len().saturating_sub(12)..].join("\n"));
                return Err(format!("{} has not ended after {patience:?}:\n{end}", self.name).into());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Ends it without giving it a chance to say goodbye: SIGKILL, where there are signals.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the lines of `source` until its end, on a thread of its own.
    fn read(self: &Arc<Self>, source: impl Read + Send + 'static) {
        let this = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(source).lines().map_while(Result::ok) {
                let mut said = this.lock();
                if said.len() >= KEPT {
                    said.drain(..KEPT / 2);
                }
                said.push(line);
                this.more.notify_all();
            }
        });
    }
}

/// Runs a command to its end; what it said, or an error with its last lines.
pub(crate) fn output(name: &str, command: &mut Command, patience: Duration) -> Result<Vec<String>, Failure> {
    let mut process = Process::start(name, command)?;
    drop(process.stdin());
    let (status, said) = process.ended(patience)?;
    if status.success() {
        return Ok(said);
    }
    Err(format!("{name} failed ({status}):\n{}", said[said.len().saturating_sub(12)..].join("\n")).into())
}
