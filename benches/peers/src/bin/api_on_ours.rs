//! The OpenTelemetry API on the providers of otlp-opentelemetry: the same calls as of the program `opentelemetry`, without the
//! SDK.
//!
//! Settings and end are those of the program `ours`; the client's queue blocks, so that nothing else paces the producer.

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry::trace::TracerProvider as _;
use otlp::Client;
use otlp_opentelemetry::opentelemetry_0_33::{Logger, LoggerProvider, Tracer, TracerProvider};
use otlp_peers::client;
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::work::{self, Table};
use otlp_peers::{Order, Pace, Workload, sdk};
use std::ops::Range;
use std::process::ExitCode;

fn main() -> ExitCode {
    run::<ApiOnOurs>()
}

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
        let client = client::build(order)?;
        let tracer = TracerProvider::new(&client).tracer(work::SCOPE);
        let logger = LoggerProvider::new(&client).logger(work::SCOPE);
        let (order, table, pace) = (order.clone(), Table::new(), Pace::new(None));
        Ok(Self { order, table, client, tracer, logger, pace })
    }

    fn make(&self, items: Range<u64>) {
        match self.order.workload {
            Workload::Fixed | Workload::Full => sdk::traces(&self.tracer, items, work::fixed, &self.pace),
            Workload::Varied => {
                let strings = |number| self.table.strings(number).map(str::to_owned);
                sdk::traces(&self.tracer, items, strings, &self.pace);
            }
            Workload::Logs => sdk::logs(&self.logger, &self.table, items, &self.pace),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        client::finish(&self.client, &self.order)
    }
}
