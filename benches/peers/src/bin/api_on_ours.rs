//! The OpenTelemetry API on the providers of otlp-opentelemetry: the same calls as of the program `opentelemetry`, without the
//! SDK.
//!
//! Settings and end are those of the program `ours`; the client's queue blocks, so that nothing else paces the producer.

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry::trace::TracerProvider as _;
use otlp::{AlwaysOffSampler, Client, OverflowPolicy};
use otlp_opentelemetry::opentelemetry_0_33::{Logger, LoggerProvider, Tracer, TracerProvider};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::work::{self, Table};
use otlp_peers::{Mode, Order, Pace, Workload, sdk};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    run::<ApiOnOurs>()
}

const PATIENCE: Duration = Duration::from_secs(60);

struct ApiOnOurs {
    order: Order,
    table: Table,
    client: Client,
    tracer: Tracer,
    logger: Logger,
    /// Which holds nobody back.
    pace: Pace,
}

impl Contender for ApiOnOurs {
    fn build(order: &Order) -> Result<Self, Failure> {
        let builder = otlp_peers::client::builder(order);
        let client = match order.mode {
            Mode::Lossless => builder.with_overflow_policy(OverflowPolicy::Block { timeout: PATIENCE }),
            Mode::Burst => builder,
            Mode::Unsampled if order.workload == Workload::Logs => {
                return Err(Failure::cannot("log records are not sampled"));
            }
            Mode::Unsampled => builder.with_sampler(AlwaysOffSampler),
        }
        .build_blocking()?;
        let tracer = TracerProvider::new(&client).tracer(work::SCOPE);
        let logger = LoggerProvider::new(&client).logger(work::SCOPE);
        let (order, table, pace) = (order.clone(), Table::new(), Pace::new(None));
        Ok(Self { order, table, client, tracer, logger, pace })
    }

    fn make(&self, items: Range<u64>) {
        match self.order.workload {
            Workload::Fixed => sdk::traces(&self.tracer, items, work::fixed, &self.pace),
            Workload::Varied => {
                let strings = |number| self.table.strings(number).map(str::to_owned);
                sdk::traces(&self.tracer, items, strings, &self.pace);
            }
            Workload::Logs => sdk::logs(&self.logger, &self.table, items, &self.pace),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        let report = match self.client.shutdown_blocking(PATIENCE) {
            Ok(report) => report,
            Err(error) => match error.report() {
                Some(report) if self.order.mode == Mode::Burst => report.clone(),
                _ => return Err(error.into()),
            },
        };
        let made = if self.order.mode == Mode::Unsampled { 0 } else { self.order.items };
        if !report.is_balanced() || report.accepted() != made || report.pending() > 0 {
            return Err(Failure::new(format!("the books do not balance: {made} made, {report}")));
        }
        Ok(Some(report.accepted() - report.delivered()))
    }
}
