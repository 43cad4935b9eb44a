//! Clients and requests for the tests: tonic's generated clients, and hyper's bare connections.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlp_testkit::Collector;
use std::time::Duration;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

/// Long enough for a loaded machine; never waited out in a test that passes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Whether `future` is still not done after an hour. The clock is paused for it, so this takes no time.
pub(crate) async fn never(future: impl Future) -> bool {
    tokio::time::pause();
    let waited = tokio::time::timeout(Duration::from_secs(3_600), future).await;
    tokio::time::resume();
    waited.is_err()
}

fn resource() -> Option<Resource> {
    let value = Some(AnyValue { value: Some(Value::StringValue("shop".to_owned())) });
    let attributes = vec![KeyValue { key: "service.name".to_owned(), value, ..KeyValue::default() }];
    Some(Resource { attributes, ..Resource::default() })
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope { name: "tests".to_owned(), ..InstrumentationScope::default() })
}

/// A request of `count` spans with the ids `first..`.
pub(crate) fn spans_from(first: u64, count: u64) -> ExportTraceServiceRequest {
    let span = |id: u64| Span {
        trace_id: vec![7; 16],
        span_id: id.to_be_bytes().to_vec(),
        name: format!("span {id}"),
        ..Span::default()
    };
    let spans = (first..first + count).map(span).collect();
    let scope_spans = vec![ScopeSpans { scope: scope(), spans, ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: resource(), scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }
}

pub(crate) fn spans(count: u64) -> ExportTraceServiceRequest {
    spans_from(1, count)
}

pub(crate) fn logs(count: usize) -> ExportLogsServiceRequest {
    let record = LogRecord { severity_text: "INFO".to_owned(), ..LogRecord::default() };
    let scope_logs =
        vec![ScopeLogs { scope: scope(), log_records: vec![record; count], ..ScopeLogs::default() }];
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { resource: resource(), scope_logs, ..ResourceLogs::default() }],
    }
}

/// One metric of `points` data points.
pub(crate) fn metrics(points: usize) -> ExportMetricsServiceRequest {
    let data = metric::Data::Gauge(Gauge { data_points: vec![NumberDataPoint::default(); points] });
    let metric = Metric { name: "queue.size".to_owned(), data: Some(data), ..Metric::default() };
    let scope_metrics =
        vec![ScopeMetrics { scope: scope(), metrics: vec![metric], ..ScopeMetrics::default() }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: resource(),
            scope_metrics,
            ..ResourceMetrics::default()
        }],
    }
}

/// A lazy channel to the collector's gRPC listener.
pub(crate) fn channel(collector: &Collector) -> Channel {
    Endpoint::from_shared(collector.grpc_endpoint()).unwrap().connect_lazy()
}

pub(crate) async fn export(
    channel: &Channel,
    request: ExportTraceServiceRequest,
) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
    TraceServiceClient::new(channel.clone()).export(request).await
}

/// An HTTP answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A request with these headers, to `path` of the collector's HTTP listener.
pub(crate) fn request(
    collector: &Collector,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> http::Request<Full<Bytes>> {
    let mut request = http::Request::post(format!("{}{path}", collector.http_endpoint()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).unwrap()
}

pub(crate) type Sender = hyper::client::conn::http1::SendRequest<Full<Bytes>>;

/// A keep-alive HTTP/1.1 connection.
pub(crate) async fn connect(collector: &Collector) -> Sender {
    connect_watched(collector).await.0
}

/// A keep-alive HTTP/1.1 connection, with the task that ends when the collector has closed it.
pub(crate) async fn connect_watched(collector: &Collector) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let address = collector.http_endpoint().trim_start_matches("http://").to_owned();
    let stream = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    (sender, tokio::spawn(connection))
}

pub(crate) async fn send(
    sender: &mut Sender,
    mut request: http::Request<Full<Bytes>>,
) -> Result<Answer, hyper::Error> {
    // HTTP/1.1 wants the host in a header and the path alone in the request line.
    let host = request.uri().authority().unwrap().to_string();
    request.headers_mut().insert("host", host.parse().unwrap());
    *request.uri_mut() = request.uri().path().parse().unwrap();
    sender.ready().await?;
    read(sender.send_request(request).await?).await
}

/// Sends over a fresh HTTP/2 connection.
pub(crate) async fn send_http2(
    address: &str,
    request: http::Request<Full<Bytes>>,
) -> Result<Answer, hyper::Error> {
    let stream = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.max_header_list_size(1 << 20).handshake(stream).await?;
    tokio::spawn(connection);
    read(sender.send_request(request).await?).await
}

pub(crate) async fn read(response: http::Response<Incoming>) -> Result<Answer, hyper::Error> {
    let (mut head, mut incoming) = response.into_parts();
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        match frame?.into_data() {
            Ok(data) => body.extend_from_slice(&data),
            Err(frame) => head.headers.extend(frame.into_trailers().unwrap()),
        }
    }
    Ok(Answer { status: head.status, headers: head.headers, body: body.freeze() })
}

/// Posts over a fresh connection.
pub(crate) async fn post(
    collector: &Collector,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Answer, hyper::Error> {
    send(&mut connect(collector).await, request(collector, path, headers, body)).await
}

/// Posts protobuf spans over a fresh connection.
pub(crate) async fn post_spans(collector: &Collector, count: u64) -> Result<Answer, hyper::Error> {
    use prost::Message;
    post(collector, "/v1/traces", &[PROTOBUF], spans(count).encode_to_vec()).await
}

pub(crate) const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
