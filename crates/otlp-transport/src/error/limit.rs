//! Requests and responses that are larger, or other, than what a terminal sends and reads.

use super::Peer;
use crate::Endpoint;
use otlp_model::Format;
use std::error::Error;
use std::fmt;

/// The request is larger than may be sent; it was not sent (GRPC-12, HTTP-18).
///
/// ```
/// use otlp_transport::RequestTooLarge;
/// let error = RequestTooLarge { size: 80_000_000, limit: 67_108_864 };
/// assert_eq!(error.to_string(), "the request has 80000000 bytes before compression, the limit is 67108864; use smaller batches");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTooLarge {
    /// The size of the request in bytes before compression.
    pub size: usize,
    /// The limit in bytes.
    pub limit: usize,
}

impl fmt::Display for RequestTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, limit } = self;
        write!(
            f,
            "the request has {size} bytes before compression, the limit is {limit}; use smaller batches"
        )
    }
}

impl Error for RequestTooLarge {}

/// The response, or its headers, are larger than is read; never retried (GRPC-13, GRPC-14, HTTP-17).
///
/// ```
/// use otlp_transport::{Endpoint, ResponseTooLarge};
/// let error = ResponseTooLarge::new(4_194_304).at(&Endpoint::default_http());
/// assert_eq!(error.to_string(), "the response of http://localhost:4318 exceeds the limit of 4194304 bytes");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseTooLarge {
    endpoint: Option<Endpoint>,
    limit: usize,
}

impl ResponseTooLarge {
    /// The error of a response of more than `limit` bytes, as received or after decompression.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { endpoint: None, limit }
    }

    /// The same error, naming the endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: &Endpoint) -> Self {
        self.endpoint = Some(endpoint.clone());
        self
    }

    /// The limit in bytes.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }
}

impl fmt::Display for ResponseTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = Peer(self.endpoint.as_ref());
        write!(f, "the response of {peer} exceeds the limit of {} bytes", self.limit)
    }
}

impl Error for ResponseTooLarge {}

/// The request is serialized in a format that the terminal does not speak; it was not sent.
///
/// ```
/// use otlp_model::Format;
/// use otlp_transport::UnsupportedFormat;
/// let error = UnsupportedFormat { format: Format::Json };
/// assert_eq!(error.to_string(), "OTLP/gRPC carries protobuf only, the request is Json; use OTLP/HTTP");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsupportedFormat {
    /// The format of the request.
    pub format: Format,
}

impl fmt::Display for UnsupportedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OTLP/gRPC carries protobuf only, the request is {:?}; use OTLP/HTTP", self.format)
    }
}

impl Error for UnsupportedFormat {}
