//! `tracing` with the layer of this repository.
//!
//! Spans: `info_span!` with `parent: None` for the root and `parent: &root` for its children, all attributes as fields,
//! `otel.kind` among them; `in_scope`, in which `info!` tells the event; the span closes when its handle is dropped. There are
//! no log records.
//!
//! Settings of the layer, the same as of tracing-opentelemetry's: no location, thread, level, target or inactivity; events
//! on spans; contexts are activated. Those of the client: as of the contender `ours`. The subscriber is everybody's, as in
//! an application.

use otlp::{
    AlwaysOffSampler, Client, Compression, DeliveryReport, Error, OverflowPolicy, Protocol, Resource,
};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::traced::traces;
use otlp_peers::work::{self, Table};
use otlp_peers::{Mode, Order, Transport, Workload};
use otlp_tracing::OtlpLayer;
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;

fn main() -> ExitCode {
    run::<TracingOurs>()
}

struct TracingOurs {
    order: Order,
    table: Table,
    client: Client,
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Contender for TracingOurs {
    fn build(order: &Order) -> Result<Self, Failure> {
        if order.workload == Workload::Logs {
            return Err(Failure::cannot("spans are compared here, and their events"));
        }
        let resource =
            work::RESOURCE.into_iter().fold(Resource::new(), |all, (key, value)| all.with(key, value));
        let builder = Client::builder()
            .with_endpoint(format!("http://{}", order.sink))
            .with_resource(resource)
            .with_protocol(match order.transport {
                Transport::Grpc => Protocol::Grpc,
                Transport::Http => Protocol::Http,
            })
            .with_compression(match order.compression {
                otlp_peers::Compression::None => Compression::None,
                otlp_peers::Compression::Gzip => Compression::Gzip,
                otlp_peers::Compression::Zstd => Compression::Zstd,
            });
        let builder = match order.mode {
            Mode::Lossless => builder.with_overflow_policy(OverflowPolicy::Block { timeout: PATIENCE }),
            Mode::Burst => builder,
            Mode::Unsampled => builder.with_sampler(AlwaysOffSampler),
        };
        let client = builder.build_blocking()?;
        let layer = OtlpLayer::new(client.tracer(work::SCOPE))
            .with_location(false)
            .with_threads(false)
            .with_target(false);
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
        let report = match self.client.shutdown_blocking(PATIENCE) {
            Ok(report) => report,
            Err(error) => self.tolerate(error)?,
        };
        let made = if self.order.mode == Mode::Unsampled { 0 } else { self.order.items };
        if !report.is_balanced() || report.accepted() != made || report.pending() > 0 {
            return Err(Failure::new(format!("the books do not balance: {made} made, {report}")));
        }
        Ok(Some(report.accepted() - report.delivered()))
    }
}

impl TracingOurs {
    /// A burst may lose, and then the report comes as an error.
    fn tolerate(&self, error: Error) -> Result<DeliveryReport, Failure> {
        match error.report() {
            Some(report) if self.order.mode == Mode::Burst => Ok(report.clone()),
            _ => Err(error.into()),
        }
    }
}
