//! Programs of others: run to their end within a bound, or kept running beside us and ended with us.
//!
//! Used by tools (compilers, installers) and counterparts. What they print is read as it comes, so that none waits for us. On
//! Linux they end with us also when we are killed, if there is util-linux' `setpriv`; elsewhere they are then left behind.

use crate::Failure;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
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
    /// Starts it, with everything it prints kept. On a thread that stays: where the kernel watches over it, it ends with that.
    pub(crate) fn start(name: &str, command: &Command) -> Result<Self, Failure> {
        let mut command = tied(command);
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

/// The same command, which the kernel kills when the thread that starts it has ended; as it is where nobody can have that.
fn tied(command: &Command) -> Command {
    static SETPRIV: LazyLock<bool> = LazyLock::new(|| {
        let mut try_it = Command::new("setpriv");
        try_it.args(["--pdeathsig", "KILL", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
        cfg!(target_os = "linux") && try_it.status().is_ok_and(|status| status.success())
    });
    let mut tied = if *SETPRIV {
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--pdeathsig", "KILL"]).arg(command.get_program());
        setpriv
    } else {
        Command::new(command.get_program())
    };
    tied.args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        tied.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(name, value),
            None => tied.env_remove(name),
        };
    }
    tied
}

/// Runs a command to its end; how it ended, and what it said.
pub(crate) fn run(
    name: &str,
    command: &Command,
    patience: Duration,
) -> Result<(ExitStatus, Vec<String>), Failure> {
    let mut process = Process::start(name, command)?;
    drop(process.stdin());
    process.ended(patience)
}

/// The same; what it said, or an error with its last lines.
pub(crate) fn output(name: &str, command: &Command, patience: Duration) -> Result<Vec<String>, Failure> {
    let (status, said) = run(name, command, patience)?;
    if status.success() { Ok(said) } else { Err(failed(name, status, &said).into()) }
}

/// That it failed, with its last lines.
pub(crate) fn failed(name: &str, status: ExitStatus, said: &[String]) -> String {
    format!("{name} failed ({status}):\n{}", said[said.len().saturating_sub(12)..].join("\n"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    /// A thread in the place of the process that is killed: to the kernel it is the same.
    #[test]
    fn a_program_ends_with_who_started_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "pwd; echo $WORD; exec sleep 600"]).current_dir("/").env("WORD", "hello");
        if tied(&command).get_program() == "sh" {
            println!("no setpriv: nothing is checked");
            return;
        }
        let start = || {
            let mut process = Process::start("sh", &command).unwrap();
            let patience = Duration::from_secs(60);
            process.wait_for("it runs", patience, |said| (said == ["/", "hello"]).then_some(())).unwrap();
            process
        };
        let process = std::thread::scope(|scope| scope.spawn(start).join().unwrap());
        let (status, _) = process.ended(Duration::from_secs(60)).unwrap();
        assert_eq!(status.signal(), Some(9), "{status}");
    }
}
