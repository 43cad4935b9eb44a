//! Runs a program: a client, its receiver behind a broken network, and the books of what was offered.
//!
//! Every item has a number of its own, and everything in it follows from the number, so that the receiver's copy can be
//! held against it to the last letter.

use super::program::{Program, Step};
use crate::support::{PATIENCE, insistent, retry_soon};
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use otlp::{
    AnyValue, BatchConfig, BatchStrategy, Client, DeliveryReport, Error, Gauge, InstrumentationScope,
    LogRecord, Metric, NumberDataPoint, RetryConfig, Signal,
};
use otlp_testkit::{Claim, Collector, FaultProxy, Ledger, Received};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const FLUSH: Duration = Duration::from_millis(20);

pub(super) struct World {
    collector: Collector,
    network: FaultProxy,
    client: Client,
    scope: InstrumentationScope,
    numbers: AtomicU64,
    /// What was offered, by signal in the order of [`Signal::ALL`], each item in all its words.
    ledgers: [Mutex<Ledger<String>>; 3],
    told: Mutex<Vec<Told>>,
}

/// What a flush or shutdown said.
pub(super) struct Told {
    pub(super) failed: bool,
    pub(super) report: DeliveryReport,
}

impl World {
    pub(super) fn new(program: &Program) -> Self {
        let collector = Collector::builder().reply(program.script()).start_blocking().unwrap();
        let endpoint = match program.protocol {
            otlp::Protocol::Grpc => collector.grpc_endpoint(),
            _ => collector.http_endpoint(),
        };
        let network = FaultProxy::to(endpoint).script(program.network()).start_blocking().unwrap();
        let batches = BatchConfig {
            max_batch_size: 16,
            batch_timeout: Duration::from_millis(2),
            max_queue_size: program.queue,
            strategy: BatchStrategy::Hybrid,
        };
        let retry = RetryConfig { max_attempts: 3, ..retry_soon() };
        let client = insistent(network.endpoint())
            .with_protocol(program.protocol)
            .with_compression(program.compression)
            .with_overflow_policy(program.overflow)
            .with_batch_config(batches)
            .with_retry_config(retry)
            .with_request_timeout(Duration::from_millis(20))
            .with_max_in_flight(2)
            .build_blocking()
            .unwrap();
        let (scope, numbers) = (InstrumentationScope::new("law"), AtomicU64::new(1));
        Self {
            collector,
            network,
            client,
            scope,
            numbers,
            ledgers: Default::default(),
            told: Mutex::default(),
        }
    }

    /// Runs all threads to their end, then shuts down for good.
    pub(super) fn run(&self, program: &Program) {
        std::thread::scope(|scope| {
            for steps in &program.threads {
                scope.spawn(|| steps.iter().for_each(|step| self.take(step)));
            }
        });
        self.hear(self.client.shutdown_blocking(Duration::from_millis(program.patience)));
        // On a busy machine the client's thread may not have kept the deadline of the first.
        self.hear(self.client.shutdown_blocking(PATIENCE));
    }

    fn take(&self, step: &Step) {
        match *step {
            Step::Spans(count) => (0..count).for_each(|_| self.span()),
            Step::Logs(count) => {
                let record = |number: i64| LogRecord {
                    body: Some(AnyValue::from(log_body(number))),
                    observed_time_unix_nano: 7,
                    ..LogRecord::default()
                };
                let records: Vec<_> = (0..count)
                    .map(|_| {
                        let number = self.number();
                        self.offer(Signal::Logs, log_body(number));
                        record(number)
                    })
                    .collect();
                // What is not queued is in the books.
                drop(self.client.export_logs(&self.scope, records));
            }
            Step::Points(count) => {
                let data_points = (0..count).map(|_| {
                    let number = self.number();
                    self.offer(Signal::Metrics, point(number as u64, number));
                    NumberDataPoint::new(0, number as u64, number)
                });
                let gauge = Gauge { data_points: data_points.collect() };
                drop(self.client.export_metrics(&self.scope, [Metric::new("gauge", gauge)]));
            }
            Step::Flush => self.hear(self.client.flush_within_blocking(FLUSH)),
            Step::Yield => std::thread::yield_now(),
            Step::Shutdown(patience) => {
                self.hear(self.client.shutdown_blocking(Duration::from_millis(patience)));
            }
            Step::Kill => self.collector.kill_blocking().unwrap(),
            Step::Restart => self.collector.restart_blocking().unwrap(),
            Step::Cut(how) => self.network.cut(how),
        }
        for signal in Signal::ALL {
            assert!(self.client.stats(signal).is_balanced(), "a snapshot does not balance");
        }
    }

    fn span(&self) {
        let number = self.number();
        let mut span = self.client.tracer("law").start(span_name(number));
        self.offer(Signal::Traces, span_words(&span.context().span_id().to_bytes(), number));
        span.set_attribute("number", number).end();
    }

    fn number(&self) -> i64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) as i64
    }

    fn offer(&self, signal: Signal, words: String) {
        self.ledger(signal).lock().unwrap().offered(words);
    }

    fn ledger(&self, signal: Signal) -> &Mutex<Ledger<String>> {
        let at = Signal::ALL.iter().position(|other| *other == signal).unwrap();
        &self.ledgers[at]
    }

    fn hear(&self, said: Result<DeliveryReport, Error>) {
        let failed = said.is_err();
        let report = said.unwrap_or_else(|error| error.report().expect("the books").clone());
        self.told.lock().unwrap().push(Told { failed, report });
    }

    /// Everything that was said, in no certain order but for the last.
    pub(super) fn told(&self) -> std::sync::MutexGuard<'_, Vec<Told>> {
        self.told.lock().unwrap()
    }

    /// Holds the client's account of a signal against what the receiver has; the number of duplicates, or what is wrong.
    pub(super) fn check(&self, signal: Signal, report: &DeliveryReport) -> Result<u64, String> {
        let total = report.signal(signal).total;
        let claim = Claim {
            accepted: total.accepted,
            delivered: total.delivered,
            rejected: total.rejected,
            dropped: total.dropped.total(),
            pending: total.pending(),
        };
        let received = words(signal, &self.collector.received());
        let checked = self.ledger(signal).lock().unwrap().check_ids(claim, received);
        checked.map(|balance| balance.duplicates).map_err(|imbalance| format!("{signal}: {imbalance}"))
    }
}

fn span_name(number: i64) -> String {
    format!("span {number}")
}

fn span_words(id: &[u8], number: i64) -> String {
    format!("{} {id:?} number={number}", span_name(number))
}

fn log_body(number: i64) -> String {
    format!("log {number}")
}

fn point(time: u64, value: i64) -> String {
    format!("{value} at {time}")
}

/// Every item that arrived, in all its words; one that is not as it was made has words that nobody offered.
fn words(signal: Signal, received: &Received) -> Vec<String> {
    let integer = |value: Option<&any_value::Value>| match value {
        Some(any_value::Value::IntValue(value)) => *value,
        _ => -1,
    };
    match signal {
        Signal::Traces => {
            let words = |span: &otlp_testkit::ReceivedSpan| {
                let number = integer(span.attribute("number").and_then(|attribute| attribute.value.as_ref()));
                format!("{} {:?} number={number}", span.span.name, &span.span.span_id[..])
            };
            received.spans().iter().map(words).collect()
        }
        Signal::Logs => {
            let words = |log: otlp_testkit::ReceivedLog| match log.record.body.and_then(|body| body.value) {
                Some(any_value::Value::StringValue(text)) => text,
                other => format!("{other:?}"),
            };
            received.logs().into_iter().map(words).collect()
        }
        _ => received
            .metrics()
            .into_iter()
            .flat_map(|metric| match metric.metric.data {
                Some(metric::Data::Gauge(gauge)) => gauge.data_points,
                _ => Vec::new(),
            })
            .map(|data_point| match data_point.value {
                Some(number_data_point::Value::AsInt(value)) => point(data_point.time_unix_nano, value),
                other => format!("{other:?}"),
            })
            .collect(),
    }
}
