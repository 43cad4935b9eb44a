//! The unix socket: both protocols on one path.

#![cfg(unix)]

use crate::client::{JSON, export, read, spans};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use otlp_testkit::{Collector, Error, Peer, Protocol};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tonic::transport::Endpoint;

/// A path that no other test and no other run uses at the same time.
fn path() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("otlp-testkit-{}-{}.sock", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

#[tokio::test]
async fn grpc_and_http_share_the_socket() {
    let path = path();
    let collector = Collector::builder().unix(&path).start().await.unwrap();
    assert_eq!(collector.unix_endpoint(), format!("unix:{}", path.display()));
    let channel = Endpoint::from_shared(collector.unix_endpoint()).unwrap().connect_lazy();
    export(&channel, spans(2)).await.unwrap();

    let stream = TokioIo::new(tokio::net::UnixStream::connect(&path).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("/v1/traces").header("host", "localhost").header(JSON.0, JSON.1);
    let response =
        sender.send_request(request.body(Full::new(bytes::Bytes::from("{}"))).unwrap()).await.unwrap();
    assert_eq!(read(response).await.unwrap().status, 200);

    let protocols: Vec<_> = collector.received().calls().map(|call| (call.protocol, call.peer)).collect();
    assert_eq!(protocols, [(Protocol::Grpc, Peer::Unix), (Protocol::Http, Peer::Unix)]);
}

#[tokio::test]
async fn it_restarts_on_the_same_path_and_cleans_up() {
    let path = path();
    let collector = Collector::builder().unix(&path).start().await.unwrap();
    let channel = Endpoint::from_shared(collector.unix_endpoint()).unwrap().connect_lazy();
    collector.kill().await.unwrap();
    assert!(path.exists(), "a crash leaves its socket file");
    export(&channel, spans(1)).await.unwrap_err();
    collector.restart().await.unwrap();
    export(&channel, spans(1)).await.unwrap();
    collector.stop().await.unwrap();
    assert!(!path.exists());
    collector.restart().await.unwrap();
    drop(collector);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_path_in_use_is_an_error_and_left_alone() {
    let path = path();
    let first = Collector::builder().unix(&path).start().await.unwrap();
    let error = Collector::builder().unix(&path).start().await.unwrap_err();
    assert!(matches!(&error, Error::Listen { address, .. } if address.contains("otlp-testkit")), "{error}");
    assert!(path.exists());
    drop(first);
}
