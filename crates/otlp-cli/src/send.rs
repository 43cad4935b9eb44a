//! `otlp send`: OTLP from files through the real client, with its retries and its books.
//!
//! Every item keeps the resource and scope it came with. What the exit code says is what became of each item.

mod reading;

use crate::books;
use crate::destination::{Destination, TICK};
use crate::exit::{Exit, Trouble};
use crate::input::{self, Input, Request, Requests};
use crate::output::counted;
use crate::pace::{self, Pace};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use otlp::{Client, InstrumentationScope, Limits, Resource, Stats};
use otlp_model::{DecodeError, Signal, view};
use reading::Reading;
use serde_json::Value;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// Send OTLP from files or standard input.
///
/// Takes every form that `otlp decode` takes: OTLP/JSON, lines of it, protobuf, gRPC frames, gzip and zstd. Items go through the
/// client of the library, with its batches and retries, and keep their resource and scope. At the end it says what became of
/// each: the exit code is 0 if all were delivered, 1 if any was rejected or lost.
#[derive(Args)]
#[command(after_help = "Examples:
  otlp send spans.jsonl
  otlp send --endpoint http://collector:4318 --compression gzip --rate 5000 dump/*.json.gz
  tail -f spans.jsonl | otlp send -")]
pub(crate) struct Options {
    /// What to send; `-` is standard input.
    #[arg(required = true, value_parser = input::path, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The most items (spans, data points, log records) per second; `max` is as fast as they are taken.
    #[arg(long, value_parser = pace::parse, default_value = "max", value_name = "ITEMS")]
    rate: Pace,

    /// Print the report as one JSON document.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    destination: Destination,

    #[command(flatten)]
    input: Input,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let destination = &options.destination;
    let builder = destination
        .builder()?
        // Others have applied theirs.
        .with_limits(Limits::UNLIMITED)
        .with_overflow_policy(destination.waiting());
    let client = destination.client(builder)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| Trouble::Failed(format!("no runtime: {error}")))?;

    let mut sending = Sending::new(&client, options.rate);
    // Also what came before a file that is no good is sent and accounted for.
    runtime.block_on(sending.files(options));
    let (report, lost) = destination.close(&client, || sending.show());
    sending.bar.finish_and_clear();
    let printed = if options.json {
        let mut books = books::to_json(&report);
        books.insert("unsendable".to_owned(), sending.unsendable.into());
        writeln!(io::stdout(), "{:#}", Value::Object(books))
    } else {
        write!(io::stdout(), "{}", books::text(&report))
    };
    match (sending.exit, lost) {
        (Some(exit), _) => exit.though(printed),
        (None, Some(lost)) if report.accepted() == 0 => Err(Trouble::Failed(lost)),
        _ => books::exit(&report).though(printed),
    }
}

struct Sending<'a> {
    client: &'a Client,
    pace: Pace,
    started: Instant,
    items: u64,
    /// Data points of metrics that are none: without a kind, or without the temporality that theirs needs.
    unsendable: u64,
    /// How errors call the file that is read.
    name: String,
    /// What the first error means for the exit code; it has been told.
    exit: Option<Exit>,
    /// Whether it has been told why an item did not get into the queue. The books count the others.
    has_told_why: bool,
    bar: ProgressBar,
}

impl<'a> Sending<'a> {
    fn new(client: &'a Client, pace: Pace) -> Self {
        // Hidden where standard error is no terminal.
        let bar = ProgressBar::no_length();
        let (started, name) = (Instant::now(), String::new());
        Self { client, pace, started, items: 0, unsendable: 0, name, exit: None, has_told_why: false, bar }
    }

    /// Reads one after the other. One that is no good keeps nobody from the next.
    async fn files(&mut self, options: &Options) {
        let length = options.files.iter().map(|file| reading::length(file)).sum::<Option<u64>>();
        // Before the length, with which it is drawn.
        self.bar.set_style(style(match length {
            Some(_) => "{bar:40} {percent}% {msg}",
            None => "{spinner} {msg}",
        }));
        if let Some(length) = length {
            self.bar.set_length(length);
        }
        self.bar.enable_steady_tick(TICK);
        for file in &options.files {
            self.name = input::name(file);
            match self.file(file, options.input.signal).await {
                Ok(()) => {}
                Err(trouble @ Trouble::Usage(_)) => {
                    // It would be the same with the next.
                    self.tell(trouble);
                    break;
                }
                Err(trouble) => self.tell(trouble),
            }
        }
        match self.unsendable {
            0 => {}
            points => self.tell(Trouble::Failed(format!(
                "{} not sent: metrics need a kind, sums and histograms a temporality",
                counted(points, "data point")
            ))),
        }
    }

    async fn file(&mut self, file: &Path, signal: Option<Signal>) -> Result<(), Trouble> {
        let reading = Reading::new(input::file(file)?, self.bar.clone());
        for request in Requests::read(self.name.clone(), reading, signal)? {
            let request = request?;
            Destination::is_on(self.client.config(), request.signal)?;
            self.request(&request)
                .await
                .map_err(|error| Trouble::Failed(format!("{}: {}: {error}", self.name, request.signal)))?;
        }
        Ok(())
    }

    /// Tells it where the bar is.
    fn tell(&mut self, trouble: Trouble) {
        let exit = self.bar.suspend(|| Exit::because(trouble));
        self.exit.get_or_insert(exit);
    }

    /// Gives the items of a request to the client, each in its time.
    async fn request(&mut self, request: &Request) -> Result<(), DecodeError> {
        match request.signal {
            Signal::Metrics => {
                for group in view::metrics(&request.protobuf).resources() {
                    let group = group?;
                    let resource = group.to_resource()?;
                    for scope in group.scopes() {
                        let scope = scope?;
                        let at = (&resource, &scope.to_scope()?);
                        for metric in scope.items() {
                            let metric = metric?;
                            let points = metric.data_point_count()?;
                            let Some(metric) = metric.to_metric()? else {
                                self.unsendable += points;
                                continue;
                            };
                            self.item(at, points, |client, (resource, scope)| {
                                client.export_metrics_from(resource, scope, [metric])
                            })
                            .await;
                        }
                    }
                }
            }
            Signal::Logs => {
                for group in view::logs(&request.protobuf).resources() {
                    let group = group?;
                    let resource = group.to_resource()?;
                    for scope in group.scopes() {
                        let scope = scope?;
                        let at = (&resource, &scope.to_scope()?);
                        for record in scope.items() {
                            let record = record?.to_log_record()?;
                            self.item(at, 1, |client, (resource, scope)| {
                                client.export_logs_from(resource, scope, [record])
                            })
                            .await;
                        }
                    }
                }
            }
            _ => {
                for group in view::traces(&request.protobuf).resources() {
                    let group = group?;
                    let resource = group.to_resource()?;
                    for scope in group.scopes() {
                        let scope = scope?;
                        let at = (&resource, &scope.to_scope()?);
                        for span in scope.items() {
                            let span = span?.to_span_data()?;
                            self.item(at, 1, |client, (resource, scope)| {
                                client.export_traces_from(resource, scope, [span])
                            })
                            .await;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits until the item is due, and queues it. What does not get into the queue is in the books.
    async fn item(
        &mut self,
        at: (&Resource, &InstrumentationScope),
        items: u64,
        export: impl FnOnce(&Client, (&Resource, &InstrumentationScope)) -> Result<u64, otlp::Error>,
    ) {
        let due = self.pace.due(self.items);
        if self.pace != Pace::UNLIMITED && due > self.started.elapsed() {
            tokio::time::sleep_until(self.started + due).await;
        }
        if let Err(error) = export(self.client, at)
            && !self.has_told_why
        {
            self.has_told_why = true;
            self.tell(Trouble::Failed(format!("{}: {error}", self.name)));
        }
        self.items += items;
        if self.items.is_multiple_of(256) || self.pace != Pace::UNLIMITED {
            self.show();
        }
    }

    /// How it goes, in one line.
    fn show(&self) {
        let stats: Vec<Stats> = Signal::ALL.into_iter().map(|signal| self.client.stats(signal)).collect();
        let sum = |figure: fn(&Stats) -> u64| stats.iter().map(figure).sum::<u64>();
        let (delivered, pending) = (sum(|stats| stats.delivered), sum(Stats::pending));
        let lost = sum(|stats| stats.rejected + stats.dropped.total());
        let items = self.items;
        self.bar.set_message(format!("{items} read, {delivered} delivered, {lost} lost, {pending} pending"));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SPANS: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"},
        {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203332"}]}]}]}"#;
    const METRICS: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"a","gauge":{"dataPoints":[{"asInt":"1"},{"asInt":"2"},{"asInt":"3"}]}}]}]}]}"#;
    const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{},{}]}]}]}"#;

    /// How long requests take at a rate, on a clock that only waiting moves.
    fn took(rate: &str, requests: &[&'static str]) -> Duration {
        let client = Client::builder().with_disabled(true).build_blocking().unwrap();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut sending = Sending::new(&client, pace::parse(rate).unwrap());
            for text in requests {
                for request in Requests::read("it".to_owned(), text.as_bytes(), None).unwrap() {
                    sending.request(&request.unwrap()).await.unwrap();
                }
            }
            sending.started.elapsed()
        })
    }

    #[test]
    fn items_of_every_signal_are_sent_at_the_rate() {
        // Each but the first has to wait for those before it; data points count, not metrics.
        for (requests, due) in [
            (&[SPANS, SPANS][..], 3_000),
            (&[LOGS, LOGS], 3_000),
            (&[METRICS, LOGS], 4_000),
            (&[LOGS, METRICS, SPANS], 6_000),
        ] {
            let took = took("1", requests).as_millis();
            // The clock of timers has milliseconds.
            assert!((due..=due + 1).contains(&took), "{requests:?} took {took} ms");
        }
        assert_eq!(took("max", &[SPANS, METRICS, LOGS]), Duration::ZERO);
    }
}
