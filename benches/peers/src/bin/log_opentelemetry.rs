//! The macros of `log` with opentelemetry-appender-log, opentelemetry_sdk and opentelemetry-otlp, as their documentation sets
//! them up.
//!
//! Log records: the same macros as the contender `log_ours`. There are no spans.
//!
//! Settings of the bridge: none; a location is an experimental feature, which is off. Those of the SDK and the exporter, and how
//! the producer is held back: as of the contender `opentelemetry`. The logger is everybody's, as in an application.

use opentelemetry_appender_log::OpenTelemetryLogBridge;
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::sdk::Sdk;
use otlp_peers::theirs::Theirs;
use otlp_peers::work::Table;
use otlp_peers::{Order, logged};
use std::ops::Range;
use std::process::ExitCode;

fn main() -> ExitCode {
    run::<LogOpenTelemetry>()
}

struct LogOpenTelemetry {
    table: Table,
    sdk: Sdk<Theirs>,
}

impl Contender for LogOpenTelemetry {
    fn build(order: &Order) -> Result<Self, Failure> {
        let sdk = Sdk::<Theirs>::build(order)?;
        let Some(provider) = sdk.logger_provider() else {
            return Err(Failure::cannot("log records are compared here"));
        };
        logged::install(OpenTelemetryLogBridge::new(provider))?;
        Ok(Self { table: Table::new(), sdk })
    }

    fn make(&self, items: Range<u64>) {
        logged::records(items, &self.table, |items| self.sdk.made(items));
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        self.sdk.finish()
    }
}
