//! OTLP/gRPC: the generated services of `opentelemetry-proto` on tonic's codec.
//!
//! Called for every request of a gRPC listener. Framing, decompression and decoding are tonic's; what tonic cannot say
//! (raw answers, odd codes) replaces its answer afterwards.

use super::answer::{self, Answer};
use super::body::{Count, Counted};
use super::exchange::{Arrival, Connection, Exchange};
use crate::reply::{Kind, Partial};
use crate::status;
use crate::{Attempt, Payload, Protocol};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response as HttpResponse};
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::{logs::v1 as logs, metrics::v1 as metrics, trace::v1 as trace};
use otlp_model::{Encoding, Format};
use std::sync::Arc;
use tonic::body::Body as BoxBody;
use tonic::codec::CompressionEncoding::{Gzip, Zstd};
use tonic::{Code, Response, Status};
use tower_service::Service;

/// Whether a request wants to be gRPC.
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|value| value.starts_with(b"application/grpc"))
}

pub(crate) async fn answer(connection: Arc<Connection>, request: Request<Incoming>) -> Answer {
    let (parts, body) = request.into_parts();
    let exchange = Arc::new(Exchange::new(Arc::clone(&connection)));
    let count = Arc::new(Count::default());
    let service = Exports {
        exchange: Arc::clone(&exchange),
        headers: parts.headers.clone(),
        count: Arc::clone(&count),
    };
    let limit = connection.shared.settings.grpc_limit;
    let request = Request::from_parts(parts.clone(), Counted { body, count: Arc::clone(&count) });

    macro_rules! through {
        ($server:path) => {{
            let server = <$server>::new(service).accept_compressed(Gzip).accept_compressed(Zstd);
            let Ok(response) = server.max_decoding_message_size(limit).call(request).await;
            response
        }};
    }
    let path = parts.uri.path();
    let response = if path.starts_with("/opentelemetry.proto.collector.metrics.v1.") {
        through!(metrics::metrics_service_server::MetricsServiceServer<Exports>)
    } else if path.starts_with("/opentelemetry.proto.collector.logs.v1.") {
        through!(logs::logs_service_server::LogsServiceServer<Exports>)
    } else {
        through!(trace::trace_service_server::TraceServiceServer<Exports>)
    };

    match exchange.outcome() {
        Some(Some(attempt)) => carry_out(&attempt, response),
        Some(None) => Answer::NONE,
        // Nobody is left to be answered.
        None if count.broken() => Answer::NONE,
        None => {
            let (status, response) = as_collector(response);
            let reason = format!("{:?}: {}", status.code(), status.message());
            connection.malformed(Protocol::Grpc, &parts, response.status(), &reason);
            Answer::Response(response)
        }
    }
}

/// Tonic's answer to what never became a call. It calls a message over the limit OUT_OF_RANGE, which clients retry; a
/// Collector calls it RESOURCE_EXHAUSTED (SURV-02).
fn as_collector(response: HttpResponse<BoxBody>) -> (Status, HttpResponse<BoxBody>) {
    let status =
        Status::from_header_map(response.headers()).unwrap_or_else(|| Status::unknown("no grpc-status"));
    if status.code() != Code::OutOfRange {
        return (status, response);
    }
    let status = Status::resource_exhausted(status.message());
    (status.clone(), status.into_http())
}

fn carry_out(attempt: &Attempt, response: HttpResponse<BoxBody>) -> Answer {
    let mut response = match &attempt.reply.kind {
        Kind::Body(body) => answer::raw(body),
        Kind::Reset(code) => return Answer::Reset(*code),
        Kind::Hang | Kind::Close => return Answer::NONE,
        Kind::Status(status) if !(0..=16).contains(&status.grpc) => {
            // Tonic would make it UNKNOWN.
            let mut response = Status::unknown(status.message.clone()).into_http();
            response.headers_mut().insert("grpc-status", HeaderValue::from(status.grpc));
            response
        }
        Kind::Success { .. } | Kind::Status(_) | Kind::Invalid(_) => response,
    };
    answer::add_headers(&mut response, &attempt.reply.headers);
    Answer::Response(response)
}

/// The three services, for one call.
struct Exports {
    exchange: Arc<Exchange>,
    headers: HeaderMap,
    count: Arc<Count>,
}

impl Exports {
    async fn arrive(&self, payload: Payload) -> Result<Partial, Status> {
        let encoding = match self.headers.get("grpc-encoding").map(HeaderValue::as_bytes) {
            Some(b"gzip") if self.count.compressed() => Encoding::Gzip,
            Some(b"zstd") if self.count.compressed() => Encoding::Zstd,
            _ => Encoding::Identity,
        };
        let arrival = Arrival {
            protocol: Protocol::Grpc,
            format: Format::Protobuf,
            encoding,
            headers: self.headers.clone(),
            wire_bytes: self.count.bytes(),
        };
        let attempt = self.exchange.arrive(arrival, payload).await;
        let attempt = attempt.ok_or_else(|| Status::unavailable("the collector is down"))?;
        match &attempt.reply.kind {
            Kind::Success { partial, .. } => Ok(partial.clone().unwrap_or_default()),
            Kind::Status(reply) => Err(match reply.retry_info {
                None => Status::new(Code::from(reply.grpc), reply.message.clone()),
                Some(delay) => {
                    let details = status::encode(reply.grpc, &reply.message, Some(delay));
                    Status::with_details(Code::from(reply.grpc), reply.message.clone(), Bytes::from(details))
                }
            }),
            Kind::Invalid(reason) => Err(Status::internal(reason.clone())),
            Kind::Body(_) | Kind::Hang | Kind::Close | Kind::Reset(_) => {
                Err(Status::internal("replaced by the scripted answer"))
            }
        }
    }
}

#[tonic::async_trait]
impl trace::trace_service_server::TraceService for Exports {
    async fn export(
        &self,
        request: tonic::Request<trace::ExportTraceServiceRequest>,
    ) -> Result<Response<trace::ExportTraceServiceResponse>, Status> {
        let Partial { rejected, message } = self.arrive(Payload::Traces(request.into_inner())).await?;
        let partial = trace::ExportTracePartialSuccess { rejected_spans: rejected, error_message: message };
        Ok(Response::new(trace::ExportTraceServiceResponse { partial_success: Some(partial) }))
    }
}

#[tonic::async_trait]
impl metrics::metrics_service_server::MetricsService for Exports {
    async fn export(
        &self,
        request: tonic::Request<metrics::ExportMetricsServiceRequest>,
    ) -> Result<Response<metrics::ExportMetricsServiceResponse>, Status> {
        let Partial { rejected, message } = self.arrive(Payload::Metrics(request.into_inner())).await?;
        let partial =
            metrics::ExportMetricsPartialSuccess { rejected_data_points: rejected, error_message: message };
        Ok(Response::new(metrics::ExportMetricsServiceResponse { partial_success: Some(partial) }))
    }
}

#[tonic::async_trait]
impl logs::logs_service_server::LogsService for Exports {
    async fn export(
        &self,
        request: tonic::Request<logs::ExportLogsServiceRequest>,
    ) -> Result<Response<logs::ExportLogsServiceResponse>, Status> {
        let Partial { rejected, message } = self.arrive(Payload::Logs(request.into_inner())).await?;
        let partial =
            logs::ExportLogsPartialSuccess { rejected_log_records: rejected, error_message: message };
        Ok(Response::new(logs::ExportLogsServiceResponse { partial_success: Some(partial) }))
    }
}
