//! The OpenTelemetry SDK with the exporters of otlp-opentelemetry in place of opentelemetry-otlp's: one line is different.
//!
//! Calls, processors, settings, pace and end are those of the program `opentelemetry`, by the same code. After the provider's
//! shutdown the client's books must balance.

use otlp::{Client, DeliveryReport};
use otlp_opentelemetry::opentelemetry_0_33::{LogExporter, SpanExporter};
use otlp_peers::contender::{Failure, run};
use otlp_peers::sdk::{Exporters, Sdk};
use otlp_peers::{Mode, Order};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    run::<Sdk<Ours>>()
}

struct Ours(Client);

impl Exporters for Ours {
    type Spans = SpanExporter;
    type Logs = LogExporter;

    fn new(order: &Order) -> Result<Self, Failure> {
        Ok(Self(otlp_peers::client::builder(order).build_blocking()?))
    }

    fn spans(&self) -> Result<SpanExporter, Failure> {
        Ok(SpanExporter::new(&self.0))
    }

    fn logs(&self) -> Result<LogExporter, Failure> {
        Ok(LogExporter::new(&self.0))
    }

    /// What the SDK's queue lost, the client never saw.
    fn finish(self, order: &Order) -> Result<Option<u64>, Failure> {
        let report: DeliveryReport = self.0.shutdown_blocking(Duration::from_secs(60))?;
        let whole = order.mode != Mode::Lossless || report.delivered() == order.items;
        if !report.is_balanced() || !whole {
            return Err(Failure::new(format!("the books do not balance: {report}")));
        }
        Ok(None)
    }
}
