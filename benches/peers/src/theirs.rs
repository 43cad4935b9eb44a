//! The exporters of opentelemetry-otlp, as every program here sets them up that uses them: with their defaults.

use crate::contender::Failure;
use crate::sdk::Exporters;
use crate::{Compression, Order, Transport};
use opentelemetry_otlp::{
    LogExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};

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
                    .with_protocol(Protocol::HttpBinary)
                    .with_endpoint(format!(concat!("http://{}", $path), order.sink));
                if let Some(compression) = compression {
                    builder = WithHttpConfig::with_compression(builder, compression);
                }
                builder.build()?
            }
        }
    }};
}

/// Makes them for an order.
#[derive(Debug)]
pub struct Theirs(Order);

impl Exporters for Theirs {
    type Spans = SpanExporter;
    type Logs = LogExporter;

    fn new(order: &Order) -> Result<Self, Failure> {
        Ok(Self(order.clone()))
    }

    fn spans(&self) -> Result<SpanExporter, Failure> {
        Ok(exporter!(SpanExporter, &self.0, "/v1/traces"))
    }

    fn logs(&self) -> Result<LogExporter, Failure> {
        Ok(exporter!(LogExporter, &self.0, "/v1/logs"))
    }

    fn finish(self, _order: &Order) -> Result<Option<u64>, Failure> {
        Ok(None)
    }
}
