//! TLS through the tunnel of a proxy: it is the collector that is verified, by its own name, and the proxy sees nothing.

use super::*;
use otlp_transport::ProxyLayer;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A proxy that leads whoever asks to `to`; its URL, and the requests it gets.
async fn proxy(to: SocketAddr) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            asked.send(String::from_utf8(head).unwrap()).unwrap();
            let mut server = TcpStream::connect(to).await.unwrap();
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (url, requests)
}

fn address(endpoint: &str) -> SocketAddr {
    endpoint.strip_prefix("https://").unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_collector_is_verified_through_the_tunnel() {
    // conf: TLS-01, TLS-10, GRPC-24
    const NAME: &str = "https://collector.invalid:4317";
    let (ca, other) = (ca(), TestCa::new("another").unwrap());
    let collector = showing(&ca.server(&["collector.invalid"]).unwrap()).await;
    for (alpn, listener) in [(Alpn::H2, collector.grpc_endpoint()), (Alpn::Http1, collector.http_endpoint())]
    {
        let (url, mut requests) = proxy(address(&listener)).await;
        let send = async |trusted: &TestCa| {
            let tls = trusting(trusted, alpn).build().unwrap();
            let connector = tls.layer(ProxyLayer::new(url.parse().unwrap()).layer(Connector::new()));
            match alpn {
                Alpn::H2 => Grpc::with_connector(parse(NAME), connector).oneshot(request()).await,
                _ => Http::with_connector(parse(NAME), connector).oneshot(request()).await,
            }
        };
        send(&ca).await.unwrap();
        assert!(requests.recv().await.unwrap().starts_with("CONNECT collector.invalid:4317 HTTP/1.1\r\n"));
        let (kind, text) = told(send(&other).await);
        assert_eq!(kind, otlp_transport::TlsErrorKind::Verification, "{text}");
    }
    assert_eq!(collector.tally().calls(), 2);
}
