//! The HTTP terminal against servers that break HTTP, and against none at all.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use otlp_model::{DropReason, ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    BoxError, ConnectionLost, Disposition, ErrorType, Http, HttpError, ResponseTooLarge, classify,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::ServiceExt;

const NETWORK: Disposition = Disposition::Retryable { error_type: ErrorType::Network, after: None };

/// A server that reads each connection's request, writes the connection's bytes and closes it. Sends what it read
/// when the client has closed the connection, too.
async fn raw(answers: Vec<&'static [u8]>) -> (Http, mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = Http::new(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    let (sender, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"body") {
                assert_ne!(stream.read_buf(&mut request).await.unwrap(), 0);
            }
            // A client that has read enough may reset the connection.
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
            while stream.read(&mut [0; 100]).await.is_ok_and(|read| read > 0) {}
            let _ = sender.send(request);
        }
    });
    (http, seen)
}

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"body"))
}

async fn answer(bytes: &'static [u8]) -> Result<ExportResponse, BoxError> {
    let (http, _seen) = raw(vec![bytes]).await;
    http.oneshot(request()).await
}

#[tokio::test]
async fn a_connection_that_closes_before_the_answer_may_be_tried_again() {
    // conf: HTTP-15, HTTP-26
    for cut_off in [&b""[..], b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\ncontent-le"] {
        let error = answer(cut_off).await.unwrap_err();
        assert!(error.is::<ConnectionLost>(), "{error}");
        assert!(error.to_string().starts_with("lost the connection to http://127.0.0.1:"), "{error}");
        assert_eq!(classify(&Err(error)), NETWORK);
    }
}

#[tokio::test]
async fn what_is_no_http_is_named_as_such() {
    // conf: SURV-17
    // The first frame of an HTTP/2 server, and garbage.
    for garbage in [&b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\0\0\0"[..], b"SSH-2.0-OpenSSH_9.6\r\n"] {
        let error = answer(garbage).await.unwrap_err();
        assert!(error.to_string().ends_with("is this a port for OTLP/HTTP?"), "{error}");
        assert_eq!(classify(&Err(error)), NETWORK);
    }
}

#[tokio::test]
async fn a_status_survives_the_loss_of_its_body() {
    // conf: SURV-17, HTTP-09, PART-08
    let taken = answer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n\x0a").await.unwrap();
    assert!(taken.message.unwrap().contains("could not be read"));
    let chunked = answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").await.unwrap();
    assert!(chunked.message.unwrap().contains("could not be read"));
    let failed = answer(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 100\r\n\r\n\x12").await.unwrap_err();
    assert_eq!(failed.downcast_ref::<HttpError>().unwrap().status(), 400);
    // No length at all: the body ends with the connection.
    let until_close = answer(b"HTTP/1.0 200 OK\r\n\r\n\x0a\x04\x08\x01\x12\x00").await.unwrap();
    assert_eq!(until_close.rejected, 1);
}

#[tokio::test]
async fn huge_heads_are_not_read_to_their_end() {
    // conf: SURV-17, GRPC-28
    let (head, filler) = ("HTTP/1.1 200 OK\r\nx: ", "x".repeat(1_000_000));
    let endless: &'static str = Box::leak(format!("{head}{filler}").into_boxed_str());
    let error = answer(endless.as_bytes()).await.unwrap_err();
    assert_eq!(error.downcast_ref::<ResponseTooLarge>().unwrap().limit(), 64 * 1024, "{error}");
    assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::NotRetryable });
}

#[tokio::test]
async fn an_idle_connection_that_the_server_closed_costs_nothing() {
    // conf: SURV-16, HTTP-24
    let ok = &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..];
    let (http, mut seen) = raw(vec![ok; 5]).await;
    let mut requests = Vec::new();
    for _ in 0..5 {
        http.clone().oneshot(request()).await.unwrap();
        requests.push(seen.recv().await.unwrap());
    }
    assert!(requests.iter().all(|request| *request == requests[0]));
}
