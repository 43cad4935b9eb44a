//! The request and response that travel through the export stack.
//!
//! An [`ExportRequest`] is already encoded: cloning it for another attempt is a reference count, never a copy.
//! Knows nothing of HTTP or gRPC; the terminal services of `otlp-transport` put it on the wire.

use crate::{Body, Trail};
use std::fmt;

/// The kind of telemetry a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metric data points.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// `traces`, `metrics` or `logs`, as in `/v1/traces`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Encoding {
    /// Not at all.
    #[default]
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Encoding {
    /// The value for `content-encoding` and `grpc-encoding`; `identity` when uncompressed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// How a body is serialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Format {
    /// Binary protobuf.
    #[default]
    Protobuf,
    /// OTLP/JSON.
    Json,
}

/// One encoded `Export…ServiceRequest` on its way to a receiver.
///
/// ```
/// use otlp_model::{ExportRequest, Signal};
/// let request = ExportRequest::new(Signal::Traces, 0, bytes::Bytes::new());
/// assert_eq!(request.raw_len(), 0);
/// ```
#[derive(Clone)]
pub struct ExportRequest {
    signal: Signal,
    items: u64,
    raw_len: usize,
    format: Format,
    encoding: Encoding,
    body: Body,
    headers: Vec<(String, String)>,
    trail: Trail,
}

impl ExportRequest {
    /// An uncompressed protobuf request of `items` spans, data points or log records.
    #[must_use]
    pub fn new(signal: Signal, items: u64, body: impl Into<Body>) -> Self {
        let body = body.into();
        Self {
            signal,
            items,
            raw_len: body.len(),
            format: Format::Protobuf,
            encoding: Encoding::Identity,
            body,
            headers: Vec::new(),
            trail: Trail::default(),
        }
    }

    /// The signal.
    #[must_use]
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// How many spans, data points or log records the body holds.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items
    }

    /// The size of the body in bytes before compression.
    #[must_use]
    pub fn raw_len(&self) -> usize {
        self.raw_len
    }

    /// How the body is serialized.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How the body is compressed.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The body as it goes on the wire.
    ///
    /// Whoever keeps it, or a clone of the request, keeps the queue's memory that it may consist of.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Headers added by layers for this request alone, in the order added. Values may be secrets.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Adds a header (gRPC: metadata) for this request. Names are lower-cased; a name or value that HTTP forbids makes
    /// the attempt fail with an error that names the header.
    pub fn add_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
    }

    /// By what the request is recognised in a log.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Makes this clone the next attempt at sending what all clones are of.
    pub fn begin_attempt(&mut self) {
        self.trail.begin_attempt();
    }

    /// The same request with its body serialized as `format`; the raw length is that of `body`.
    #[must_use]
    pub fn with_format(self, format: Format, body: impl Into<Body>) -> Self {
        let body = body.into();
        Self { raw_len: body.len(), encoding: Encoding::Identity, format, body, ..self }
    }

    /// The same request with its body compressed as `encoding`; the raw length stays.
    #[must_use]
    pub fn with_encoding(self, encoding: Encoding, body: impl Into<Body>) -> Self {
        Self { encoding, body: body.into(), ..self }
    }
}

impl ExportRequest {
    /// Puts its first span on the trail.
    pub(crate) fn with_trail(self) -> Self {
        Self { trail: self.trail.with_first(self.signal, &self.body), ..self }
    }

    /// A part of the same request: `items` of its items in `body`.
    pub(crate) fn with_items(self, items: u64, body: Body) -> Self {
        Self { items, raw_len: body.len(), body, ..self }
    }
}

impl fmt::Debug for ExportRequest {
    /// Header values are left out: they may be secrets (conformance HDR-09).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportRequest")
            .field("signal", &self.signal)
            .field("items", &self.items)
            .field("raw_len", &self.raw_len)
            .field("body_len", &self.body.len())
            .field("format", &self.format)
            .field("encoding", &self.encoding)
            .field("headers", &self.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>())
            .finish()
    }
}

/// What a receiver answered to a request it took: full or partial success. Never an error, so no layer can retry it
/// (conformance PART-02).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportResponse {
    /// Items the receiver refused, between zero and the number sent.
    pub rejected: u64,
    /// The receiver's message: why it refused some, or a warning when it refused none.
    pub message: Option<String>,
}

impl ExportResponse {
    /// The response of full success.
    #[must_use]
    pub fn success() -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn debug_shows_no_header_value() {
        // conf: HDR-09
        let mut request = ExportRequest::new(Signal::Logs, 1, Bytes::from_static(b"x"));
        request.add_header("Authorization", "Bearer hunter2");
        let text = format!("{request:?}");
        assert!(text.contains("authorization") && !text.contains("hunter2"), "{text}");
    }
}
