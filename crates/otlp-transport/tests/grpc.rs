//! The gRPC terminal against a scripted HTTP/2 server: what it sends, and what it makes of every kind of answer.

#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/server.rs"]
mod server;
#[path = "support/status.rs"]
mod status;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlp_model::{DropReason, Encoding, ExportRequest, ExportResponse, Format, Signal, Undelivered};
use otlp_transport::{
    BoxError, Disposition, Endpoint, ErrorType, Grpc, GrpcCode, GrpcError, InvalidHeader, RequestTooLarge,
    ResponseTooLarge, UnsupportedFormat, classify,
};
use prost::Message;
use server::{Reply, Server, framed};
use std::time::Duration;
use tower::ServiceExt;

/// What a collector answers to a request it took whole.
const SUCCESS: &[u8] = b"\x0a\x00";

fn spans(names: &[&str]) -> ExportTraceServiceRequest {
    let spans = names.iter().map(|name| Span { name: (*name).to_owned(), ..Span::default() }).collect();
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    }
}

fn request(items: u64) -> ExportRequest {
    let names: Vec<&str> = (0..items).map(|_| "checkout").collect();
    ExportRequest::new(Signal::Traces, items, spans(&names).encode_to_vec().into())
}

fn terminal(server: &Server) -> Grpc {
    Grpc::new(server.url.parse().unwrap())
}

async fn export(grpc: &Grpc, request: ExportRequest) -> Result<ExportResponse, BoxError> {
    grpc.clone().oneshot(request).await
}

async fn answer(reply: Reply) -> Result<ExportResponse, BoxError> {
    let server = Server::answering(reply).await;
    export(&terminal(&server), request(10)).await
}

/// The error of an answer, as the type it must have.
async fn error<E: std::error::Error + 'static>(reply: Reply) -> Box<E> {
    answer(reply).await.unwrap_err().downcast::<E>().unwrap_or_else(|other| panic!("another error: {other}"))
}

#[tokio::test]
async fn a_call_is_what_the_grpc_protocol_says() {
    // conf: GRPC-01, GRPC-03, GRPC-04, GRPC-30, COMP-03, UA-01, UA-03, URL-10
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let endpoint: Endpoint = format!("{}/base/v1/traces?key=1", server.url).parse().unwrap();
    let grpc = Grpc::new(endpoint);
    for (signal, path) in [
        (Signal::Traces, "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
        (Signal::Metrics, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"),
        (Signal::Logs, "/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
    ] {
        let request = ExportRequest::new(signal, 1, request(1).body().clone());
        assert_eq!(export(&grpc, request).await.unwrap(), ExportResponse::success());
        let seen = server.seen().await;
        assert_eq!((seen.method.as_str(), seen.uri.path(), seen.uri.query()), ("POST", path, None));
        assert_eq!(seen.version, http::Version::HTTP_2);
        assert_eq!(format!("http://{}", seen.uri.authority().unwrap()), server.url);
        assert_eq!(seen.header("te"), Some("trailers"));
        assert_eq!(seen.header("content-type"), Some("application/grpc"));
        assert_eq!(seen.header("grpc-encoding"), None);
        assert_eq!(seen.header("grpc-timeout"), None);
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
        assert!(seen.header("grpc-accept-encoding").unwrap().starts_with("identity"));
        let agent = seen.header("user-agent").unwrap();
        assert_eq!(agent, concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION")));
        // The frame: not compressed, the length, and a message that an independent decoder reads.
        assert_eq!(seen.body[0], 0);
        assert_eq!(seen.body[1..5], u32::try_from(seen.body.len() - 5).unwrap().to_be_bytes());
        assert_eq!(ExportTraceServiceRequest::decode(&seen.body[5..]).unwrap(), spans(&["checkout"]));
    }
}

#[tokio::test]
async fn a_compressed_request_says_so_twice() {
    // conf: GRPC-04, COMP-03
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let plain = request(50);
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let compressed = Bytes::from(vec![7; 20]);
        let request = plain.clone().with_encoding(encoding, compressed.clone());
        export(&terminal(&server), request).await.unwrap();
        let seen = server.seen().await;
        assert_eq!(seen.header("grpc-encoding"), Some(encoding.as_str()));
        assert_eq!(seen.header("content-encoding"), None);
        assert_eq!(seen.body, framed(1, &compressed));
    }
}

#[tokio::test]
async fn large_requests_arrive_whole() {
    // conf: GRPC-26, GRPC-04
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let body: Bytes = (0..3_000_000u32).map(|n| n.to_le_bytes()[0]).collect::<Vec<u8>>().into();
    let request = ExportRequest::new(Signal::Logs, 1, body.clone());
    export(&terminal(&server), request).await.unwrap();
    assert!(server.seen().await.body == framed(0, &body), "the frame differs");
}

#[tokio::test]
async fn metadata_of_layers_is_sent_and_checked() {
    // conf: GRPC-03, GRPC-11, HDR-07, HDR-08, HDR-09, UA-02
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let mut tagged = request(1);
    tagged.add_header("Authorization", "Bearer hunter2");
    tagged.add_header("x-many", "one");
    tagged.add_header("x-many", "two");
    tagged.add_header("trace-bin", "AAEC");
    tagged.add_header("user-agent", "MyDistro/1.2");
    export(&terminal(&server), tagged).await.unwrap();
    let seen = server.seen().await;
    assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
    assert_eq!(seen.headers.get_all("x-many").iter().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(seen.header("trace-bin"), Some("AAEC"));
    let agent = seen.header("user-agent").unwrap();
    assert!(agent.starts_with("MyDistro/1.2 OTel-OTLP-Exporter-Rust/"), "{agent}");
    let names: Vec<_> = seen.headers.keys().map(|name| name.as_str()).collect();
    let place = |name| names.iter().position(|found| *found == name).unwrap();
    assert!(
        place("te") < place("authorization") && place("content-type") < place("authorization"),
        "{names:?}"
    );

    for (name, value) in [
        ("grpc-timeout", "1S"),
        ("content-type", "x"),
        ("x", "caf\u{e9}"),
        ("x-bin", "hunter2!"),
        ("a b", ""),
    ] {
        let mut bad = request(1);
        bad.add_header(name, value);
        let error = export(&terminal(&server), bad).await.unwrap_err();
        assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::EncodeFailed));
        let text = error.to_string();
        assert!(text.contains(name) && !text.contains("hunter2"), "{text}");
        let error = error.source().unwrap().downcast_ref::<InvalidHeader>().expect("an invalid header");
        assert_eq!(error.name(), name);
    }
    assert!(server.is_quiet());
}

#[tokio::test]
async fn the_timeout_is_told_to_the_server() {
    // conf: GRPC-05
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let grpc = terminal(&server).with_timeout(Duration::from_secs(10));
    export(&grpc, request(1)).await.unwrap();
    assert_eq!(server.seen().await.header("grpc-timeout"), Some("10000000u"));
    export(&grpc.with_timeout(Duration::ZERO), request(1)).await.unwrap();
    assert_eq!(server.seen().await.header("grpc-timeout"), None);
}

#[tokio::test]
async fn requests_over_the_limit_are_not_sent() {
    // conf: GRPC-12, COMP-06
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let grpc = terminal(&server).with_max_request_size(100);
    // What counts is the size before compression.
    let large = ExportRequest::new(Signal::Traces, 1, vec![0; 101].into())
        .with_encoding(Encoding::Gzip, Bytes::from_static(b"small"));
    let error = export(&grpc, large).await.unwrap_err();
    assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::TooLarge));
    let cause = error.source().unwrap().downcast_ref::<RequestTooLarge>();
    assert_eq!(cause, Some(&RequestTooLarge { size: 101, limit: 100 }));
    assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::TooLarge });
    assert!(server.is_quiet());
    export(&grpc, ExportRequest::new(Signal::Traces, 1, vec![0; 100].into())).await.unwrap();
    assert_eq!(otlp_transport::DEFAULT_MAX_REQUEST_SIZE, 67_108_864);
}

#[tokio::test]
async fn json_is_refused() {
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let json = request(1).with_format(Format::Json, Bytes::from_static(b"{}"));
    let error = export(&terminal(&server), json).await.unwrap_err();
    assert!(error.source().unwrap().is::<UnsupportedFormat>());
    assert!(server.is_quiet());
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
            let result = export(&grpc, request(1)).await;
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
        let error = grpc.oneshot(request(1)).await.unwrap_err();
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

#[tokio::test]
#[cfg(feature = "gzip")]
async fn responses_over_the_limit_are_errors_before_and_after_decompression() {
    // conf: GRPC-13, GRPC-14, COMP-06, SURV-22, RETRY-16
    use std::io::Write;
    let too_large = |error: Box<ResponseTooLarge>, limit| {
        assert_eq!(error.limit(), limit);
        assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::NotRetryable });
    };
    // Endless, by default and with a limit of one's own.
    let endless = || Reply::grpc(&vec![0; 5 * 1024 * 1024], "0");
    too_large(error(endless()).await, 4 * 1024 * 1024);
    let server = Server::answering(Reply::grpc(&[0; 1001], "0")).await;
    let error_of_own = export(&terminal(&server).with_max_response_size(1000), request(1)).await.unwrap_err();
    too_large(error_of_own.downcast().unwrap(), 1000);
    // A bomb.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; 5_000_000]).unwrap();
    let bomb = Reply::status(200)
        .header("content-type", "application/grpc")
        .header("grpc-encoding", "gzip")
        .frame(&framed(1, &encoder.finish().unwrap()))
        .trailer("grpc-status", "0");
    too_large(error(bomb).await, 4 * 1024 * 1024);
    // And one that is read.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"\x0a\x02\x08\x04").unwrap();
    let compressed = Reply::status(200)
        .header("content-type", "application/grpc")
        .header("grpc-encoding", "gzip")
        .frame(&framed(1, &encoder.finish().unwrap()))
        .trailer("grpc-status", "0");
    assert_eq!(answer(compressed).await.unwrap().rejected, 4);
}

#[tokio::test]
async fn one_connection_serves_calls_one_after_another_and_at_once() {
    // conf: GRPC-18, GRPC-19, GRPC-29
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let grpc = terminal(&server);
    export(&grpc, request(1)).await.unwrap();
    let calls: Vec<_> = (0..20).map(|_| tokio::spawn(grpc.clone().oneshot(request(1)))).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    for _ in 0..21 {
        assert_eq!(server.seen().await.connection, 0);
    }
}

#[tokio::test]
async fn an_abandoned_call_takes_its_connection_out_of_use() {
    // conf: SURV-21, GRPC-23
    let mut server =
        Server::start(|call| if call == 0 { Reply::silence() } else { Reply::grpc(SUCCESS, "0") }).await;
    let grpc = terminal(&server);
    let call = tokio::spawn(grpc.clone().oneshot(request(1)));
    assert_eq!(server.seen().await.connection, 0);
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    export(&grpc, request(1)).await.unwrap();
    assert_eq!(server.seen().await.connection, 1);
    export(&grpc, request(1)).await.unwrap();
    assert_eq!(server.seen().await.connection, 1);
}

#[tokio::test]
async fn unix_sockets_carry_grpc_too() {
    // conf: GRPC-16, URL-12
    let name = format!("otlp-grpc-{}-{:?}.sock", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let mut server = Server::on_unix_socket(&path, Reply::grpc(SUCCESS, "0")).await;
    export(&terminal(&server), request(2)).await.unwrap();
    let seen = server.seen().await;
    assert_eq!(seen.uri.authority().unwrap(), "localhost");
    assert_eq!(ExportTraceServiceRequest::decode(&seen.body[5..]).unwrap(), spans(&["checkout", "checkout"]));
    std::fs::remove_file(&path).unwrap();
}
