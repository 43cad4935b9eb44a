//! One export call as the collector saw it, and what became of it.
//!
//! Made by the server when a request has been decoded; read by scripts (to decide) and by tests (to assert). Never
//! changed afterwards.

use crate::Reply;
use http::{HeaderMap, Method, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use otlp_model::{Encoding, Format, Signal};
use std::fmt;
use std::net::SocketAddr;

/// The protocol a call came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP.
    Http,
}

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A TCP client.
    Tcp(SocketAddr),
    /// A client of the unix socket; these have no name.
    Unix,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix => f.write_str("unix socket"),
        }
    }
}

/// The decoded request, in the generated types of `opentelemetry-proto`.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// Spans.
    Traces(ExportTraceServiceRequest),
    /// Metrics.
    Metrics(ExportMetricsServiceRequest),
    /// Log records.
    Logs(ExportLogsServiceRequest),
}

impl Payload {
    /// The signal it belongs to.
    #[must_use]
    pub fn signal(&self) -> Signal {
        match self {
            Self::Traces(_) => Signal::Traces,
            Self::Metrics(_) => Signal::Metrics,
            Self::Logs(_) => Signal::Logs,
        }
    }

    /// How many spans, data points or log records it holds.
    #[must_use]
    pub fn items(&self) -> u64 {
        let items: usize = match self {
            Self::Traces(r) => {
                r.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum()
            }
            Self::Metrics(r) => {
                let scopes = r.resource_metrics.iter().flat_map(|r| &r.scope_metrics);
                scopes.flat_map(|scope| &scope.metrics).map(data_points).sum()
            }
            Self::Logs(r) => {
                r.resource_logs.iter().flat_map(|r| &r.scope_logs).map(|s| s.log_records.len()).sum()
            }
        };
        items as u64
    }
}

/// How many data points a metric holds.
pub(crate) fn data_points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    }
}

/// One export call: where it came from, how it was sent, and what was in it.
///
/// A script decides by it, see [`Script::from_fn`](crate::Script::from_fn):
///
/// ```
/// use otlp_testkit::{Reply, Script};
/// let no_large_calls = Script::from_fn(|call| {
///     if call.items > 512 { Reply::http_status(413) } else { Reply::ok() }
/// });
/// # drop(no_large_calls);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Call {
    /// 1 for the first call since the script in force was set, 2 for the second, and so on.
    pub number: u64,
    /// The same, counting only calls of this call's signal.
    pub number_of_signal: u64,
    /// The signal.
    pub signal: Signal,
    /// gRPC or HTTP.
    pub protocol: Protocol,
    /// Protobuf or JSON.
    pub format: Format,
    /// How the message was compressed. For gRPC this is `Identity` when the message's compressed flag is not set,
    /// whatever `grpc-encoding` says.
    pub encoding: Encoding,
    /// The request's headers (gRPC: its metadata).
    pub headers: HeaderMap,
    /// The client's end of the connection.
    pub peer: Peer,
    /// The connection, numbered from 1 over the collector's whole life: equal numbers mean a reused connection.
    pub connection: u64,
    /// Bytes of the request body on the wire: compressed, and with gRPC's 5-byte prefix.
    pub wire_bytes: u64,
    /// Spans, data points or log records in it.
    pub items: u64,
    /// What was in it.
    pub payload: Payload,
}

impl Call {
    /// A header or metadata value as text; `None` when absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A call and the reply the script chose for it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// Position in the order of arrival, from 0, over the collector's whole life.
    pub index: usize,
    /// What arrived.
    pub call: Call,
    /// What was answered.
    pub reply: Reply,
    /// Whether its data counts as received.
    pub accepted: bool,
}

/// A request that was no OTLP export call, and the answer it got.
///
/// A test of a client asserts that there are none:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), otlp_testkit::Error> {
/// let collector = otlp_testkit::Collector::builder().start().await?;
/// assert!(collector.malformed().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Malformed {
    /// gRPC or HTTP.
    pub protocol: Protocol,
    /// The request's method.
    pub method: Method,
    /// The request's path.
    pub path: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The HTTP status of the answer; 200 for gRPC, whose status is in `reason`.
    pub status: StatusCode,
    /// What was wrong with it.
    pub reason: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} answered {}: {}", self.method, self.path, self.status.as_u16(), self.reason)
    }
}
