//! The delivery program of this repository's client: the defaults, `flush_blocking`, `shutdown_blocking`.

use otlp::{Client, SpanKind, TraceContext, Tracer};
use otlp_peers::client::{fill, protocol};
use otlp_peers::delivery::Order;
use otlp_peers::delivery::program::{Program, run};
use otlp_peers::work;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    run::<Ours>()
}

struct Ours {
    client: Client,
    tracer: Tracer,
}

impl Program for Ours {
    fn build(order: &Order) -> Result<Self, String> {
        let builder = Client::builder()
            .with_endpoint(order.endpoint.as_str())
            .with_service_name("users")
            .with_protocol(protocol(order.transport));
        let client = builder.build_blocking().map_err(|error| error.to_string())?;
        let tracer = client.tracer(work::SCOPE);
        Ok(Self { client, tracer })
    }

    fn span(&self, number: u64) -> Duration {
        let mut span = self.tracer.start_with_context(work::NAME, SpanKind::Server, &TraceContext::default());
        fill(&mut span, work::fixed(number), number);
        let started = Instant::now();
        span.end();
        started.elapsed()
    }

    fn flush(&self, patience: Option<Duration>) -> Result<(), String> {
        let result = match patience {
            None => self.client.flush_blocking(),
            Some(patience) => self.client.flush_within_blocking(patience),
        };
        result.map(drop).map_err(|error| error.to_string())
    }

    fn shutdown(self, patience: Duration) -> (Result<(), String>, Option<u64>) {
        let result = self.client.shutdown_blocking(patience);
        let report = match &result {
            Ok(report) => Some(report),
            Err(error) => error.report(),
        };
        // Books that do not balance are none.
        let report = report.filter(|report| report.is_balanced() && report.pending() == 0);
        let lost = report.map(|report| report.accepted() - report.delivered());
        (result.map(drop).map_err(|error| error.to_string()), lost)
    }
}
