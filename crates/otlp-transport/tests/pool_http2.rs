//! The pool against HTTP/2 servers that say goodbye, complain of pings, or vanish.

#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use h2::Reason;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    BoxConnector, Connection, Disposition, Endpoint, ErrorType, Grpc, KeepAlive, PoolConfig, classify,
};
use std::convert::Infallible;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tower::ServiceExt;

type Respond = h2::server::SendResponse<Bytes>;

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"body"))
}

/// A terminal whose connections come out at the other end.
fn dialled(config: PoolConfig) -> (Grpc<BoxConnector>, mpsc::UnboundedReceiver<DuplexStream>) {
    let (sender, connections) = mpsc::unbounded_channel();
    let connector = BoxConnector::new(tower::service_fn(move |_| {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        sender.send(theirs).unwrap();
        async move { Ok::<_, Infallible>(Connection::new(ours)) }
    }));
    (Grpc::with_connector(Endpoint::default_grpc(), connector).with_pool(config).unwrap(), connections)
}

fn ok(mut respond: Respond) {
    let head = http::Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", "0")
        .body(())
        .unwrap();
    respond.send_response(head, true).unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_goodbye_what_is_under_way_ends_and_what_is_new_goes_elsewhere() {
    // conf: GRPC-22, SURV-15, GRPC-29
    let (grpc, mut connections) = dialled(PoolConfig { max_connections: 1, ..PoolConfig::default() });
    let first = tokio::spawn(grpc.clone().oneshot(request()));
    let mut old = h2::server::handshake(connections.recv().await.unwrap()).await.unwrap();
    let (_, held) = old.accept().await.unwrap().unwrap();
    old.graceful_shutdown();
    let old = tokio::spawn(async move { while old.accept().await.is_some() {} });
    // It is noticed without a request, though one is under way; and it does not count against the bound.
    while grpc.pool().stats().draining_connections == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn(grpc.clone().oneshot(request()));
    let mut new = h2::server::handshake(connections.recv().await.unwrap()).await.unwrap();
    ok(new.accept().await.unwrap().unwrap().1);
    tokio::spawn(async move { new.accept().await });
    assert_eq!(second.await.unwrap().unwrap(), ExportResponse::success());
    ok(held);
    assert_eq!(first.await.unwrap().unwrap(), ExportResponse::success());
    old.await.unwrap();
    while grpc.pool().stats().connections_closed == 0 {
        tokio::task::yield_now().await;
    }
    let stats = grpc.pool().stats();
    assert_eq!((stats.draining_connections, stats.idle_connections), (0, 1));
}

/// Takes a request and says, in peace, that it was not looked at.
async fn unseen(mut connection: DuplexStream) {
    let mut read = Vec::new();
    while !read.windows(4).any(|bytes| bytes == b"body") {
        assert_ne!(connection.read_buf(&mut read).await.unwrap(), 0);
    }
    // SETTINGS, and GOAWAY with NO_ERROR after stream 0.
    connection.write_all(b"\0\0\0\x04\0\0\0\0\0").await.unwrap();
    connection.write_all(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0").await.unwrap();
    while connection.read(&mut [0; 1000]).await.is_ok_and(|read| read > 0) {}
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_looked_at_is_sent_again_a_few_times() {
    // conf: GRPC-22
    for (goodbyes, well) in [(3, true), (4, false)] {
        let (grpc, mut connections) = dialled(PoolConfig::default());
        let answer = tokio::spawn(grpc.clone().oneshot(request()));
        for _ in 0..goodbyes {
            tokio::spawn(unseen(connections.recv().await.unwrap()));
        }
        if well {
            let mut server = h2::server::handshake(connections.recv().await.unwrap()).await.unwrap();
            ok(server.accept().await.unwrap().unwrap().1);
            tokio::spawn(async move { server.accept().await });
            assert_eq!(answer.await.unwrap().unwrap(), ExportResponse::success());
        } else {
            let disposition = classify(&Err(answer.await.unwrap().unwrap_err()));
            let unavailable = Disposition::Retryable { error_type: ErrorType::Unavailable, after: None };
            assert_eq!(disposition, unavailable);
        }
    }
}

fn pinging(while_idle: bool) -> PoolConfig {
    let keep_alive = KeepAlive { interval: Duration::from_secs(30), while_idle, ..KeepAlive::default() };
    PoolConfig {
        keep_alive: Some(keep_alive),
        idle_timeout: Duration::from_secs(3600),
        ..PoolConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_complains_of_pings_gets_half_as_many() {
    // conf: GRPC-25
    let (grpc, mut connections) = dialled(pinging(false));
    let mut interval = Duration::from_secs(30);
    for _ in 0..10 {
        assert_eq!(grpc.pool().stats().keep_alive_interval, Some(interval));
        let answer = tokio::spawn(grpc.clone().oneshot(request()));
        let mut server = h2::server::handshake(connections.recv().await.unwrap()).await.unwrap();
        let _held = server.accept().await.unwrap().unwrap();
        server.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        while server.accept().await.is_some() {}
        assert!(classify(&Err(answer.await.unwrap().unwrap_err())).is_retryable());
        interval = (2 * interval).min(Duration::from_secs(7200));
    }
    assert_eq!(interval, Duration::from_secs(7200));
}

/// Never answers a request, and two pings. The third is one too many: GOAWAY with ENHANCE_YOUR_CALM. Returns what passed
/// between the pings.
async fn calm(mut connection: DuplexStream) -> Vec<Duration> {
    const PREFACE: u64 = 24;
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    let copied = tokio::io::copy(&mut (&mut connection).take(PREFACE), &mut tokio::io::sink()).await;
    assert_eq!(copied.unwrap(), PREFACE);
    connection.write_all(b"\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let (mut gaps, mut last) = (Vec::new(), Instant::now());
    loop {
        let mut head = [0; 9];
        connection.read_exact(&mut head).await.unwrap();
        let [a, b, c, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        connection.read_exact(&mut payload).await.unwrap();
        match (kind, flags) {
            (SETTINGS, 0) => connection.write_all(b"\0\0\0\x04\x01\0\0\0\0").await.unwrap(),
            (PING, 0) => {
                gaps.push(last.elapsed());
                last = Instant::now();
                if gaps.len() == 3 {
                    break;
                }
                connection.write_all(b"\0\0\x08\x06\x01\0\0\0\0").await.unwrap();
                connection.write_all(&payload).await.unwrap();
            }
            _ => {}
        }
    }
    connection.write_all(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x0b").await.unwrap();
    while connection.read(&mut [0; 1000]).await.is_ok_and(|read| read > 0) {}
    gaps
}

#[tokio::test(start_paused = true)]
async fn the_pings_themselves_become_rarer_with_each_complaint() {
    // conf: GRPC-25
    let (grpc, mut connections) = dialled(pinging(false));
    for interval in [30, 60, 120, 240].map(Duration::from_secs) {
        let answer = tokio::spawn(grpc.clone().oneshot(request()));
        let server = tokio::spawn(calm(connections.recv().await.unwrap()));
        assert!(classify(&Err(answer.await.unwrap().unwrap_err())).is_retryable());
        assert_eq!(server.await.unwrap(), [interval; 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanished_is_found_by_a_ping() {
    // conf: GRPC-25, SURV-21
    let (grpc, mut connections) = dialled(pinging(false));
    let began = Instant::now();
    let answer = tokio::spawn(grpc.clone().oneshot(request()));
    let vanished = h2::server::handshake(connections.recv().await.unwrap()).await.unwrap();
    let error = answer.await.unwrap().unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 50, "silent for the interval, and no answer for the timeout");
    assert!(classify(&Err(error)).is_retryable());
    drop(vanished);
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_pinged_only_when_asked() {
    // conf: GRPC-25
    for while_idle in [false, true] {
        let (grpc, mut connections) = dialled(PoolConfig { max_age: None, ..pinging(while_idle) });
        let answer = tokio::spawn(grpc.clone().oneshot(request()));
        let mut server = h2::server::handshake(connections.recv().await.unwrap()).await.unwrap();
        ok(server.accept().await.unwrap().unwrap().1);
        // The peer answers, and then nothing any more.
        std::future::poll_fn(|cx| {
            let _ = server.poll_closed(cx);
            std::task::Poll::Ready(())
        })
        .await;
        answer.await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(grpc.pool().stats().connections_closed, u64::from(while_idle));
    }
}
