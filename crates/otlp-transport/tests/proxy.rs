//! The connector layer that goes through a proxy, against proxies that answer all sorts of things.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_transport::{
    BoxError, ConnectError, Connection, Endpoint, Proxy, ProxyError, ProxyLayer, Target, classify,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tower::{Layer, Service, ServiceExt};

const URL: &str = "http://user:hunter2@proxy:3128";

fn collector() -> Target {
    Target::Tcp { host: "collector".into(), port: 4317 }
}

/// A connector to a proxy that reads the request, then does as the test says.
fn behind<F, R>(act: F) -> (Proxy<impl otlp_transport::Connect>, Arc<Mutex<Vec<String>>>)
where
    F: Fn(DuplexStream) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&requests);
    let connector = tower::service_fn(move |target: Target| {
        let (seen, act) = (Arc::clone(&seen), act.clone());
        async move {
            assert_eq!(target, Target::Tcp { host: "proxy".into(), port: 3128 });
            let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(theirs.read_u8().await.unwrap());
                }
                seen.lock().unwrap().push(String::from_utf8(request).unwrap());
                act(theirs).await;
            });
            Ok::<_, BoxError>(Connection::new(ours))
        }
    });
    (ProxyLayer::new(URL.parse().unwrap()).layer(connector), requests)
}

/// A proxy that answers this and then echoes.
fn answering(answer: &'static [u8]) -> (Proxy<impl otlp_transport::Connect>, Arc<Mutex<Vec<String>>>) {
    behind(move |mut stream| async move {
        stream.write_all(answer).await.unwrap();
        let mut buffer = [0; 16];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..length]).await.unwrap();
        }
    })
}

async fn failure(proxy: Proxy<impl otlp_transport::Connect>) -> String {
    let error = proxy.oneshot(collector()).await.map(drop).unwrap_err();
    let error = ConnectError::new(Endpoint::default_grpc(), error);
    let text = error.to_string();
    let all = format!("{text} {error:?}");
    assert!(!all.contains("hunter2") && !all.contains("Basic") && !all.contains("evil"), "{all}");
    assert!(classify(&Err(error.into())).is_retryable());
    text.strip_prefix("failed to connect to http://localhost:4317: the proxy http://proxy:3128 ")
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

#[tokio::test]
async fn a_tunnel_is_asked_for_and_used() {
    let (proxy, requests) = answering(b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\n");
    let mut connection = proxy.oneshot(collector()).await.unwrap();
    connection.write_all(b"hello").await.unwrap();
    let mut echo = [0; 5];
    connection.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"hello");
    assert_eq!(
        *requests.lock().unwrap(),
        [
            "CONNECT collector:4317 HTTP/1.1\r\nhost: collector:4317\r\nproxy-authorization: Basic dXNlcjpodW50ZXIy\r\n\r\n"
        ]
    );
}

#[tokio::test]
async fn what_the_receiver_says_first_is_not_lost() {
    let (proxy, _) = answering(b"HTTP/1.0 200\r\n\r\nthe receiver speaks");
    let mut connection = proxy.oneshot(collector()).await.unwrap();
    let mut first = [0; 3];
    connection.read_exact(&mut first).await.unwrap();
    connection.write_all(b", then we").await.unwrap();
    let mut rest = [0; 25];
    connection.read_exact(&mut rest).await.unwrap();
    assert_eq!((&first, &rest), (b"the", b" receiver speaks, then we"));
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let (proxy, _) = behind(|mut stream| async move {
        for byte in b"HTTP/1.1 200 OK\r\n\r\nx" {
            stream.write_u8(*byte).await.unwrap();
            tokio::task::yield_now().await;
        }
        std::future::pending().await
    });
    let mut connection = proxy.oneshot(collector()).await.unwrap();
    assert_eq!(connection.read_u8().await.unwrap(), b'x');
}

#[tokio::test]
async fn refusals_say_their_status_and_what_to_do() {
    // conf: HDR-09
    for (answer, expected) in [
        (
            &b"HTTP/1.1 407 evil\r\nproxy-authenticate: Basic\r\ncontent-length: 4\r\n\r\nevil"[..],
            "answered 407 Proxy Authentication Required when it was asked for collector:4317; it does not take this user and password",
        ),
        (
            b"HTTP/1.1 403 Forbidden\r\n\r\n",
            "answered 403 Forbidden when it was asked for collector:4317; does it allow CONNECT to this host and port?",
        ),
        (
            b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
            "answered 502 Bad Gateway when it was asked for collector:4317; it could not reach the receiver",
        ),
        (
            b"HTTP/1.1 302 x\r\nlocation: http://evil/\r\n\r\n",
            "answered 302 Found when it was asked for collector:4317",
        ),
        (b"HTTP/1.1 666\r\n\r\n", "answered 666 when it was asked for collector:4317"),
        (b"SSH-2.0-evil\r\n", "did not answer in HTTP/1; is there a proxy at this address?"),
        (b"\x15\x03\x01\0\x02\x02\x46", "did not answer in HTTP/1; is there a proxy at this address?"),
        (b"HTTP/1.1 evil\r\n\r\n", "did not answer in HTTP/1; is there a proxy at this address?"),
    ] {
        let (proxy, _) = answering(answer);
        assert_eq!(failure(proxy).await, expected);
    }
    let anonymous = ProxyLayer::new("http://proxy:3128".parse().unwrap());
    let connector = tower::service_fn(|_: Target| async {
        let (ours, mut theirs) = tokio::io::duplex(1024);
        theirs.write_all(b"HTTP/1.1 407 x\r\n\r\n").await?;
        tokio::spawn(async move { theirs.read_to_end(&mut Vec::new()).await });
        Ok::<_, std::io::Error>(Connection::new(ours))
    });
    let error = failure(anonymous.layer(connector)).await;
    assert!(error.ends_with("; it wants a user and password: http://user:password@proxy:port"), "{error}");
}

#[tokio::test]
async fn the_status_can_be_asked_for() {
    let (proxy, _) = answering(b"HTTP/1.1 407 x\r\n\r\n");
    let error = proxy.oneshot(collector()).await.map(drop).unwrap_err();
    assert_eq!(error.downcast_ref::<ProxyError>().and_then(ProxyError::status), Some(407));
}

#[tokio::test]
async fn a_proxy_that_closes_is_an_error_at_once() {
    let (proxy, _) = behind(|stream| async { drop(stream) });
    assert_eq!(failure(proxy).await, "closed the connection when it was asked for collector:4317");
    let (proxy, _) = behind(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nhalf: a he").await.unwrap();
    });
    assert_eq!(failure(proxy).await, "closed the connection when it was asked for collector:4317");
}

#[tokio::test(start_paused = true)]
async fn silence_and_dripping_are_bounded_in_time() {
    // conf: TIME-02
    let (silent, _) = behind(|stream| async move {
        let _open = stream;
        std::future::pending().await
    });
    let (dripping, _) = behind(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let expected = "gave no connection to collector:4317 within 10s";
    let started = tokio::time::Instant::now();
    assert_eq!(failure(silent).await, expected);
    assert_eq!(failure(dripping).await, expected);
    assert_eq!(started.elapsed(), Duration::from_secs(20));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let (proxy, _) = behind(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 1024]).await.is_ok() {}
    });
    assert_eq!(failure(proxy).await, "answered with more headers than are read");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_says_so_and_not_that_the_collector_is() {
    let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let connector = tower::service_fn(move |_: Target| async move { Err::<Connection, _>(refused()) });
    let proxy = ProxyLayer::new(URL.parse().unwrap()).layer(connector);
    assert_eq!(failure(proxy).await, "cannot be reached: connection refused; check its address");
}

#[tokio::test]
async fn a_unix_socket_is_reached_without_it() {
    let socket = Target::Unix { path: "/run/otlp.sock".into() };
    let asked = Arc::new(Mutex::new(Vec::new()));
    let targets = Arc::clone(&asked);
    let connector = tower::service_fn(move |target: Target| {
        targets.lock().unwrap().push(target);
        let (ours, _theirs) = tokio::io::duplex(16);
        async { Ok::<_, BoxError>(Connection::new(ours)) }
    });
    let mut proxy = ProxyLayer::new(URL.parse().unwrap()).layer(connector);
    proxy.ready().await.unwrap().call(socket.clone()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), [socket]);
}

#[tokio::test]
async fn a_host_that_would_break_the_request_is_refused() {
    // conf: HDR-08
    let (proxy, requests) = answering(b"HTTP/1.1 200 OK\r\n\r\n");
    let target = Target::Tcp { host: "evil\r\nx-evil: 1\r\n".into(), port: 1 };
    let error = proxy.oneshot(target).await.map(drop).unwrap_err();
    assert!(error.to_string().contains("such characters"), "{error}");
    assert!(requests.lock().unwrap().is_empty());
}
