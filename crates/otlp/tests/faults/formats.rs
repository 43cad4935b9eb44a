//! Every form in which a client sends, and a client that does.
//!
//! Used by the rows about values that must arrive in all of them, and by `course`.

use crate::support::{builder, endpoint};
use otlp::{ClientBuilder, Protocol, SerializationFormat};
use otlp_testkit::Collector;

pub(crate) const FORMATS: [(Protocol, SerializationFormat); 3] = [
    (Protocol::Grpc, SerializationFormat::Protobuf),
    (Protocol::Http, SerializationFormat::Protobuf),
    (Protocol::Http, SerializationFormat::Json),
];

/// A client of the collector that sends so.
pub(crate) fn speaking(
    collector: &Collector,
    protocol: Protocol,
    format: SerializationFormat,
) -> ClientBuilder {
    builder(endpoint(collector, protocol)).with_protocol(protocol).with_serialization_format(format)
}
