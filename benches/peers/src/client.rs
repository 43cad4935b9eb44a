//! The client of this repository, as it is set up wherever it takes part.

use crate::work;
use crate::{Order, Transport};
use otlp::{Client, ClientBuilder, Compression, Protocol, Resource};

/// Its builder for an order, with everything but what the mode asks for.
pub fn builder(order: &Order) -> ClientBuilder {
    let resource = work::RESOURCE.into_iter().fold(Resource::new(), |all, (key, value)| all.with(key, value));
    Client::builder()
        .with_endpoint(format!("http://{}", order.sink))
        .with_resource(resource)
        .with_protocol(match order.transport {
            Transport::Grpc => Protocol::Grpc,
            Transport::Http => Protocol::Http,
        })
        .with_compression(match order.compression {
            crate::Compression::None => Compression::None,
            crate::Compression::Gzip => Compression::Gzip,
            crate::Compression::Zstd => Compression::Zstd,
        })
}
