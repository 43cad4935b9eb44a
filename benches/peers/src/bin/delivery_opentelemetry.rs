//! The delivery program of opentelemetry with opentelemetry_sdk and opentelemetry-otlp: `with_batch_exporter` and all
//! defaults, `force_flush`, `shutdown`. It keeps no books that a caller could read.

use opentelemetry::Context;
use opentelemetry::trace::{Span, TracerProvider};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use otlp_peers::delivery::Order;
use otlp_peers::delivery::program::{Program, run};
use otlp_peers::sdk::start;
use otlp_peers::{Transport, work};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    run::<OpenTelemetry>()
}

struct OpenTelemetry {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Program for OpenTelemetry {
    fn build(order: &Order) -> Result<Self, String> {
        let exporter = match order.transport {
            Transport::Grpc => {
                SpanExporter::builder().with_tonic().with_endpoint(order.endpoint.as_str()).build()
            }
            Transport::Http => SpanExporter::builder()
                .with_http()
                .with_protocol(Protocol::HttpBinary)
                .with_endpoint(format!("{}/v1/traces", order.endpoint))
                .build(),
        };
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name("users").build())
            .with_batch_exporter(exporter.map_err(|error| error.to_string())?)
            .build();
        let tracer = provider.tracer(work::SCOPE);
        Ok(Self { provider, tracer })
    }

    fn span(&self, number: u64) -> Duration {
        let mut span = start(&self.tracer, &Context::new(), work::fixed(number), number);
        let started = Instant::now();
        span.end();
        started.elapsed()
    }

    fn flush(&self, _patience: Option<Duration>) -> Result<(), String> {
        self.provider.force_flush().map_err(|error| error.to_string())
    }

    fn shutdown(self, patience: Duration) -> (Result<(), String>, Option<u64>) {
        (self.provider.shutdown_with_timeout(patience).map_err(|error| error.to_string()), None)
    }
}
