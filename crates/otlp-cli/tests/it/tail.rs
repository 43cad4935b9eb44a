//! `otlp tail` on a terminal: it shows what arrives, and however it ends, the terminal is as it was before.

use crate::decode::TRACE;
use crate::support::{otlp, run, run_with};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{Termios, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than any machine is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with `otlp tail` on it.
struct Terminal {
    keyboard: File,
    /// The other side, held open so that its settings can be looked at.
    line: OwnedFd,
    before: Termios,
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start() -> Self {
        let size = Winsize { ws_row: 30, ws_col: 160, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).unwrap();
        let before = tcgetattr(&pty.slave).unwrap();
        let end = || pty.slave.try_clone().unwrap();
        let mut command = otlp(&["tail", "--grpc", "0", "--http", "0"]);
        let child = command.env("TERM", "xterm").stdin(end()).stdout(end()).spawn().unwrap();
        let mut screen = File::from(pty.master.try_clone().unwrap());
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Until nobody holds the other side.
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                let _ = sender.send(bytes[..read].to_vec());
            }
        });
        let keyboard = pty.master.into();
        Self { keyboard, line: pty.slave, before, child, output, seen: String::new() }
    }

    /// Waits until `text` has been written since the last time.
    fn wait_for(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(text) {
                return self.seen.drain(..at + text.len()).collect();
            }
            let more = self.output.recv_timeout(PATIENCE);
            let more = more.unwrap_or_else(|_| panic!("waiting for {text:?} in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&more));
        }
    }

    /// Where it says that it listens for HTTP.
    fn endpoint(&mut self) -> String {
        self.wait_for("127.0.0.1:");
        self.wait_for("127.0.0.1:");
        // What ends the number.
        let port = self.wait_for("\u{1b}");
        format!("http://127.0.0.1:{}", port.trim_end_matches('\u{1b}'))
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_trace_is_shown_and_the_terminal_is_restored_however_it_ends() {
    for how in ["q", "\u{3}", "TERM"] {
        let mut terminal = Terminal::start();
        terminal.wait_for("\u{1b}[?1049h");
        let endpoint = terminal.endpoint();
        let said = run_with(&["send", "-", "--endpoint", &endpoint, "-p", "http/protobuf"], TRACE.as_bytes());
        assert_eq!(said.code, Some(0), "{said:?}");
        terminal.wait_for("checkout");
        terminal.wait_for("/cart");
        assert_ne!(tcgetattr(&terminal.line).unwrap(), terminal.before);
        terminal.press("\r");
        terminal.wait_for("0af7651916cd43dd8448eb211c80319c");
        if how == "TERM" {
            let id = terminal.child.id().to_string();
            assert!(Command::new("kill").args(["-s", how, &id]).status().unwrap().success());
        } else {
            terminal.press(how);
        }
        terminal.wait_for("\u{1b}[?1049l");
        terminal.wait_for("received 1 item in 1 request: ");
        assert_eq!(terminal.child.wait().unwrap().code(), Some(0), "{how:?}");
        assert_eq!(tcgetattr(&terminal.line).unwrap(), terminal.before, "{how:?}");
    }
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let said = run(&["tail", "--grpc", "0", "--http", "0"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""));
    assert!(said.err.contains("no terminal") && said.err.contains("otlp serve"), "{said:?}");
}
