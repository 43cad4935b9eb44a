//! Row 40: SIGTERM and SIGINT. A client that was asked to drains within its deadline and says what became of everything; one
//! that was not touches no signal.

use crate::child;
use crate::support::{PATIENCE, batch_soon, builder};
use futures_util::FutureExt;
use otlp::Client;
use otlp_testkit::Collector;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::Command;
use std::time::Duration;
use tokio::runtime::Builder;

/// Sends this process a signal, as a service manager would.
fn signal(name: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} $PPID")).status().unwrap();
    assert!(sent.success());
}

fn client() -> Client {
    let client = builder(child::endpoint()).with_batch_config(batch_soon()).build_blocking().unwrap();
    let tracer = client.tracer("t");
    (0..3).for_each(|_| tracer.start("s").end());
    client
}

pub(crate) fn program() {
    let argument = child::argument();
    let (name, deadline) = argument.split_once(' ').unwrap();
    let deadline = Duration::from_millis(deadline.parse().unwrap());
    let client = client();
    if name == "before" {
        drop(client.shutdown_blocking(deadline));
        #[cfg(target_os = "linux")]
        while threads().any(|name| name.trim() == "otlp") {
            std::thread::yield_now();
        }
    }
    let mut drained = pin!(client.shutdown_on_signal(deadline));
    // The first poll, on no runtime, installs the handlers.
    assert!(name == "before" || drained.as_mut().now_or_never().is_none());
    match name {
        // The client was shut down before anybody waited for a signal.
        "before" => {}
        // In place of a signal: somebody else shuts the client down, and the wait is over, too.
        "none" => drop(client.shutdown_blocking(deadline)),
        name => signal(name),
    }
    let runtime = Builder::new_current_thread().build().unwrap();
    child::say(match runtime.block_on(drained) {
        Ok(report) => format!("Ok: {report}"),
        Err(error) => format!("{:?}: {}", error.kind(), error.report().unwrap()),
    });
}

/// The names of this process' threads.
#[cfg(target_os = "linux")]
fn threads() -> impl Iterator<Item = String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
}

fn run(argument: &str, endpoint: &str) -> String {
    child::run("row_40_signals", argument, endpoint).well().remove(0)
}

#[test]
fn a_signal_drains_the_client() {
    // conf: BATCH-12
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    for (count, argument) in (1..).zip(["TERM 60000", "INT 60000", "none 60000", "before 60000"]) {
        let said = run(argument, &collector.grpc_endpoint());
        assert!(said.starts_with("Ok: 3 accepted = 3 delivered"), "{argument}: {said}");
        assert_eq!(collector.received().items(), 3 * count);
    }
}

#[test]
fn a_signal_while_nobody_answers_ends_at_the_deadline_and_owns_up_to_the_loss() {
    // conf: BATCH-13
    // The kernel makes the connections; nobody ever reads from them.
    let black_hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", black_hole.local_addr().unwrap());
    let said = run("TERM 100", &endpoint);
    assert!(said.starts_with("Lost: 3 accepted = 0 delivered + 0 rejected + 3 dropped"), "{said}");
}

/// Builds a client and everything, but does not ask for the drain.
pub(crate) fn unasked() {
    let client = client();
    client.flush_within_blocking(PATIENCE).unwrap();
    signal("TERM");
    // Ends by the signal, unless that is caught.
    loop {
        std::thread::park();
    }
}

#[test]
fn without_being_asked_the_client_touches_no_signal() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let ended = child::run("row_40_unasked", "", &collector.grpc_endpoint());
    assert_eq!(ended.status.signal(), Some(15), "{}", ended.output);
}
