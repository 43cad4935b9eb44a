//! `otlp tail`: the collector for development in a terminal.
//!
//! Receives as `serve` does, on a thread of its own, and shows what is kept. What a key does and what is on the screen are
//! pure, in `state` and `draw`; this file waits for keys and for news.

mod detail;
mod draw;
mod key;
mod look;
mod screen;
mod state;
#[cfg(test)]
mod tests;
mod waterfall;

use crate::exit::{Exit, Trouble};
use crate::serve::intake::Intake;
use crate::serve::receivers::{Addresses, Receivers};
use crate::serve::signals::Signals;
use crate::serve::store::{self, Keep, Store};
use crate::serve::{runtime, summary};
use clap::Args;
use look::Look;
use ratatui::crossterm::event::{self, Event};
use screen::Screen;
use state::{State, Wish};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How often the screen is brought up to date while telemetry comes in.
const PACE: Duration = Duration::from_millis(250);

/// How long what was begun has to be answered at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Receive telemetry, and look at traces, logs and metrics in the terminal.
///
/// Receives as `otlp serve` does, and lists the latest traces, log records or metrics. Arrows move, Enter opens the waterfall of
/// a trace, Tab goes from list to list, `/` searches in names, ids and attributes, Esc goes back, `q` quits.
///
/// Colours are left out if NO_COLOR is set.
#[derive(Args)]
#[command(after_help = "Examples:
  otlp tail
  otlp tail --grpc 0.0.0.0:4317 --keep 256MiB")]
pub(crate) struct Options {
    #[command(flatten)]
    addresses: Addresses,

    /// How much to keep in memory: 64MiB, or a number of items, in at most 1 GiB. When it is too much, the oldest requests go.
    #[arg(long, default_value = "64MiB", value_parser = store::parse_keep, value_name = "SIZE|ITEMS")]
    keep: Keep,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    if !io::stdout().is_terminal() {
        let text = "standard output is no terminal, which `otlp tail` needs; `otlp serve` prints lines";
        return Err(Trouble::Failed(text.to_owned()));
    }
    let store = Arc::new(Store::new(options.keep));
    let receiving = Receiving::start(runtime()?, options.addresses, &store)?;
    let Addresses { grpc, http } = receiving.addresses;
    let look = Look::new(std::env::var_os("NO_COLOR").as_deref());
    let shown = show(&store, format!("gRPC {grpc}  HTTP {http}"), look, &receiving);
    receiving.end()?;
    shown?;
    io::stdout().write_all(summary::of(&store.totals(), false).as_bytes())?;
    Ok(Exit::Fine)
}

/// Shows and waits, until a key or somebody else ends it. The terminal is as it was before this returns.
fn show(store: &Store, listening: String, look: Look, receiving: &Receiving) -> Result<(), Trouble> {
    let mut screen = Screen::enter()?;
    let mut state = State::new(listening);
    let (mut due, mut is_stale) = (Instant::now(), true);
    while !receiving.is_over() {
        let now = Instant::now();
        if now >= due && store.totals() != *state.totals() {
            state.refresh(store);
            (due, is_stale) = (now + PACE, true);
        }
        if is_stale {
            screen.draw(|frame| draw::all(&state, look, frame))?;
            is_stale = false;
        }
        if !event::poll(PACE)? {
            continue;
        }
        let wish = match event::read()? {
            Event::Key(event) => key::of(&event).map_or(Wish::Nothing, |key| state.key(key)),
            Event::Resize(..) => Wish::Draw,
            _ => Wish::Nothing,
        };
        match wish {
            Wish::Nothing => {}
            Wish::Draw => is_stale = true,
            Wish::Ask => {
                state.refresh(store);
                is_stale = true;
            }
            Wish::Quit => break,
        }
    }
    Ok(())
}

/// The receivers at work.
struct Receiving {
    addresses: Addresses,
    /// Whether a signal came.
    told_to_end: Arc<AtomicBool>,
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Receiving {
    fn start(runtime: Runtime, wanted: Addresses, store: &Arc<Store>) -> Result<Self, Trouble> {
        let (mut signals, receivers) = runtime.block_on(async {
            let signals = Signals::listen()?;
            Ok::<_, Trouble>((signals, Receivers::open(wanted).await?))
        })?;
        let addresses = receivers.addresses;
        let intake = Arc::new(Intake { store: Arc::clone(store), file: None, news: None });
        let told_to_end = Arc::new(AtomicBool::new(false));
        let (end, ended) = oneshot::channel();
        let flag = Arc::clone(&told_to_end);
        let until = async move {
            futures_util::future::select(std::pin::pin!(signals.any()), ended).await;
            flag.store(true, Ordering::Relaxed);
        };
        let thread = thread::Builder::new()
            .name("otlp-receivers".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let begun = receivers.serve(intake, until).await;
                    // Who has not been answered by then will hear that the connection is gone.
                    let _ = tokio::time::timeout(PATIENCE, begun.shutdown()).await;
                });
            })
            .map_err(|error| Trouble::Failed(format!("no thread to receive with: {error}")))?;
        Ok(Self { addresses, told_to_end, end, thread })
    }

    /// Whether a signal came, or the receivers failed.
    fn is_over(&self) -> bool {
        self.told_to_end.load(Ordering::Relaxed) || self.thread.is_finished()
    }

    fn end(self) -> Result<(), Trouble> {
        // It may have ended by itself, on a signal.
        let _ = self.end.send(());
        self.thread.join().map_err(|_| Trouble::Failed("the receivers have failed".to_owned()))
    }
}
