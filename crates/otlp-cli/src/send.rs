//! `otlp send`: OTLP from files through the real client, with its retries and its books.
//!
//! Every item keeps the resource and scope it came with. What the exit code says is what became of each item.

mod reading;

use crate::books;
use crate::destination::Destination;
use crate::exit::{Exit, Trouble};
use crate::input::{self, Input, Request, Requests};
use crate::pace::{self, Pace};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use otlp::{Client, InstrumentationScope, Limits, Resource};
use otlp_model::{DecodeError, Signal, view};
use reading::Reading;
use serde_json::Value;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;
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

    // Also what came before a file that is no good is sent and accounted for.
    let sent = runtime.block_on(Sending::new(&client, options.rate).files(options));
    let (report, lost) = destination.close(&client);
    let printed = if options.json {
        writeln!(io::stdout(), "{:#}", Value::Object(books::to_json(&report)))
    } else {
        write!(io::stdout(), "{}", books::text(&report))
    };
    sent?;
    match lost {
        Some(lost) if report.accepted() == 0 => Err(Trouble::Failed(lost)),
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
    bar: ProgressBar,
}

impl<'a> Sending<'a> {
    fn new(client: &'a Client, pace: Pace) -> Self {
        // Hidden where standard error is no terminal.
        Self { client, pace, started: Instant::now(), items: 0, unsendable: 0, bar: ProgressBar::no_length() }
    }

    async fn files(mut self, options: &Options) -> Result<(), Trouble> {
        let lengths = options.files.iter().map(|file| reading::length(file));
        if let Some(length) = lengths.sum::<Option<u64>>() {
            self.bar.set_length(length);
            self.bar.set_style(style("{bar:40} {percent}% {msg}"));
        } else {
            self.bar.set_style(style("{spinner} {msg}"));
        }
        self.bar.enable_steady_tick(Duration::from_millis(200));
        for file in &options.files {
            let reading = Reading::new(input::file(file)?, self.bar.clone());
            let name = input::name(file);
            for request in Requests::read(name.clone(), reading, options.input.signal)? {
                let request = request?;
                Destination::is_on(self.client.config(), request.signal)?;
                self.request(&request)
                    .await
                    .map_err(|error| Trouble::Failed(format!("{name}: {}: {error}", request.signal)))?;
            }
        }
        self.bar.finish_and_clear();
        match self.unsendable {
            0 => Ok(()),
            points => Err(Trouble::Failed(format!(
                "{points} data points were not sent: their metrics have no kind, or no temporality"
            ))),
        }
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
        let _ = export(self.client, at);
        self.items += items;
        if self.items.is_multiple_of(256) || self.pace != Pace::UNLIMITED {
            self.bar.set_message(self.line());
        }
    }

    fn line(&self) -> String {
        let sum = |figure: fn(&otlp::Stats) -> u64| {
            Signal::ALL.into_iter().map(|signal| figure(&self.client.stats(signal))).sum::<u64>()
        };
        let (delivered, dropped) = (sum(|stats| stats.delivered), sum(|stats| stats.dropped.total()));
        format!("{} read, {delivered} delivered, {dropped} lost", self.items)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

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
