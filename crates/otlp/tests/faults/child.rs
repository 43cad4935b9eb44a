//! Programs that run in a process of their own: this test binary, started once more with the name of the program in its
//! environment.
//!
//! The test keeps the collector and the last word; the program says what it was told by the client, a line each. A program
//! that hangs is killed and fails its test: nothing here passes, or fails, by being slow.

use crate::support::PATIENCE;
use std::fmt::Display;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;

/// What each program is called by.
const PROGRAMS: &[(&str, fn())] = &[
    #[cfg(target_os = "linux")]
    ("row_08_attempt_timeout", crate::row_08_black_hole::attempt_timeout),
    #[cfg(target_os = "linux")]
    ("row_08_user_timeout", crate::row_08_black_hole::user_timeout),
    #[cfg(unix)]
    ("row_30_fork", crate::row_30_fork::program),
    ("row_31_runtimes", crate::row_31_runtimes::program),
    ("row_31_panicking", crate::row_31_runtimes::panicking),
    ("row_31_own_thread", crate::row_31_runtimes::own_thread),
    ("row_39_thread_locals", crate::row_39_exits::thread_locals),
    ("row_39_exit", crate::row_39_exits::exit),
    ("row_39_main_returns", crate::row_39_exits::main_returns),
    ("row_39_exit_during_shutdown", crate::row_39_exits::exit_during_shutdown),
    #[cfg(all(unix, feature = "signal"))]
    ("row_40_signals", crate::row_40_signals::program),
    #[cfg(all(unix, feature = "signal"))]
    ("row_40_unasked", crate::row_40_signals::unasked),
    ("row_41_loop", crate::row_41_loop::program),
    #[cfg(target_os = "linux")]
    ("row_43_descriptors", crate::row_43_exhaustion::descriptors),
    #[cfg(target_os = "linux")]
    ("row_43_threads", crate::row_43_exhaustion::threads),
    ("row_42_logs", crate::row_42_secrets::program),
    ("row_44_environment", crate::row_44_proxy_unix_ipv6::program),
];

const PROGRAM: &str = "OTLP_FAULTS_PROGRAM";
const ARGUMENT: &str = "OTLP_FAULTS_ARGUMENT";
const ENDPOINT: &str = "OTLP_FAULTS_ENDPOINT";
/// Before what a program says, so that it is told from the words of the test harness.
const SAYS: &str = "[says] ";

#[test]
#[ignore = "not a test: the programs that other tests run in processes of their own"]
fn program() {
    let Ok(name) = std::env::var(PROGRAM) else { return };
    let (_, program) = PROGRAMS.iter().find(|(known, _)| *known == name).expect("a program of that name");
    program();
}

/// For programs: where their collector is.
pub(crate) fn endpoint() -> String {
    std::env::var(ENDPOINT).unwrap()
}

/// For programs: what they were asked to do.
pub(crate) fn argument() -> String {
    std::env::var(ARGUMENT).unwrap()
}

/// For programs: tells the test something.
pub(crate) fn say(what: impl Display) {
    println!("\n{SAYS}{what}");
}

/// How a program ended, and what it said before.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) said: Vec<String>,
    pub(crate) output: String,
}

impl Ended {
    /// That all went as it should.
    pub(crate) fn well(self) -> Vec<String> {
        assert!(self.status.success(), "{}\n{}", self.status, self.output);
        self.said
    }
}

/// The command that runs a program.
pub(crate) fn command(program: &str, argument: &str, endpoint: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child::program", "--ignored", "--nocapture"])
        .env(PROGRAM, program)
        .env(ARGUMENT, argument)
        .env(ENDPOINT, endpoint);
    command
}

/// Runs a program to its end.
pub(crate) fn run(program: &str, argument: &str, endpoint: &str) -> Ended {
    Running::start(command(program, argument, endpoint)).end()
}

/// A program under way.
pub(crate) struct Running {
    child: Child,
    output: mpsc::Receiver<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut words, mut complaints) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let complaints = std::thread::spawn(move || {
                let mut text = String::new();
                complaints.read_to_string(&mut text).map(|_| text)
            });
            let mut text = String::new();
            words.read_to_string(&mut text).unwrap();
            sender.send(text + &complaints.join().unwrap().unwrap())
        });
        Self { child, output }
    }

    /// Waits for its end, and that of all processes that have inherited its output.
    pub(crate) fn end(mut self) -> Ended {
        let Ok(output) = self.output.recv_timeout(PATIENCE) else {
            self.child.kill().unwrap();
            panic!("it hangs");
        };
        let said = output.lines().filter_map(|line| line.split_once(SAYS)).map(|(_, said)| said.to_owned());
        Ended { status: self.child.wait().unwrap(), said: said.collect(), output }
    }
}
