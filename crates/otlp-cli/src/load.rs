//! `otlp load`: spans at a rate through the real client, and what that costs and comes to.
//!
//! Measures the client from outside, as an application sees it: the time of `Span::end`, the attempts, the books.

mod faults;
mod histogram;
mod outcome;
mod producer;
mod shape;

use crate::books;
use crate::destination::{Destination, TICK};
use crate::duration;
use crate::exit::{Exit, Trouble};
use crate::pace::{self, Pace};
use clap::Args;
use faults::FailLayer;
use histogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use otlp::{AlwaysOnSampler, Client, ClientBuilder, Signal};
use otlp_transport::{Observation, ObserveLayer};
use outcome::Measured;
use producer::Job;
use shape::Shape;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use tokio::time::Instant;

/// Make spans at a rate, and measure what it costs and what arrives.
///
/// Runs the client of the library as an application would, and shows live, at a terminal, the time that `Span::end` takes, that
/// of requests, losses and throughput; at the end a table, or --json. A full queue drops what is newest, as by default in an
/// application; --block waits instead. The books must balance: every span that was ended is delivered, rejected, or lost for a
/// counted reason. The exit code is 0 if all were delivered, 1 if any was not.
#[derive(Args)]
#[command(after_help = "Examples:
  otlp load --endpoint http://collector:4317 --rate 20000 --threads 4 --duration 1m
  otlp load --rate max --count 1000000 --attributes 10 --compression zstd --json
  otlp load --errors 5 --fail-attempts 20")]
pub(crate) struct Options {
    /// Spans per second, all threads together; `max` is as fast as it goes.
    #[arg(long, value_parser = pace::parse, default_value = "1000", value_name = "SPANS")]
    rate: Pace,

    /// How many threads make spans.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,

    /// For how long. Default: 10s, or until --count.
    #[arg(long, value_parser = duration::parse_positive, value_name = "TIME")]
    duration: Option<Duration>,

    /// How many spans.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "SPANS")]
    count: Option<u64>,

    /// When the queue is full, wait until there is room, at most for --deadline.
    #[arg(long)]
    block: bool,

    /// The share of attempts, in percent, that fail as with 503 before they reach the receiver: what the client retries.
    #[arg(long, default_value_t = 0.0, value_parser = percent, value_name = "PERCENT")]
    fail_attempts: f64,

    /// Print the results as one JSON document; its shape is in docs/cli.md.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    shape: Shape,

    #[command(flatten)]
    destination: Destination,
}

/// Reads a share in percent.
fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("is no number between 0 and 100".to_owned()),
    }
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let attempts = Arc::new(Histogram::default());
    let made_to_fail = Arc::default();
    let builder = builder(options, Arc::clone(&attempts), Arc::clone(&made_to_fail))?;
    let client = options.destination.client(builder)?;
    Destination::is_on(client.config(), Signal::Traces)?;
    let ends: Vec<Arc<Histogram>> = (0..options.threads).map(|_| Arc::default()).collect();
    let started = Instant::now();
    // Hidden where standard error is no terminal.
    let bar = ProgressBar::new_spinner();
    bar.set_style(
        ProgressStyle::with_template("{spinner} {elapsed} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let show = |elapsed| {
        let stats = client.stats(Signal::Traces);
        bar.tick();
        bar.set_message(outcome::live(&stats, elapsed, &Histogram::merged(&ends), &attempts));
    };
    let spans = produce(options, &client, &ends, started, &show)?;
    let producing = started.elapsed();
    let (report, _) = options.destination.close(&client, || show(producing));
    bar.finish_and_clear();
    let measured = Measured {
        spans,
        producing,
        total: started.elapsed(),
        ends: Histogram::merged(&ends).summary(),
        attempts: attempts.summary(),
        made_to_fail: made_to_fail.load(Ordering::Relaxed),
        report,
    };
    let printed = if options.json {
        writeln!(io::stdout(), "{:#}", measured.to_json())
    } else {
        write!(io::stdout(), "{}", measured.text())
    };
    let exit = if measured.is_balanced() { books::exit(&measured.report) } else { Exit::Failed };
    exit.though(printed)
}

fn builder(
    options: &Options,
    attempts: Arc<Histogram>,
    made_to_fail: Arc<AtomicU64>,
) -> Result<ClientBuilder, Trouble> {
    let mut builder = options
        .destination
        .builder()?
        .with_service_name("otlp-load")
        // Whatever OTEL_TRACES_SAMPLER says: what is not sampled is no load.
        .with_sampler(AlwaysOnSampler)
        // Outermost: what fails here takes no time, and is no attempt that a receiver has to do with.
        .with_attempt_layer(FailLayer::new(options.fail_attempts, made_to_fail))
        .with_attempt_layer(ObserveLayer::new(move |seen: &Observation<'_>| {
            if !seen.is_cancelled() {
                attempts.record(seen.latency);
            }
        }));
    if options.block {
        builder = builder.with_overflow_policy(options.destination.waiting());
    }
    Ok(builder)
}

/// Lets the threads make spans, and shows how it goes; how many spans were ended.
fn produce(
    options: &Options,
    client: &Client,
    ends: &[Arc<Histogram>],
    started: Instant,
    show: &impl Fn(Duration),
) -> Result<u64, Trouble> {
    let threads = ends.len();
    let duration = match (options.duration, options.count) {
        (None, None) => Some(Duration::from_secs(10)),
        (duration, _) => duration,
    };
    let (alive, ended) = mpsc::channel::<()>();
    let mut producers = Vec::new();
    for (thread, ends) in ends.iter().enumerate() {
        let job = Job {
            tracer: client.tracer("otlp load"),
            shape: options.shape.clone(),
            pace: options.rate.shared_by(threads),
            started,
            duration,
            count: options.count.map(|count| producer::share(count, thread, threads)),
            ends: Arc::clone(ends),
        };
        let alive = alive.clone();
        let producer = std::thread::Builder::new().name(format!("load-{thread}")).spawn(move || {
            let spans = job.run();
            drop(alive);
            spans
        });
        producers.push(producer.map_err(|error| Trouble::Failed(format!("no thread: {error}")))?);
    }
    drop(alive);
    while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
        show(started.elapsed());
    }
    let mut spans = 0;
    for producer in producers {
        spans += producer
            .join()
            .unwrap_or_else(|_| Err("a thread panicked".to_owned()))
            .map_err(Trouble::Failed)?;
    }
    Ok(spans)
}
