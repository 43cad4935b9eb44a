//! The HTTP terminal against a scripted server: what it sends, and over which connections.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/server.rs"]
mod server;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlp_model::{Body, DropReason, Encoding, ExportRequest, ExportResponse, Format, Signal, Undelivered};
use otlp_transport::{BoxError, Endpoint, Http, InvalidHeader, RequestTooLarge};
use prost::Message;
use server::{Reply, Server};
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
    ExportRequest::new(Signal::Traces, 10, span().encode_to_vec())
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

/// More slices than one vectored write takes.
#[tokio::test]
async fn a_body_in_slices_is_one_body_on_the_wire() {
    // conf: HTTP-23
    let mut server = Server::answering(success()).await;
    let slices: Vec<_> = (0..200_usize).map(|at| Bytes::from(vec![at as u8; 100 * at])).collect();
    let request = ExportRequest::new(Signal::Traces, 1, slices.iter().cloned().collect::<Body>());
    export(&terminal(&server), request).await.unwrap();
    let seen = server.seen().await;
    assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
    assert!(seen.body == slices.concat(), "the same bytes in the same order");
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
    let large = ExportRequest::new(Signal::Traces, 1, vec![0; 101])
        .with_encoding(Encoding::Gzip, Bytes::from_static(b"small"));
    let error = export(&http, large).await.unwrap_err();
    assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::TooLarge));
    let cause = error.source().unwrap().downcast_ref::<RequestTooLarge>();
    assert_eq!(cause, Some(&RequestTooLarge { size: 101, limit: 100 }));
    assert!(server.is_quiet());
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
