//! The HTTP terminal against a scripted server: what it sends, and what it makes of every kind of answer.

#![cfg(feature = "http")]
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
    BoxError, Disposition, Endpoint, ErrorType, Http, HttpError, InvalidHeader, Redirected, RequestTooLarge,
    ResponseTooLarge, classify,
};
use prost::Message;
use server::{Reply, Server};
use std::time::{Duration, SystemTime};
use tower::ServiceExt;

/// What a collector answers to a request it took whole.
const SUCCESS: &[u8] = b"\x0a\x00";
const PROTOBUF: &str = "application/x-protobuf";

fn span() -> ExportTraceServiceRequest {
    let spans = vec![Span { name: "checkout".to_owned(), ..Span::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    }
}

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 10, span().encode_to_vec().into())
}

fn success() -> Reply {
    Reply::status(200).header("content-type", PROTOBUF).frame(SUCCESS)
}

fn terminal(server: &Server) -> Http {
    Http::new(server.url.parse().unwrap())
}

async fn export(http: &Http, request: ExportRequest) -> Result<ExportResponse, BoxError> {
    http.clone().oneshot(request).await
}

async fn answer(reply: Reply) -> Result<ExportResponse, BoxError> {
    let server = Server::answering(reply).await;
    export(&terminal(&server), request()).await
}

/// The error of an answer, as the type it must have.
async fn error<E: std::error::Error + 'static>(reply: Reply) -> Box<E> {
    answer(reply).await.unwrap_err().downcast::<E>().unwrap_or_else(|other| panic!("another error: {other}"))
}

/// The same over memory, for answers that never end: time is paused and passes by itself.
async fn answer_in_paused_time(reply: Reply) -> Result<ExportResponse, BoxError> {
    let (server, connector) = Server::in_memory(move |_| reply.clone());
    Http::with_connector(server.url.parse().unwrap(), connector).oneshot(request()).await
}

#[cfg(feature = "gzip")]
fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_request_is_what_otlp_http_says() {
    // conf: HTTP-01, HTTP-02, HTTP-04, HTTP-23, GRPC-30, COMP-02, COMP-04, UA-01, URL-02
    let mut server = Server::answering(success()).await;
    let http = terminal(&server);
    for (signal, path) in
        [(Signal::Traces, "/v1/traces"), (Signal::Metrics, "/v1/metrics"), (Signal::Logs, "/v1/logs")]
    {
        let request = ExportRequest::new(signal, 10, request().body().clone());
        assert_eq!(export(&http, request).await.unwrap(), ExportResponse::success());
        let seen = server.seen().await;
        assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("POST", path));
        assert_eq!(seen.version, http::Version::HTTP_11);
        assert_eq!(format!("http://{}", seen.header("host").unwrap()), server.url);
        assert_eq!(seen.header("content-type"), Some(PROTOBUF));
        assert_eq!(seen.header("content-encoding"), None);
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
        assert_eq!(seen.header("accept-encoding").is_some(), cfg!(any(feature = "gzip", feature = "zstd")));
        let agent = seen.header("user-agent").unwrap();
        assert_eq!(agent, concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION")));
        assert_eq!(ExportTraceServiceRequest::decode(seen.body).unwrap(), span());
    }
}

#[tokio::test]
async fn paths_and_queries_of_endpoints_are_honoured() {
    // conf: HTTP-22, URL-01, URL-02, URL-07
    let mut server = Server::answering(success()).await;
    let base: Endpoint = format!("{}/x?key=1", server.url).parse().unwrap();
    for (endpoint, uri) in [(base.clone(), "/x/v1/traces?key=1"), (base.per_signal(), "/x?key=1")] {
        export(&Http::new(endpoint), request()).await.unwrap();
        assert_eq!(server.seen().await.uri.to_string(), uri);
    }
}

#[tokio::test]
async fn formats_and_encodings_are_named() {
    // conf: JSON-01, COMP-02, HTTP-04
    let mut server = Server::answering(success()).await;
    let http = terminal(&server);
    export(&http, request().with_format(Format::Json, Bytes::from_static(b"{}"))).await.unwrap();
    assert_eq!(server.seen().await.header("content-type"), Some("application/json"));
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let compressed = Bytes::from(vec![7; 20]);
        export(&http, request().with_encoding(encoding, compressed.clone())).await.unwrap();
        let seen = server.seen().await;
        assert_eq!(seen.header("content-encoding"), Some(encoding.as_str()));
        assert_eq!(seen.header("content-type"), Some(PROTOBUF));
        assert_eq!(seen.body, compressed);
    }
    // Nothing to send is sent, too.
    export(&http, ExportRequest::new(Signal::Logs, 0, Bytes::new())).await.unwrap();
    assert_eq!(server.seen().await.header("content-length"), Some("0"));
}

#[tokio::test]
async fn headers_of_layers_are_sent_and_checked() {
    // conf: HDR-07, HDR-08, HDR-09, UA-02
    let mut server = Server::answering(success()).await;
    let mut tagged = request();
    tagged.add_header("Authorization", "Bearer hunter2");
    tagged.add_header("User-Agent", "MyDistro/1.2");
    export(&terminal(&server), tagged).await.unwrap();
    let seen = server.seen().await;
    assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
    assert!(seen.header("user-agent").unwrap().starts_with("MyDistro/1.2 OTel-OTLP-Exporter-Rust/"));
    for (name, value) in
        [("content-length", "1"), ("host", "x"), ("transfer-encoding", "chunked"), ("x", "a\r\nhunter2: b")]
    {
        let mut bad = request();
        bad.add_header(name, value);
        let error = export(&terminal(&server), bad).await.unwrap_err();
        assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::EncodeFailed));
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(error.source().unwrap().downcast_ref::<InvalidHeader>().unwrap().name(), name);
    }
    assert!(server.is_quiet());
}

#[tokio::test]
async fn requests_over_the_limit_are_not_sent() {
    // conf: HTTP-18, COMP-06
    let mut server = Server::answering(success()).await;
    let http = terminal(&server).with_max_request_size(100);
    let large = ExportRequest::new(Signal::Traces, 1, vec![0; 101].into())
        .with_encoding(Encoding::Gzip, Bytes::from_static(b"small"));
    let error = export(&http, large).await.unwrap_err();
    assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::TooLarge));
    let cause = error.source().unwrap().downcast_ref::<RequestTooLarge>();
    assert_eq!(cause, Some(&RequestTooLarge { size: 101, limit: 100 }));
    assert!(server.is_quiet());
}

#[tokio::test]
async fn any_2xx_is_success_whatever_its_body() {
    // conf: HTTP-08, HTTP-19, PART-08, SURV-13, SURV-20, DEC-16
    for status in [200, 201, 202, 204, 206, 299] {
        let reply = Reply::status(status);
        assert_eq!(answer(reply).await.unwrap(), ExportResponse::success(), "{status}");
    }
    assert_eq!(answer(success()).await.unwrap(), ExportResponse::success());
    assert_eq!(answer(Reply::status(200).frame(SUCCESS)).await.unwrap(), ExportResponse::success());
    for unreadable in [
        Reply::status(200).header("content-type", PROTOBUF).frame(b"\xff\xff\xff"),
        Reply::status(200).header("content-type", "text/html").frame(b"<html>ok</html>"),
        Reply::status(200).header("content-type", PROTOBUF).header("content-encoding", "br").frame(b"x"),
        Reply::status(200).header("content-type", PROTOBUF).header("content-encoding", "gzip").frame(b"x"),
        Reply::status(200).header("content-type", "application/json").frame(b"{\"ok\""),
    ] {
        let response = answer(unreadable).await.unwrap();
        assert_eq!(response.rejected, 0);
        let message = response.message.unwrap();
        assert!(message.contains("could not be read"), "{message}");
    }
}

#[tokio::test]
async fn partial_success_is_success_with_a_count() {
    // conf: PART-01, PART-02, PART-03, PART-04, PART-05, PART-06
    let partial = |rejected_spans, message: &str| {
        let partial = ExportTracePartialSuccess { rejected_spans, error_message: message.into() };
        let response = ExportTraceServiceResponse { partial_success: Some(partial) };
        Reply::status(200).header("content-type", PROTOBUF).frame(&response.encode_to_vec())
    };
    let response = answer(partial(3, "too old")).await.unwrap();
    assert_eq!((response.rejected, response.message.as_deref()), (3, Some("too old")));
    assert_eq!(classify(&Ok(response)), Disposition::Delivered { rejected: 3 });
    let response = answer(partial(0, "slow down")).await.unwrap();
    assert_eq!((response.rejected, response.message.as_deref()), (0, Some("slow down")));
    assert_eq!(answer(partial(0, "")).await.unwrap(), ExportResponse::success());
    assert_eq!(answer(partial(-5, "")).await.unwrap().rejected, 0);
    assert_eq!(answer(partial(i64::MAX, "")).await.unwrap().rejected, 10);
}

#[tokio::test]
async fn every_failing_status_comes_through() {
    // conf: HTTP-11, HTTP-12, HTTP-13, SURV-03, SURV-09, COMP-07
    let server = Server::start(|call| Reply::status(400 + u16::try_from(call).unwrap()).frame(b"no")).await;
    let http = terminal(&server);
    for status in 400..600 {
        let error = export(&http, request()).await.unwrap_err();
        assert_eq!(error.downcast_ref::<HttpError>().unwrap().status(), status);
        let may_pass = matches!(status, 429 | 502 | 503 | 504);
        assert_eq!(classify(&Err(error)).is_retryable(), may_pass, "{status}");
    }
}

#[tokio::test]
async fn the_status_in_a_failures_body_is_told_and_not_obeyed() {
    // conf: HTTP-09, HTTP-10, SURV-10, SURV-11
    // Its code says UNAVAILABLE; what counts is 400.
    let body = status::status(14, "bad\ntraces", None);
    let reply = Reply::status(400).header("content-type", PROTOBUF).frame(&body);
    let failed = error::<HttpError>(reply).await;
    assert_eq!((failed.status(), failed.message()), (400, "bad traces"));
    assert!(failed.to_string().ends_with("answered 400 Bad Request: bad traces"), "{failed}");
    assert_eq!(classify(&Err(failed)), Disposition::Permanent { reason: DropReason::NotRetryable });
    // Without a content type it is taken to be that of the request; a long message is cut.
    let long = Reply::status(500).frame(&status::status(13, &"x".repeat(10_000), None));
    assert!((1000..1100).contains(&error::<HttpError>(long).await.message().len()));
}

#[tokio::test]
async fn foreign_missing_and_broken_bodies_of_failures_change_nothing() {
    // conf: HTTP-09, SURV-09, SURV-17, SURV-18
    let server =
        |body: &[u8], content_type: &str| Reply::status(503).header("content-type", content_type).frame(body);
    for reply in [
        Reply::status(503),
        server(b"<html><h1>503</h1></html>", "text/html"),
        server(b"unavailable", "text/plain"),
        server(b"\x12\xff", PROTOBUF),
        server(b"{\"code\":", "application/json"),
        server(&vec![b'x'; 1_000_000], "text/html"),
        server(b"x", PROTOBUF).header("content-encoding", "gzip"),
    ] {
        let failed = error::<HttpError>(reply).await;
        assert_eq!((failed.status(), failed.message()), (503, ""));
        let unavailable = Disposition::Retryable { error_type: ErrorType::Unavailable, after: None };
        assert_eq!(classify(&Err(failed)), unavailable);
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_without_end_do_not_hang_the_attempt() {
    // conf: SURV-17, SURV-22, PART-08
    let begun = |status| Reply::status(status).header("content-type", PROTOBUF).frame(SUCCESS).then_hang();
    let failed = answer_in_paused_time(begun(400)).await.unwrap_err();
    assert_eq!(failed.downcast_ref::<HttpError>().unwrap().status(), 400);
    let response = answer_in_paused_time(begun(200)).await.unwrap();
    assert!(response.message.unwrap().contains("did not arrive in time"));
}

#[tokio::test]
async fn retry_after_is_read_in_both_forms() {
    // conf: HTTP-14, RETRY-09, SURV-08, DEC-06
    for status in [429, 502, 503, 504] {
        let failed = error::<HttpError>(Reply::status(status).header("retry-after", "7")).await;
        assert_eq!(failed.retry_after(), Some(Duration::from_secs(7)));
        assert!(failed.to_string().contains("asks to wait 7s"), "{failed}");
        match classify(&Err(failed)) {
            Disposition::Retryable { after: Some(after), .. } => assert_eq!(after, Duration::from_secs(7)),
            other => panic!("{status}: {other:?}"),
        }
    }
    #[expect(clippy::disallowed_methods, reason = "an HTTP date means the wall clock")]
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(600));
    let wait =
        error::<HttpError>(Reply::status(503).header("retry-after", &date)).await.retry_after().unwrap();
    assert!((Duration::from_secs(500)..=Duration::from_secs(600)).contains(&wait), "{wait:?}");
    for nothing in ["0", "soon", "-1", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let failed = error::<HttpError>(Reply::status(503).header("retry-after", nothing)).await;
        assert_eq!(failed.retry_after(), None, "{nothing}");
    }
}

#[tokio::test]
async fn redirects_are_named_and_not_followed() {
    // conf: HTTP-20
    let mut elsewhere = Server::answering(success()).await;
    let location = format!("{}/v1/traces", elsewhere.url);
    for status in [301, 302, 303, 307, 308] {
        let mut server =
            Server::answering(Reply::status(status).header("location", &format!("{location}?token=hunter2")))
                .await;
        let mut secret = request();
        secret.add_header("authorization", "Bearer hunter2");
        let error = export(&terminal(&server), secret).await.unwrap_err();
        let redirected = error.downcast_ref::<Redirected>().unwrap();
        assert_eq!((redirected.status(), redirected.location()), (status, Some(location.as_str())));
        assert!(error.to_string().contains(&location) && !error.to_string().contains("hunter2"), "{error}");
        assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::NotRetryable });
        server.seen().await;
    }
    assert!(elsewhere.is_quiet());
    // Without a Location, and with one that holds credentials.
    assert_eq!(error::<Redirected>(Reply::status(304)).await.location(), None);
    let reply = Reply::status(307).header("location", "http://user:hunter2@other/x#y");
    assert_eq!(error::<Redirected>(reply).await.location(), Some("http://other/x"));
}

#[tokio::test]
#[cfg(feature = "gzip")]
async fn compressed_answers_are_read() {
    // conf: COMP-04
    let partial = ExportTracePartialSuccess { rejected_spans: 4, error_message: String::new() };
    let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let reply = Reply::status(200).header("content-type", PROTOBUF).header("content-encoding", "gzip");
    assert_eq!(answer(reply.frame(&gzip(&body))).await.unwrap().rejected, 4);
    let reply = Reply::status(400).header("content-type", PROTOBUF).header("content-encoding", "gzip");
    let reply = reply.frame(&gzip(&status::status(3, "no", None)));
    assert_eq!(error::<HttpError>(reply).await.message(), "no");
}

#[tokio::test]
#[cfg(feature = "gzip")]
async fn answers_over_the_limit_are_errors_before_and_after_decompression() {
    // conf: HTTP-17, COMP-06, SURV-22, RETRY-16
    let too_large = |error: Box<ResponseTooLarge>, limit| {
        assert_eq!(error.limit(), limit);
        assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::NotRetryable });
    };
    let plain = || Reply::status(200).header("content-type", PROTOBUF);
    too_large(error(plain().frame(&vec![0; 5 * 1024 * 1024])).await, 4 * 1024 * 1024);
    let mut chunked = plain();
    for _ in 0..50 {
        chunked = chunked.frame(&[0; 100 * 1024]);
    }
    too_large(error(chunked.then_hang()).await, 4 * 1024 * 1024);
    let bomb = plain().header("content-encoding", "gzip").frame(&gzip(&vec![0; 5_000_000]));
    too_large(error(bomb.clone()).await, 4 * 1024 * 1024);
    let server = Server::answering(plain().frame(&[0; 1001])).await;
    let error_of_own = export(&terminal(&server).with_max_response_size(1000), request()).await.unwrap_err();
    too_large(error_of_own.downcast().unwrap(), 1000);
    // A bomb in a failure is not read, and the failure stays what it is.
    let mut busy = Reply::status(503).header("content-encoding", "gzip").frame(&gzip(&vec![0; 5_000_000]));
    busy = busy.header("content-type", PROTOBUF);
    assert_eq!(error::<HttpError>(busy).await.status(), 503);
}

#[tokio::test]
async fn the_connection_is_kept_between_requests_and_after_failures() {
    // conf: HTTP-06, HTTP-25, GRPC-29
    let mut server = Server::start(|call| match call {
        0 => success(),
        1 => Reply::status(503).frame(b"busy"),
        2 => Reply::status(307).header("location", "/x").frame(b"there"),
        // Too much to read: the connection is discarded.
        3 => Reply::status(503).frame(&vec![0; 1_000_000]),
        _ => success(),
    })
    .await;
    let http = terminal(&server);
    let mut connections = Vec::new();
    for _ in 0..6 {
        let _ = export(&http, request()).await;
        connections.push(server.seen().await.connection);
    }
    assert_eq!(connections, [0, 0, 0, 0, 1, 1]);
}

#[tokio::test]
async fn requests_at_once_have_connections_of_their_own() {
    // conf: HTTP-07
    let mut server = Server::answering(Reply::silence()).await;
    let http = terminal(&server);
    let calls: Vec<_> = (0..3).map(|_| tokio::spawn(http.clone().oneshot(request()))).collect();
    let mut connections = Vec::new();
    for _ in &calls {
        connections.push(server.seen().await.connection);
    }
    connections.sort_unstable();
    assert_eq!(connections, [0, 1, 2]);
    calls.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn unix_sockets_carry_http_too() {
    // conf: URL-12
    let name = format!("otlp-http-{}-{:?}.sock", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let mut server = Server::on_unix_socket(&path, success()).await;
    export(&terminal(&server), request()).await.unwrap();
    let seen = server.seen().await;
    assert_eq!((seen.header("host"), seen.uri.path()), (Some("localhost"), "/v1/traces"));
    std::fs::remove_file(&path).unwrap();
}
