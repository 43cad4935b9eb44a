//! The thread that prints: where the receivers listen, and then what is told.
//!
//! Used by `serve`. Whoever waits for it waits for a bounded time: a terminal may stand still for ever.

use super::lines;
use super::news::Heard;
use super::receivers::Addresses;
use crate::exit::Trouble;
use serde_json::json;
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the last lines may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The printer at work.
#[derive(Debug)]
pub(super) struct Printer {
    ended: Receiver<io::Result<()>>,
    failed: Option<oneshot::Receiver<()>>,
}

impl Printer {
    /// Prints where it listens, and on a thread of its own all that is heard.
    pub(super) fn start(
        listening: &Addresses,
        page: Option<SocketAddr>,
        heard: Heard,
        as_json: bool,
    ) -> Result<Self, Trouble> {
        let first = listening_line(listening, page, as_json);
        io::stdout().write_all(first.as_bytes())?;
        io::stdout().flush()?;
        let (end, ended) = sync_channel(1);
        let (fail, failed) = oneshot::channel();
        thread::Builder::new()
            .name("otlp-printer".to_owned())
            .spawn(move || {
                let result = print(&heard, as_json);
                if result.is_err() {
                    // Nobody listens when the command has ended anyway; the same below.
                    let _ = fail.send(());
                }
                let _ = end.send(result);
            })
            .map_err(|error| Trouble::Failed(format!("no thread to print with: {error}")))?;
        Ok(Self { ended, failed: Some(failed) })
    }

    /// Returns when nothing can be printed any more; else never.
    pub(super) async fn failed(&mut self) {
        if let Some(failed) = self.failed.take() {
            // Without a word it has printed everything.
            if failed.await.is_ok() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Waits for the last line, once there is nobody left who tells.
    pub(super) fn finish(self) -> Result<(), Trouble> {
        match self.ended.recv_timeout(PATIENCE) {
            Ok(result) => Ok(result?),
            Err(RecvTimeoutError::Timeout) => Err(Trouble::Failed("nobody reads what is printed".to_owned())),
            Err(RecvTimeoutError::Disconnected) => Err(Trouble::Failed("the printer has failed".to_owned())),
        }
    }
}

fn listening_line(Addresses { grpc, http }: &Addresses, page: Option<SocketAddr>, as_json: bool) -> String {
    if as_json {
        let mut listening = json!({ "grpc": grpc.to_string(), "http": http.to_string() });
        if let Some(page) = page {
            listening["ui"] = json!(page.to_string());
        }
        return format!("{}\n", json!({ "listening": listening }));
    }
    let page = page.map(|page| format!("the page is at http://{page}/\n")).unwrap_or_default();
    format!("listening for gRPC on {grpc}, for HTTP on {http}\n{page}")
}

/// Prints until nobody tells any more. What is waiting is written together.
fn print(heard: &Heard, as_json: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout());
    loop {
        let told = heard.next(|| {
            missed(&mut out, heard, as_json)?;
            out.flush()
        })?;
        let Some(told) = told else { break };
        lines::write(&told, as_json, &mut out)?;
    }
    missed(&mut out, heard, as_json)?;
    out.flush()
}

fn missed(out: &mut impl Write, heard: &Heard, as_json: bool) -> io::Result<()> {
    match heard.missed() {
        0 => Ok(()),
        items if as_json => writeln!(out, "{}", json!({ "not_shown": items })),
        items => writeln!(out, "… {items} not shown: they came faster than they can be printed"),
    }
}
