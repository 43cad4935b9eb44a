//! The gRPC terminal against a scripted HTTP/2 server: what it makes of every kind of answer.

#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/server.rs"]
mod server;
#[path = "support/status.rs"]
mod status;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use otlp_model::{DropReason, ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    BoxError, Disposition, ErrorType, Grpc, GrpcCode, GrpcError, ResponseTooLarge, classify,
};
use prost::Message;
use server::{Reply, Server, framed};
use std::time::Duration;
use tower::ServiceExt;

/// What a collector answers to a request it took whole.
const SUCCESS: &[u8] = b"\x0a\x00";

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 10, Bytes::from_static(b"body"))
}

fn terminal(server: &Server) -> Grpc {
    Grpc::new(server.url.parse().unwrap())
}

async fn export(grpc: &Grpc, request: ExportRequest) -> Result<ExportResponse, BoxError> {
    grpc.clone().oneshot(request).await
}

async fn answer(reply: Reply) -> Result<ExportResponse, BoxError> {
    let server = Server::answering(reply).await;
    export(&terminal(&server), request()).await
}

/// The error of an answer, as the type it must have.
async fn error<E: std::error::Error + 'static>(reply: Reply) -> Box<E> {
    answer(reply).await.unwrap_err().downcast::<E>().unwrap_or_else(|other| panic!("another error: {other}"))
}

#[tokio::test]
async fn only_the_grpc_status_makes_success() {
    // conf: GRPC-06, SURV-13, SURV-14
    // Trailers-only, an empty message, none at all, and the usual answer.
    let trailers_only =
        Reply::status(200).header("content-type", "application/grpc").header("grpc-status", "0");
    let no_message =
        Reply::status(200).header("content-type", "application/grpc").trailer("grpc-status", "0");
    for reply in [trailers_only, no_message, Reply::grpc(b"", "0"), Reply::grpc(SUCCESS, "0")] {
        assert_eq!(answer(reply).await.unwrap(), ExportResponse::success());
    }
    // The message says success, the status does not.
    let failed = error::<GrpcError>(Reply::grpc(SUCCESS, "13")).await;
    assert_eq!(failed.code(), GrpcCode::Internal);
    // HTTP 200 and a message, but no status.
    let none = Reply::status(200).header("content-type", "application/grpc").frame(&framed(0, SUCCESS));
    assert_eq!(error::<GrpcError>(none).await.code(), GrpcCode::Unknown);
}

#[tokio::test]
async fn every_status_comes_through_in_headers_and_in_trailers() {
    // conf: GRPC-06, GRPC-27, RETRY-02, RETRY-03, SURV-02, SURV-12
    let server = Server::start(|call| {
        let code = (call / 2).to_string();
        let reply = Reply::status(200).header("content-type", "application/grpc");
        if call % 2 == 0 { reply.header("grpc-status", &code) } else { reply.trailer("grpc-status", &code) }
    })
    .await;
    let grpc = terminal(&server);
    for number in 0..20 {
        for _ in 0..2 {
            let result = export(&grpc, request()).await;
            if number == 0 {
                result.unwrap();
                continue;
            }
            let error = result.unwrap_err();
            let error = error.downcast_ref::<GrpcError>().unwrap();
            assert_eq!(error.code(), GrpcCode::from(number));
            assert!(error.to_string().starts_with(&server.url), "{error}");
        }
    }
}

#[tokio::test]
async fn without_a_grpc_status_the_http_status_decides() {
    // conf: GRPC-07, SURV-19, DEC-04
    for (http_status, code) in [
        (400, GrpcCode::Internal),
        (401, GrpcCode::Unauthenticated),
        (403, GrpcCode::PermissionDenied),
        (404, GrpcCode::Unimplemented),
        (429, GrpcCode::Unavailable),
        (431, GrpcCode::Internal),
        (500, GrpcCode::Unknown),
        (502, GrpcCode::Unavailable),
        (503, GrpcCode::Unavailable),
        (504, GrpcCode::Unavailable),
        (302, GrpcCode::Unknown),
        (200, GrpcCode::Unknown),
        (204, GrpcCode::Unknown),
    ] {
        let page = Reply::status(http_status).header("content-type", "text/html");
        let page = if http_status == 204 { page } else { page.frame(b"<html>no</html>") };
        let error = error::<GrpcError>(page).await;
        assert_eq!(error.code(), code, "{http_status}");
        let text = error.to_string();
        assert!(
            text.contains(&http_status.to_string()) && text.contains("is this a port for OTLP/gRPC?"),
            "{text}"
        );
    }
    // If there is a grpc-status, it wins.
    let reply = Reply::status(503).header("content-type", "application/grpc").header("grpc-status", "3");
    assert_eq!(error::<GrpcError>(reply).await.code(), GrpcCode::InvalidArgument);
    let reply = Reply::status(503).frame(b"page").trailer("grpc-status", "16");
    assert_eq!(error::<GrpcError>(reply).await.code(), GrpcCode::Unauthenticated);
}

#[tokio::test(start_paused = true)]
async fn an_error_page_without_end_does_not_hang_the_attempt() {
    // conf: GRPC-07, SURV-17, SURV-22
    for page in [&b"<html>"[..], &[b'x'; 200_000]] {
        let reply = Reply::status(502).frame(page).then_hang();
        let (server, connector) = Server::in_memory(move |_| reply.clone());
        let grpc = Grpc::with_connector(server.url.parse().unwrap(), connector);
        let error = grpc.oneshot(request()).await.unwrap_err();
        assert_eq!(error.downcast_ref::<GrpcError>().unwrap().code(), GrpcCode::Unavailable);
    }
}

#[tokio::test]
async fn messages_are_decoded_and_kept_harmless() {
    // conf: GRPC-09
    let refused = |message: &str| Reply::grpc(b"", "3").trailer("grpc-message", message);
    assert_eq!(error::<GrpcError>(refused("caf%C3%A9 %25")).await.message(), "caf\u{e9} %");
    assert_eq!(error::<GrpcError>(refused("50% off %zz")).await.message(), "50% off %zz");
    assert_eq!(error::<GrpcError>(refused("%FF%FE")).await.message(), "\u{fffd}\u{fffd}");
    assert_eq!(error::<GrpcError>(refused("a%0D%0Ab")).await.message(), "a  b");
    assert!(error::<GrpcError>(refused(&"x".repeat(10_000))).await.message().len() < 1100);
}

#[tokio::test]
async fn retry_info_is_found_in_the_details() {
    // conf: GRPC-10, RETRY-05, RETRY-06, RETRY-07
    let details = status::status(8, "full", Some(prost_types::Duration { seconds: 7, nanos: 500_000_000 }));
    for padded in [true, false] {
        let value = status::base64(&details, padded);
        let reply = Reply::grpc(b"", "8").trailer("grpc-status-details-bin", &value);
        let error = error::<GrpcError>(reply).await;
        assert_eq!(error.retry_delay(), Some(Duration::from_millis(7500)));
        assert_eq!(error.message(), "full");
        assert!(error.to_string().contains("asks to wait 7.5s"), "{error}");
        assert_eq!(
            classify(&Err(error)),
            Disposition::Retryable {
                error_type: ErrorType::RateLimited,
                after: Some(Duration::from_millis(7500))
            }
        );
    }
    // Present but zero, absent, and undecodable.
    let zero = status::status(8, "", Some(prost_types::Duration { seconds: 0, nanos: 0 }));
    for (value, delay) in [
        (status::base64(&zero, true), Some(Duration::ZERO)),
        (status::base64(&status::status(8, "", None), true), None),
        ("%%%".to_owned(), None),
        (status::base64(b"\xff\xff\xff", true), None),
    ] {
        let reply = Reply::grpc(b"", "8").trailer("grpc-status-details-bin", &value);
        let error = error::<GrpcError>(reply).await;
        assert_eq!((error.code(), error.retry_delay()), (GrpcCode::ResourceExhausted, delay), "{value}");
    }
}

#[tokio::test]
async fn partial_success_is_success_with_a_count() {
    // conf: PART-01, PART-02, PART-03, PART-04, PART-05, PART-06
    let partial = |rejected_spans, message: &str| {
        let partial = ExportTracePartialSuccess { rejected_spans, error_message: message.into() };
        let response = ExportTraceServiceResponse { partial_success: Some(partial) };
        Reply::grpc(&response.encode_to_vec(), "0")
    };
    let response = answer(partial(3, "too old")).await.unwrap();
    assert_eq!((response.rejected, response.message.as_deref()), (3, Some("too old")));
    assert_eq!(classify(&Ok(response)), Disposition::Delivered { rejected: 3 });
    // A warning: everything was taken.
    let response = answer(partial(0, "slow down")).await.unwrap();
    assert_eq!((response.rejected, response.message.as_deref()), (0, Some("slow down")));
    // Nothing said is full success, nonsense is clamped.
    assert_eq!(answer(partial(0, "")).await.unwrap(), ExportResponse::success());
    assert_eq!(answer(partial(-5, "")).await.unwrap().rejected, 0);
    assert_eq!(answer(partial(i64::MAX, "")).await.unwrap().rejected, 10);
}

#[tokio::test]
async fn a_success_whose_message_cannot_be_read_is_a_success() {
    // conf: PART-08, RETRY-16
    let raw = |bytes: &[u8]| {
        Reply::status(200).header("content-type", "application/grpc").frame(bytes).trailer("grpc-status", "0")
    };
    for reply in [
        raw(b"\0\0"),
        raw(b"\0\0\0\0\x09short"),
        raw(&[framed(0, SUCCESS), framed(0, SUCCESS)].concat()),
        raw(&framed(0, b"\xff\xff\xff\xff")),
        raw(&framed(1, b"no encoding named")),
        raw(&framed(1, b"not brotli")).header("grpc-encoding", "br"),
        raw(&framed(1, b"not gzip")).header("grpc-encoding", "gzip"),
    ] {
        let response = answer(reply).await.unwrap();
        assert_eq!(response.rejected, 0);
        assert!(response.message.unwrap().contains("could not be read"));
    }
}

#[tokio::test]
async fn messages_in_tiny_frames_are_put_together() {
    // conf: GRPC-26
    let partial = ExportTracePartialSuccess { rejected_spans: 2, error_message: "twice".into() };
    let message = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let mut reply = Reply::status(200).header("content-type", "application/grpc+proto");
    for byte in framed(0, &message) {
        reply = reply.frame(&[byte]).frame(b"");
    }
    assert_eq!(answer(reply.trailer("grpc-status", "0")).await.unwrap().rejected, 2);
}

/// A response over the limit is final.
fn assert_too_large(error: BoxError, limit: usize) {
    assert_eq!(error.downcast_ref::<ResponseTooLarge>().unwrap().limit(), limit);
    assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::NotRetryable });
}

#[tokio::test]
async fn responses_over_the_limit_are_errors() {
    // conf: GRPC-13, GRPC-14, RETRY-16
    let large = Reply::grpc(&vec![0; 5 * 1024 * 1024], "0");
    assert_too_large(answer(large).await.unwrap_err(), 4 * 1024 * 1024);
    let server = Server::answering(Reply::grpc(&[0; 1001], "0")).await;
    let grpc = terminal(&server).with_max_response_size(1000);
    assert_too_large(export(&grpc, request()).await.unwrap_err(), 1000);
    assert_eq!(otlp_transport::DEFAULT_MAX_RESPONSE_SIZE, 4_194_304);
}

#[tokio::test]
#[cfg(feature = "gzip")]
async fn compressed_responses_are_read_up_to_the_limit() {
    // conf: GRPC-13, COMP-03, COMP-06, SURV-22, RETRY-16
    use std::io::Write;
    let compressed = |message: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(message).unwrap();
        Reply::status(200)
            .header("content-type", "application/grpc")
            .header("grpc-encoding", "gzip")
            .frame(&framed(1, &encoder.finish().unwrap()))
            .trailer("grpc-status", "0")
    };
    assert_eq!(answer(compressed(b"\x0a\x02\x08\x04")).await.unwrap().rejected, 4);
    let bomb = compressed(&vec![0; 5_000_000]);
    assert_too_large(answer(bomb).await.unwrap_err(), 4 * 1024 * 1024);
}
