//! What `otlp load` and `otlp send` show at a terminal while they work: neither has come to its end when this is looked for.

use crate::decode::TRACE;
use crate::support::otlp;
use nix::pty::{Winsize, openpty};
use otlp_testkit::{Collector, Reply};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio::time::Instant;

/// Longer than any machine is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command whose standard error is a terminal; killed with this.
struct Running {
    child: Child,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl Running {
    fn start(line: &[&str]) -> Self {
        let size = Winsize { ws_row: 30, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        let mut command = otlp(line);
        command.env("TERM", "xterm").env_remove("NO_COLOR").stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.stderr(pty.slave).spawn().unwrap();
        let mut master = File::from(pty.master);
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = master.read(&mut bytes) {
                let _ = sender.send(bytes[..read].to_vec());
            }
        });
        Self { child, screen, seen: String::new() }
    }

    /// Waits until something that is shown is what is looked for.
    fn shows(&mut self, is_it: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        // A line is drawn over the one before it, also when it says the same.
        while !self.seen.split(['\r', '\n']).any(&is_it) {
            let left = until.saturating_duration_since(Instant::now());
            let more = self.screen.recv_timeout(left).ok().filter(|_| !left.is_zero());
            let more = more.unwrap_or_else(|| panic!("this is not shown: {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn load_shows_times_throughput_and_losses_while_it_runs() {
    let collector = Collector::builder().start_blocking().unwrap();
    let endpoint = collector.grpc_endpoint();
    let mut load =
        Running::start(&["load", "--endpoint", &endpoint, "-p", "grpc", "--rate", "100", "--duration", "1h"]);
    load.shows(|line| {
        [" spans, ", "/s, end p50 ", " p99 ", ", attempt p50 ", " delivered, 0 lost, "]
            .iter()
            .all(|part| line.contains(part))
            && !line.contains(" 0 delivered")
    });
}

#[test]
fn send_shows_how_much_of_the_files_it_has_read() {
    let collector = Collector::builder().start_blocking().unwrap();
    let endpoint = collector.grpc_endpoint();
    let line = ["send", "--endpoint", &endpoint, "-p", "grpc", "--rate", "0.0001"];
    let path = std::env::temp_dir().join(format!("otlp-cli-{}-live.jsonl", std::process::id()));
    std::fs::write(&path, [TRACE; 2].join("\n")).unwrap();
    let mut send = Running::start(&[&line[..], &[path.to_str().unwrap()]].concat());
    send.shows(|line| line.contains("█") && line.contains("100% 1 read, ") && line.contains(" 0 lost"));
    // Never as bars of others look, which have a position.
    assert!(!send.seen.contains('/'), "{}", send.seen);
    std::fs::remove_file(&path).unwrap();

    // What has no length has no bar, but the same figures.
    let mut send = Running::start(&[&line[..], &["-"]].concat());
    send.child.stdin.as_mut().unwrap().write_all(format!("{TRACE}\n{TRACE}\n").as_bytes()).unwrap();
    send.shows(|line| !line.contains('%') && line.contains(" 1 read, "));
}

#[test]
fn what_is_pending_is_shown_until_the_end() {
    let hanging = Collector::builder().reply(Reply::hang()).start_blocking().unwrap();
    let endpoint = hanging.grpc_endpoint();
    let receiver = ["--endpoint", &endpoint, "-p", "grpc", "--deadline", "60s"];
    let path = std::env::temp_dir().join(format!("otlp-cli-{}-pending.jsonl", std::process::id()));
    std::fs::write(&path, TRACE).unwrap();
    let mut send = Running::start(&[&["send", path.to_str().unwrap()], &receiver[..]].concat());
    send.shows(|line| line.contains("100% 1 read, 0 delivered, 0 lost, 1 pending"));
    std::fs::remove_file(&path).unwrap();

    let mut load = Running::start(&[&["load", "--count", "3", "--rate", "max"], &receiver[..]].concat());
    load.shows(|line| line.contains("3 spans, ") && line.contains(" 0 delivered, 0 lost, 3 pending"));
}
