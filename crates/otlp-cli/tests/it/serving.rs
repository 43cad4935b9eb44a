//! `otlp serve` as a process: started on free ports, its lines read as they come, ended by a signal.

use crate::support::otlp;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running `otlp serve --json`. Dropping it kills it.
pub(crate) struct Serving {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    pub(crate) grpc: String,
    pub(crate) http: String,
    /// Where the page is, with `--ui`.
    pub(crate) ui: Option<String>,
}

impl Serving {
    pub(crate) fn start(more: &[&str]) -> Self {
        let line = [&["serve", "--json", "--grpc", "0", "--http", "0"][..], more].concat();
        let mut child = otlp(&line).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let address = |name: &str| first["listening"][name].as_str().map(str::to_owned);
        let (grpc, http) = (address("grpc").unwrap(), address("http").unwrap());
        Self { child, lines, grpc, http, ui: address("ui") }
    }

    /// The next line; waits for it.
    pub(crate) fn line(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// What it still prints, the summary last, until it ends, which must be well.
    pub(crate) fn ended(mut self) -> Vec<Value> {
        let rest = self.lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        rest
    }

    /// Ends it: its summary.
    pub(crate) fn summary(self) -> Value {
        self.signal("TERM");
        self.ended().pop().unwrap()["summary"].clone()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
