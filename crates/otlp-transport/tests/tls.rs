//! TLS over real sockets, against the testkit's collector: who is trusted, what failing handshakes say, and rotation.

#![cfg(all(feature = "_tls", feature = "grpc", feature = "http"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "tls/handshake.rs"]
mod handshake;
#[path = "tls/options.rs"]
mod options;
#[path = "tls/reload.rs"]
mod reload;
#[path = "tls/tunnel.rs"]
mod tunnel;

use bytes::Bytes;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_testkit::{Collector, Identity, ServerTls, TestCa};
use otlp_transport::{
    Alpn, BoxError, ConnectError, Connector, Endpoint, Grpc, Http, Pem, TlsBuilder, TlsError, TlsLayer,
};
use tower::{Layer, ServiceExt};

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

fn ca() -> TestCa {
    TestCa::new("authority").unwrap()
}

async fn collector(tls: ServerTls) -> Collector {
    Collector::builder().tls(tls).start().await.unwrap()
}

async fn showing(identity: &Identity) -> Collector {
    collector(ServerTls::new(identity).unwrap()).await
}

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 0, Bytes::new())
}

fn trusting(ca: &TestCa, alpn: Alpn) -> TlsBuilder {
    TlsLayer::builder(alpn).ca(Pem::memory(ca.cert_pem()))
}

fn grpc(endpoint: &str, tls: &TlsLayer) -> Grpc<otlp_transport::Tls<Connector>> {
    Grpc::with_connector(parse(endpoint), tls.layer(Connector::new()))
}

fn http(endpoint: &str, tls: &TlsLayer) -> Http<otlp_transport::Tls<Connector>> {
    Http::with_connector(parse(endpoint), tls.layer(Connector::new()))
}

fn parse(endpoint: &str) -> Endpoint {
    endpoint.parse().unwrap()
}

/// One call over each protocol, with what `options` makes of a builder.
async fn both(
    collector: &Collector,
    options: impl Fn(Alpn) -> TlsBuilder,
) -> [Result<ExportResponse, BoxError>; 2] {
    let over_grpc = grpc(&collector.grpc_endpoint(), &options(Alpn::H2).build().unwrap());
    let over_http = http(&collector.http_endpoint(), &options(Alpn::Http1).build().unwrap());
    [over_grpc.oneshot(request()).await, over_http.oneshot(request()).await]
}

/// The TLS error below a failed connection, and the whole text.
fn told(result: Result<ExportResponse, BoxError>) -> (otlp_transport::TlsErrorKind, String) {
    let error = result.unwrap_err();
    let error = error.downcast::<ConnectError>().unwrap_or_else(|other| panic!("another error: {other}"));
    let text = error.to_string();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&*error);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<TlsError>() {
            return (tls.kind(), text);
        }
        cause = error.source();
    }
    panic!("no TLS error in {error:?}");
}
