//! The HTTP terminal against a scripted server: what it makes of every kind of answer.

#![cfg(feature = "http")]
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
    BoxError, Disposition, ErrorType, Http, HttpError, Redirected, ResponseTooLarge, classify,
};
use prost::Message;
use server::{Reply, Server};
use std::time::{Duration, SystemTime};
use tower::ServiceExt;

/// What a collector answers to a request it took whole.
const SUCCESS: &[u8] = b"\x0a\x00";
const PROTOBUF: &str = "application/x-protobuf";

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 10, Bytes::from_static(b"body"))
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
#[cfg(feature = "json")]
async fn answers_in_json_are_read_like_those_in_protobuf() {
    // conf: JSON-20, JSON-21, HTTP-09, HTTP-19, PART-01, PART-04, PART-05, PART-08
    let json = |status, body: &str| {
        Reply::status(status).header("content-type", "application/json; charset=utf-8").frame(body.as_bytes())
    };
    // As found in the wild: the Collector's, an empty object, null, members nobody knows.
    for body in [r#"{"partialSuccess":{}}"#, "{}", r#"{"partialSuccess":null}"#, r#"{"ok":true}"#, " "] {
        assert_eq!(answer(json(200, body)).await.unwrap(), ExportResponse::success(), "{body}");
    }
    let refused = r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}"#;
    let response = answer(json(200, refused)).await.unwrap();
    assert_eq!((response.rejected, response.message.as_deref()), (3, Some("too old")));
    let warned = answer(json(200, r#"{"partialSuccess":{"errorMessage":"slow down"}}"#)).await.unwrap();
    assert_eq!((warned.rejected, warned.message.as_deref()), (0, Some("slow down")));
    for unreadable in ["{\"ok\"", "[]", "accepted"] {
        let response = answer(json(200, unreadable)).await.unwrap();
        assert!(response.message.unwrap().contains("could not be read"), "{unreadable}");
    }
    let failed = error::<HttpError>(json(400, r#"{"code":14,"message":"bad traces","details":[]}"#)).await;
    assert_eq!((failed.status(), failed.message()), (400, "bad traces"));
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
    for password in ["hun?ter2", "hun#ter2", "hun/ter2", "hun@t/er2"] {
        let reply = Reply::status(307).header("location", &format!("http://user:{password}@other/x"));
        assert_eq!(error::<Redirected>(reply).await.location(), Some("http://<redacted>"), "{password}");
    }
    let reply = Reply::status(307).header("location", "https://other/login?for=me@example.com");
    assert_eq!(error::<Redirected>(reply).await.location(), Some("https://other/login"));
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

/// An answer over the limit is final.
fn assert_too_large(error: BoxError, limit: usize) {
    assert_eq!(error.downcast_ref::<ResponseTooLarge>().unwrap().limit(), limit);
    assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::NotRetryable });
}

#[tokio::test]
async fn answers_over_the_limit_are_errors() {
    // conf: HTTP-17, RETRY-16, SURV-22
    let ok = || Reply::status(200).header("content-type", PROTOBUF);
    let large = ok().frame(&vec![0; 5 * 1024 * 1024]);
    assert_too_large(answer(large).await.unwrap_err(), 4 * 1024 * 1024);
    let mut endless = ok();
    for _ in 0..50 {
        endless = endless.frame(&[0; 100 * 1024]);
    }
    assert_too_large(answer(endless.then_hang()).await.unwrap_err(), 4 * 1024 * 1024);
    let server = Server::answering(ok().frame(&[0; 1001])).await;
    let http = terminal(&server).with_max_response_size(1000);
    assert_too_large(export(&http, request()).await.unwrap_err(), 1000);
}

#[tokio::test]
#[cfg(feature = "gzip")]
async fn bombs_stop_at_the_limit() {
    // conf: HTTP-17, COMP-06, SURV-22
    let bomb = gzip(&vec![0; 5_000_000]);
    let with = |status| {
        Reply::status(status).header("content-type", PROTOBUF).header("content-encoding", "gzip").frame(&bomb)
    };
    assert_too_large(answer(with(200)).await.unwrap_err(), 4 * 1024 * 1024);
    // In a failure it is not read, and the failure stays what it is.
    assert_eq!(error::<HttpError>(with(503)).await.status(), 503);
}
