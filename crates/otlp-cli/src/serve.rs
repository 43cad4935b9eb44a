//! `otlp serve`: a collector for development.
//!
//! Receives over gRPC and HTTP, keeps what came in memory and in a file, and prints it as it comes. The receiving runs on
//! the command's thread, the printing on another, so that a terminal that stands still holds up nobody. For production
//! there is the OpenTelemetry Collector.

mod answer;
mod append;
mod body;
mod footprint;
mod grpc;
mod host;
mod http;
pub(crate) mod intake;
pub(crate) mod items;
mod lines;
mod news;
mod printer;
pub(crate) mod receivers;
pub(crate) mod search;
pub(crate) mod signals;
pub(crate) mod store;
pub(crate) mod summary;
pub(crate) mod text;
mod ui;

use crate::exit::{Exit, Trouble, complain};
use append::Append;
use clap::Args;
use intake::Intake;
use news::Heard;
use printer::Printer;
use receivers::{Addresses, Receivers};
use signals::Signals;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::{Keep, Store};
use tokio::runtime::Runtime;

/// How long what was begun has to be answered at the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Receive telemetry, keep it, and print it as it comes: a collector for development.
///
/// Takes traces, metrics and logs over gRPC and over HTTP, in protobuf and in JSON, as they are or compressed with gzip or zstd,
/// and prints a line for each span, log record and data point. It listens on this machine alone, unless told otherwise.
/// Requests may have 4 MiB over gRPC and 20 MiB over HTTP, like an OpenTelemetry Collector's.
///
/// It ends on Ctrl-C and SIGTERM, when what has begun has been answered, or on the second of them, and says what it received.
#[derive(Args)]
#[command(after_help = "Examples:
  otlp serve
  otlp serve --output received.jsonl --quiet     then: otlp send received.jsonl
  otlp serve --grpc 0 --http 0 --json | jq .span")]
pub(crate) struct Options {
    #[command(flatten)]
    addresses: Addresses,

    /// Show what was received on a page: traces as waterfalls, logs, metrics. At an address, or at a port of 127.0.0.1; port 0
    /// takes one that is free. Without either, at http://127.0.0.1:4319.
    #[arg(long, num_args = 0..=1, default_missing_value = ui::DEFAULT, value_parser = receivers::address, value_name = "ADDRESS", help_heading = "Listening")]
    ui: Option<SocketAddr>,

    /// How much to keep in memory: 64MiB, or a number of items, in at most 1 GiB. When it is too much, the oldest requests go.
    #[arg(long, default_value = "64MiB", value_parser = store::parse_keep, value_name = "SIZE|ITEMS")]
    keep: Keep,

    /// Append what is received to a file, as OTLP/JSON, a line per request: `otlp decode` and `otlp send` read it.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print no items: only where it listens, and the summary.
    #[arg(long, short)]
    quiet: bool,

    /// Print JSON, one document per line: where it listens, each item, the summary.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let file = options.output.as_ref().map(|path| {
        Append::open(path).map_err(|error| Trouble::Failed(format!("{}: {error}", path.display())))
    });
    let store = Arc::new(Store::new(options.keep));
    let (news, heard) = news::channel();
    let news = (!options.quiet).then_some(news);
    let intake = Arc::new(Intake { store: Arc::clone(&store), file: file.transpose()?, news });
    let runtime = runtime()?;
    let printer = runtime.block_on(receive(options, intake, heard))?;
    // With the runtime goes the last connection, and with that the last who tells the printer.
    drop(runtime);
    printer.finish()?;
    io::stdout().write_all(summary::of(&store.totals(), options.json).as_bytes())?;
    Ok(Exit::Fine)
}

/// Receives until a signal comes, or nobody reads any more.
async fn receive(options: &Options, intake: Arc<Intake>, heard: Heard) -> Result<Printer, Trouble> {
    let mut signals = Signals::listen()?;
    let receivers = Receivers::open(options.addresses).await?;
    let page = match options.ui {
        Some(wanted) => Some(show(wanted, Arc::clone(&intake.store)).await?),
        None => None,
    };
    let mut printer = Printer::start(&receivers.addresses, page, heard, options.json)?;
    let end = async {
        let (signal, failure) = (std::pin::pin!(signals.any()), std::pin::pin!(printer.failed()));
        futures_util::future::select(signal, failure).await;
    };
    let begun = receivers.serve(intake, end).await;
    // A second signal comes from somebody who does not want to wait.
    let answered = tokio::time::timeout(PATIENCE, begun.shutdown());
    futures_util::future::select(std::pin::pin!(answered), std::pin::pin!(signals.any())).await;
    Ok(printer)
}

/// Starts the page, and says where it is. It ends with the runtime: nobody's data depends on its last answers.
async fn show(wanted: SocketAddr, store: Arc<Store>) -> Result<SocketAddr, Trouble> {
    let (listener, address) = receivers::open(wanted, "--ui").await?;
    if !address.ip().is_loopback() {
        complain(&format_args!(
            "warning: whoever reaches {address} can read what was received, and nothing is encrypted"
        ));
    }
    tokio::spawn(ui::serve(listener, store));
    Ok(address)
}

/// One thread does it: what is received is decoded in less time than it takes to make it.
pub(crate) fn runtime() -> Result<Runtime, Trouble> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Trouble::Failed(format!("no runtime: {error}")))
}
