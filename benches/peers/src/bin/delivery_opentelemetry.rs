//! The delivery program of opentelemetry with opentelemetry_sdk and opentelemetry-otlp: `with_batch_exporter` and all
//! defaults, `force_flush`, `shutdown`. It keeps no books that a caller could read.

use opentelemetry::trace::{Span, SpanKind, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use otlp_peers::delivery::Order;
use otlp_peers::delivery::program::{Program, run};
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
        let [method, route, address, role] = work::fixed(number);
        let mut span = self
            .tracer
            .span_builder(work::NAME)
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new(work::METHOD, method),
                KeyValue::new(work::STATUS, 200),
                KeyValue::new(work::ROUTE, route),
                KeyValue::new(work::ADDRESS, address),
                KeyValue::new(work::USER, number as i64),
                KeyValue::new(work::PORT, 8080),
                KeyValue::new(work::HIT, true),
                KeyValue::new(work::SHARE, 0.25),
            ])
            .start_with_context(&self.tracer, &Context::new());
        span.add_event(work::EVENT, vec![KeyValue::new(work::ROLE, role)]);
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
