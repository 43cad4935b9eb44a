//! The gRPC terminal against servers that reset streams, close connections, or do not speak HTTP/2.

#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use h2::Reason;
use otlp_model::{DropReason, ExportRequest, ExportResponse, Signal};
use otlp_transport::{BoxError, ConnectionLost, Disposition, ErrorType, Grpc, GrpcCode, GrpcError, classify};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

type Respond = h2::server::SendResponse<Bytes>;
type Connection = h2::server::Connection<TcpStream, Bytes>;

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"body"))
}

async fn listen() -> (Grpc, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let grpc = Grpc::new(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    (grpc, listener)
}

/// Answers every call of every connection with `answer`, which gets the number of the connection and of its call.
async fn scripted(answer: impl Fn(usize, usize, &mut Connection, Respond) + Send + Sync + 'static) -> Grpc {
    let (grpc, listener) = listen().await;
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut h2 = h2::server::handshake(stream).await.unwrap();
                let mut calls = 0;
                while let Some(Ok((_request, respond))) = h2.accept().await {
                    answer(connection, calls, &mut h2, respond);
                    calls += 1;
                }
            });
        }
    });
    grpc
}

fn ok(mut respond: Respond) {
    let head = http::Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", "0")
        .body(())
        .unwrap();
    respond.send_response(head, true).unwrap();
}

async fn grpc_error(grpc: Grpc) -> Box<GrpcError> {
    let error = grpc.oneshot(request()).await.unwrap_err();
    error.downcast().unwrap_or_else(|other| panic!("another error: {other}"))
}

#[tokio::test]
async fn every_reset_code_has_its_status() {
    // conf: GRPC-08
    for (reason, code) in [
        (Reason::NO_ERROR, GrpcCode::Internal),
        (Reason::PROTOCOL_ERROR, GrpcCode::Internal),
        (Reason::INTERNAL_ERROR, GrpcCode::Internal),
        (Reason::FLOW_CONTROL_ERROR, GrpcCode::Internal),
        (Reason::SETTINGS_TIMEOUT, GrpcCode::Internal),
        (Reason::STREAM_CLOSED, GrpcCode::Unknown),
        (Reason::FRAME_SIZE_ERROR, GrpcCode::Internal),
        (Reason::REFUSED_STREAM, GrpcCode::Unavailable),
        (Reason::CANCEL, GrpcCode::Cancelled),
        (Reason::COMPRESSION_ERROR, GrpcCode::Internal),
        (Reason::CONNECT_ERROR, GrpcCode::Internal),
        (Reason::ENHANCE_YOUR_CALM, GrpcCode::ResourceExhausted),
        (Reason::INADEQUATE_SECURITY, GrpcCode::PermissionDenied),
        (Reason::HTTP_1_1_REQUIRED, GrpcCode::Unknown),
    ] {
        // Before the headers, and after them.
        for headers_first in [false, true] {
            let grpc = scripted(move |_, _, _, mut respond| {
                if headers_first {
                    let head = http::Response::builder()
                        .header("content-type", "application/grpc")
                        .body(())
                        .unwrap();
                    respond.send_response(head, false).unwrap().send_reset(reason);
                } else {
                    respond.send_reset(reason);
                }
            })
            .await;
            let error = grpc_error(grpc).await;
            assert_eq!(error.code(), code, "{reason:?} {headers_first}: {error}");
            let passes = matches!(reason, Reason::REFUSED_STREAM | Reason::CANCEL);
            assert_eq!(classify(&Err(error)).is_retryable(), passes, "{reason:?}");
        }
    }
}

#[tokio::test]
async fn a_graceful_goodbye_costs_no_call() {
    // conf: GRPC-22, SURV-15, GRPC-29
    let connections = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&connections);
    let grpc = scripted(move |connection, _, h2, respond| {
        seen.lock().unwrap().push(connection);
        h2.graceful_shutdown();
        ok(respond);
    })
    .await;
    for _ in 0..50 {
        grpc.clone().oneshot(request()).await.unwrap();
    }
    let connections = connections.lock().unwrap();
    assert_eq!(connections.len(), 50, "{connections:?}");
    assert!(connections.iter().max() > Some(&0), "{connections:?}");
}

#[tokio::test]
async fn a_call_refused_unseen_is_sent_once_more() {
    // conf: GRPC-22, SURV-15
    let refusals = Arc::new(AtomicUsize::new(1));
    let left = Arc::clone(&refusals);
    let grpc = scripted(move |_, _, _, mut respond| {
        if left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            respond.send_reset(Reason::REFUSED_STREAM);
        } else {
            ok(respond);
        }
    })
    .await;
    assert_eq!(grpc.clone().oneshot(request()).await.unwrap(), ExportResponse::success());
    // Once, not for ever.
    refusals.store(2, SeqCst);
    assert_eq!(grpc_error(grpc.clone()).await.code(), GrpcCode::Unavailable);
    assert_eq!(refusals.load(SeqCst), 0);
    assert_eq!(grpc.oneshot(request()).await.unwrap(), ExportResponse::success());
}

#[tokio::test]
async fn an_abrupt_goodbye_is_unavailable_and_the_next_call_connects_anew() {
    // conf: GRPC-22, GRPC-25, GRPC-29
    for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM, Reason::INTERNAL_ERROR] {
        let kept = Mutex::new(Vec::new());
        let grpc = scripted(move |connection, _, h2, respond| {
            if connection == 0 {
                kept.lock().unwrap().push(respond);
                h2.abrupt_shutdown(reason);
            } else {
                ok(respond);
            }
        })
        .await;
        let error = grpc.clone().oneshot(request()).await.unwrap_err();
        let disposition = classify(&Err(error));
        assert!(
            matches!(
                disposition,
                Disposition::Retryable { error_type: ErrorType::Unavailable | ErrorType::Network, .. }
            ),
            "{reason:?}: {disposition}"
        );
        assert_eq!(grpc.oneshot(request()).await.unwrap(), ExportResponse::success());
    }
}

#[tokio::test]
async fn headers_over_the_cap_are_a_final_error() {
    // conf: GRPC-28
    // Those that cost their stream, and those that cost the connection.
    for size in [100_000, 1_000_000, 16_000_000] {
        let grpc = scripted(move |_, _, _, mut respond| {
            let head = http::Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", "0")
                .header("x", "x".repeat(size))
                .body(())
                .unwrap();
            let _ = respond.send_response(head, true);
        })
        .await;
        let error = grpc_error(grpc).await;
        assert_eq!(error.code(), GrpcCode::Internal, "{error}");
        assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::NotRetryable });
    }
}

/// The error of a call to a server that writes `bytes` and closes.
async fn raw(bytes: &'static [u8]) -> BoxError {
    let (grpc, listener) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1000]).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            while stream.read(&mut [0; 1000]).await.is_ok_and(|read| read > 0) {}
        }
    });
    grpc.oneshot(request()).await.unwrap_err()
}

#[tokio::test]
async fn a_connection_that_closes_before_the_answer_may_be_tried_again() {
    // conf: HTTP-15, HTTP-26, GRPC-29
    let error = raw(b"").await;
    assert!(error.is::<ConnectionLost>(), "{error}");
    let network = Disposition::Retryable { error_type: ErrorType::Network, after: None };
    assert_eq!(classify(&Err(error)), network);
}

#[tokio::test]
async fn what_is_no_http2_is_named_as_such() {
    // conf: SURV-19
    let error = raw(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    assert!(error.to_string().ends_with("is this a port for OTLP/gRPC?"), "{error}");
    assert_eq!(classify(&Err(error)), Disposition::Retryable { error_type: ErrorType::Network, after: None });
}
