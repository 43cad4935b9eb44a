//! `tracing` with the layer of this repository.
//!
//! Spans: `info_span!` with `parent: None` for the root and `parent: &root` for its children, all attributes as fields,
//! `otel.kind` among them; `in_scope`, in which `info!` tells the event; the span closes when its handle is dropped. There are
//! no log records.
//!
//! Settings of the layer, the same as of tracing-opentelemetry's: location, thread, target and inactivity if ordered, and no
//! level; events on spans; contexts are activated. Those of the client: as of the contender `ours`. The subscriber is everybody's, as in
//! an application.

use otlp::Client;
use otlp_peers::client;
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::traced::traces;
use otlp_peers::work::{self, Table};
use otlp_peers::{Order, Workload};
use otlp_tracing::OtlpLayer;
use std::ops::Range;
use std::process::ExitCode;
use tracing_subscriber::layer::SubscriberExt;

fn main() -> ExitCode {
    run::<TracingOurs>()
}

struct TracingOurs {
    order: Order,
    table: Table,
    client: Client,
}

impl Contender for TracingOurs {
    const IS_LAYER: bool = true;

    fn build(order: &Order) -> Result<Self, Failure> {
        if order.workload == Workload::Logs {
            return Err(Failure::cannot("spans are compared here, and their events"));
        }
        let client = client::build(order)?;
        let full = order.workload == Workload::Full;
        let layer = OtlpLayer::new(client.tracer(work::SCOPE))
            .with_location(full)
            .with_threads(full)
            .with_target(full)
            .with_tracked_inactivity(full);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer))?;
        Ok(Self { order: order.clone(), table: Table::new(), client })
    }

    fn make(&self, items: Range<u64>) {
        match self.order.workload {
            Workload::Varied => traces(items, |number| self.table.strings(number), |_| {}),
            _ => traces(items, work::fixed, |_| {}),
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        client::finish(&self.client, &self.order)
    }
}
