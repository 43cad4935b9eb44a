//! Connections: what failing ones say, how long they are tried for, and connectors of users.

#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/server.rs"]
mod server;

use bytes::Bytes;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    BoxConnector, BoxError, ConnectError, Connection, Disposition, Endpoint, ErrorType, Grpc, Target,
    classify,
};
use server::{Reply, Server};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpSocket;
use tower::{ServiceBuilder, ServiceExt};

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"body"))
}

async fn failure(endpoint: &str) -> Box<ConnectError> {
    let error = Grpc::new(endpoint.parse().unwrap()).oneshot(request()).await.unwrap_err();
    let error = error.downcast::<ConnectError>().unwrap_or_else(|other| panic!("another error: {other}"));
    assert_eq!(error.endpoint().to_string(), endpoint);
    error
}

/// The text of `error` and of all its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text} <- {error}");
        cause = error.source();
    }
    text
}

/// A socket with a port that nobody listens on, nor can as long as it is kept.
fn refusing() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

#[tokio::test]
async fn a_refused_connection_says_so_and_what_to_do() {
    // conf: HTTP-16, SURV-23
    let refusing = refusing();
    let endpoint = format!("http://{}", refusing.local_addr().unwrap());
    let error = failure(&endpoint).await;
    assert_eq!(
        error.to_string(),
        format!(
            "failed to connect to {endpoint}: connection refused; is the collector running and listening there?"
        )
    );
    assert_eq!(error.io_kind(), Some(io::ErrorKind::ConnectionRefused));
    assert!(chain(&*error).contains("tcp connect error"), "{}", chain(&*error));
    assert_eq!(classify(&Err(error)), Disposition::Retryable { error_type: ErrorType::Network, after: None });
}

#[tokio::test]
async fn a_missing_socket_says_so() {
    // conf: HTTP-16
    let error = failure("unix:///nowhere/otlp.sock").await;
    let text = error.to_string();
    assert!(text.contains("entity not found; there is no such socket: is the collector running?"), "{text}");
}

#[tokio::test]
async fn an_unknown_name_says_so() {
    // conf: HTTP-16
    // A label of more than 63 characters cannot be asked for, so this fails at once, with and without a network.
    let endpoint = format!("http://{}.invalid:4317", "x".repeat(70));
    let text = failure(&endpoint).await.to_string();
    assert!(text.starts_with(&format!("failed to connect to {endpoint}: failed to lookup")), "{text}");
}

#[tokio::test]
async fn connectors_of_users_see_the_target_and_choose_where_to_go() {
    let mut server = Server::answering(Reply::grpc(b"", "0")).await;
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    // A layer that redirects, around a connector of one's own.
    let connector = ServiceBuilder::new()
        .map_request(move |target: Target| {
            assert_eq!(target, Target::Tcp { host: "collector.internal".into(), port: 4317 });
            counted.fetch_add(1, Ordering::SeqCst);
            address.clone()
        })
        .service_fn(|address: String| async move {
            Ok::<_, BoxError>(Connection::new(tokio::net::TcpStream::connect(address).await?))
        });
    let endpoint: Endpoint = "http://collector.internal:4317".parse().unwrap();
    let grpc = Grpc::with_connector(endpoint, BoxConnector::new(connector));
    assert_eq!(count.load(Ordering::SeqCst), 0);
    for _ in 0..3 {
        assert_eq!(grpc.clone().oneshot(request()).await.unwrap(), ExportResponse::success());
        assert_eq!(server.seen().await.uri.authority().unwrap(), "collector.internal:4317");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failing_connector_is_a_failed_connection() {
    let connector =
        tower::service_fn(|_: Target| async { Err::<Connection, _>(BoxError::from("proxy says no")) });
    let error =
        Grpc::with_connector(Endpoint::default_grpc(), connector).oneshot(request()).await.unwrap_err();
    assert_eq!(error.to_string(), "failed to connect to http://localhost:4317: proxy says no");
    assert_eq!(classify(&Err(error)), Disposition::Retryable { error_type: ErrorType::Network, after: None });
}

#[tokio::test]
async fn the_collector_may_come_after_the_client() {
    // conf: SURV-23, GRPC-29
    let name = format!("otlp-late-{}-{:?}.sock", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let grpc = Grpc::new(format!("unix://{}", path.display()).parse().unwrap());
    assert!(grpc.clone().oneshot(request()).await.unwrap_err().is::<ConnectError>());
    let _server = Server::on_unix_socket(&path, Reply::grpc(b"", "0")).await;
    assert_eq!(grpc.oneshot(request()).await.unwrap(), ExportResponse::success());
    std::fs::remove_file(&path).unwrap();
}
