//! Transcoding requests to OTLP/JSON.

#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlp_model::{DropReason, Encoding, ExportRequest, ExportResponse, Format, Signal};
use otlp_transport::{Disposition, Json, JsonLayer, classify};
use prost::Message;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower_test::mock;

type Mock = mock::Spawn<Json<mock::Mock<ExportRequest, ExportResponse>>>;
type Handle = mock::Handle<ExportRequest, ExportResponse>;

fn stack() -> (Mock, Handle) {
    mock::spawn_layer(JsonLayer::new())
}

async fn passed(request: ExportRequest) -> ExportRequest {
    let (mut service, mut handle) = stack();
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(request));
    assert_pending!(call.poll());
    let (passed, answer) = handle.next_request().await.unwrap();
    answer.send_response(ExportResponse::success());
    assert_ready_ok!(call.poll());
    passed
}

fn request() -> ExportRequest {
    let span = Span { name: "GET /".to_owned(), ..Span::default() };
    let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    let body = ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec();
    ExportRequest::new(Signal::Traces, 1, body)
}

#[tokio::test]
async fn a_protobuf_request_becomes_json() {
    let sent = passed(request()).await;
    assert_eq!((sent.format(), sent.items()), (Format::Json, 1));
    assert_eq!(sent.raw_len(), sent.body().len());
    let json = String::from_utf8(sent.body().to_bytes().to_vec()).unwrap();
    assert!(json.starts_with(r#"{"resourceSpans":[{"#) && json.contains(r#""name":"GET /""#), "{json}");
}

#[tokio::test]
async fn a_json_request_passes_as_it_is() {
    let json = request().with_format(Format::Json, Bytes::from_static(b"{}"));
    assert_eq!(passed(json).await.body().to_bytes(), Bytes::from_static(b"{}"));
}

#[tokio::test]
async fn what_cannot_be_transcoded_is_lost_as_encode_failed_and_not_sent() {
    // conf: RETRY-16
    let garbage = ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"\xff\xff\xff"));
    let compressed = request().with_encoding(Encoding::Gzip, Bytes::from_static(b"\x1f\x8b"));
    for request in [garbage, compressed] {
        let (mut service, mut handle) = stack();
        assert_ready_ok!(service.poll_ready());
        let mut call = task::spawn(service.call(request));
        let error = assert_ready_err!(call.poll());
        let lost = Disposition::Permanent { reason: DropReason::EncodeFailed };
        assert_eq!(classify(&Err(error)), lost);
        assert_pending!(handle.poll_request());
    }
}
