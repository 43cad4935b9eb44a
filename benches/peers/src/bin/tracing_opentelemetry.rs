//! `tracing` with tracing-opentelemetry, opentelemetry_sdk and opentelemetry-otlp, as their documentation sets them up.
//!
//! Spans: the same macros as the contender `tracing_ours`. There are no log records.
//!
//! Settings of the layer: location, threads, target and inactivity if ordered, which are its defaults; contexts are activated, which
//! is one, too. Those of the
//! SDK and the exporter, and how the producer is held back: as of the contender `opentelemetry`. The subscriber is everybody's,
//! as in an application.

use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::sdk::Sdk;
use otlp_peers::theirs::Theirs;
use otlp_peers::traced::traces;
use otlp_peers::work::{self, Table};
use otlp_peers::{Order, Workload};
use std::ops::Range;
use std::process::ExitCode;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

fn main() -> ExitCode {
    run::<TracingOpenTelemetry>()
}

struct TracingOpenTelemetry {
    workload: Workload,
    table: Table,
    sdk: Sdk<Theirs>,
}

impl Contender for TracingOpenTelemetry {
    const IS_LAYER: bool = true;

    fn build(order: &Order) -> Result<Self, Failure> {
        let sdk = Sdk::<Theirs>::build(order)?;
        let Some(tracer) = sdk.tracer() else {
            return Err(Failure::cannot("spans are compared here, and their events"));
        };
        let full = order.workload == Workload::Full;
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(full)
            .with_threads(full)
            .with_target(full)
            .with_tracked_inactivity(full);
        // Without a filter the exporter's HTTP library would make spans of its own, and so on.
        let own = filter_fn(|metadata| metadata.target().starts_with("otlp_peers"));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(own)))?;
        Ok(Self { workload: order.workload, table: Table::new(), sdk })
    }

    fn make(&self, items: Range<u64>) {
        let made = |items| self.sdk.made(items);
        match self.workload {
            Workload::Varied => traces(items, |number| self.table.strings(number), made),
            _ => traces(items, work::fixed, made),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        self.sdk.finish()
    }
}
