//! opentelemetry, opentelemetry_sdk and opentelemetry-otlp, as their documentation sets them up.
//!
//! Spans: `span_builder` with its kind and all attributes given at the start (that is cheaper than setting them one by one,
//! and samplers see them), `add_event`, `end`; children start with a `Context` that holds the root. Fixed strings are static
//! and not copied; strings that vary are `String`s, since attributes have to be owned. Log records: `create_log_record`,
//! `set_severity_number`, `set_severity_text`, `set_body`, `add_attribute`, `emit`.
//!
//! Settings: `with_batch_exporter`, so the batch processor with its defaults (a queue of 2,048, batches of 512, one export
//! at a time). gRPC by tonic, on a tokio runtime of several threads as `#[tokio::main]` makes it; HTTP with the blocking
//! client of reqwest, which is the default. Sampler: `ParentBased(AlwaysOn)`, the default. Features that only log about the
//! SDK itself are off.
//! Lossless: the exporter is wrapped to count what has left, and the producer waits while three quarters of the queue
//! are under way; the SDK itself has no back-pressure. Burst: nothing of that. Unsampled: `AlwaysOff`, all calls as if sampled.
//! Compression: the default levels. The end is `shutdown` of the provider, which exports what waits; its answer is checked.
//! The SDK tells its losses to its log only, not to its caller.

use opentelemetry_otlp::{WithExportConfig, WithHttpConfig, WithTonicConfig};
use otlp_peers::contender::{Failure, run};
use otlp_peers::sdk::{Exporters, Sdk};
use otlp_peers::{Compression, Order, Transport};
use std::process::ExitCode;

fn main() -> ExitCode {
    run::<Sdk<Theirs>>()
}

fn compression(order: &Order) -> Option<opentelemetry_otlp::Compression> {
    match order.compression {
        Compression::None => None,
        Compression::Gzip => Some(opentelemetry_otlp::Compression::Gzip),
        Compression::Zstd => Some(opentelemetry_otlp::Compression::Zstd),
    }
}

/// The two exporters have builders of the same shape and of different types.
macro_rules! exporter {
    ($exporter:ty, $order:expr, $path:literal) => {{
        let (order, compression) = ($order, compression($order));
        match order.transport {
            Transport::Grpc => {
                let mut builder =
                    <$exporter>::builder().with_tonic().with_endpoint(format!("http://{}", order.sink));
                if let Some(compression) = compression {
                    builder = WithTonicConfig::with_compression(builder, compression);
                }
                builder.build()?
            }
            Transport::Http => {
                let mut builder = <$exporter>::builder()
                    .with_http()
                    .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                    .with_endpoint(format!(concat!("http://{}", $path), order.sink));
                if let Some(compression) = compression {
                    builder = WithHttpConfig::with_compression(builder, compression);
                }
                builder.build()?
            }
        }
    }};
}

struct Theirs(Order);

impl Exporters for Theirs {
    type Spans = opentelemetry_otlp::SpanExporter;
    type Logs = opentelemetry_otlp::LogExporter;

    fn new(order: &Order) -> Result<Self, Failure> {
        Ok(Self(order.clone()))
    }

    fn spans(&self) -> Result<Self::Spans, Failure> {
        Ok(exporter!(opentelemetry_otlp::SpanExporter, &self.0, "/v1/traces"))
    }

    fn logs(&self) -> Result<Self::Logs, Failure> {
        Ok(exporter!(opentelemetry_otlp::LogExporter, &self.0, "/v1/logs"))
    }

    fn finish(self, _order: &Order) -> Result<Option<u64>, Failure> {
        Ok(None)
    }
}
