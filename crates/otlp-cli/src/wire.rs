//! The three ways to speak OTLP, under the names that `OTEL_EXPORTER_OTLP_PROTOCOL` has for them.
//!
//! Used by everything that talks to a receiver.

use clap::ValueEnum;
use otlp::{ClientBuilder, Protocol, SerializationFormat};
use otlp_model::Signal;
use std::fmt;

/// A protocol and how bodies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wire {
    /// OTLP/gRPC, usually port 4317.
    #[value(name = "grpc")]
    Grpc,
    /// OTLP/HTTP with protobuf bodies, usually port 4318.
    #[value(name = "http/protobuf")]
    HttpProtobuf,
    /// OTLP/HTTP with JSON bodies, usually port 4318.
    #[value(name = "http/json")]
    HttpJson,
}

impl Wire {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
        }
    }

    pub(crate) const fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc)
    }

    /// The port that receivers usually have for it.
    pub(crate) const fn usual_port(self) -> u16 {
        if self.is_grpc() { 4317 } else { 4318 }
    }

    /// `builder`, speaking this.
    pub(crate) fn set_on(self, builder: ClientBuilder) -> ClientBuilder {
        match self {
            Self::Grpc => builder.with_protocol(Protocol::Grpc),
            Self::HttpProtobuf => builder.with_protocol(Protocol::Http),
            Self::HttpJson => {
                builder.with_protocol(Protocol::Http).with_serialization_format(SerializationFormat::Json)
            }
        }
    }
}

/// The path of the gRPC method that takes a signal.
pub(crate) fn method(signal: Signal) -> &'static str {
    match signal {
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        _ => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
