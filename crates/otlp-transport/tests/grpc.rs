//! The gRPC terminal against a scripted HTTP/2 server: what it sends, and over which connections.

#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/server.rs"]
mod server;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otlp_model::{Body, DropReason, Encoding, ExportRequest, ExportResponse, Format, Signal, Undelivered};
use otlp_transport::{
    BoxError, Disposition, Endpoint, Grpc, InvalidHeader, RequestTooLarge, UnsupportedFormat, classify,
};
use prost::Message;
use server::{Reply, Server, framed};
use std::time::Duration;
use tower::ServiceExt;

/// What a collector answers to a request it took whole.
const SUCCESS: &[u8] = b"\x0a\x00";

fn spans(names: &[&str]) -> ExportTraceServiceRequest {
    let spans = names.iter().map(|name| Span { name: (*name).to_owned(), ..Span::default() }).collect();
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    }
}

fn request(items: u64) -> ExportRequest {
    let names: Vec<&str> = (0..items).map(|_| "checkout").collect();
    ExportRequest::new(Signal::Traces, items, spans(&names).encode_to_vec())
}

fn terminal(server: &Server) -> Grpc {
    Grpc::new(server.url.parse().unwrap())
}

async fn export(grpc: &Grpc, request: ExportRequest) -> Result<ExportResponse, BoxError> {
    grpc.clone().oneshot(request).await
}

#[tokio::test]
async fn a_call_is_what_the_grpc_protocol_says() {
    // conf: GRPC-01, GRPC-03, GRPC-04, GRPC-30, COMP-03, UA-01, UA-03, URL-10
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let endpoint: Endpoint = format!("{}/base/v1/traces?key=1", server.url).parse().unwrap();
    let grpc = Grpc::new(endpoint);
    for (signal, path) in [
        (Signal::Traces, "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
        (Signal::Metrics, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"),
        (Signal::Logs, "/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
    ] {
        let request = ExportRequest::new(signal, 1, request(1).body().clone());
        assert_eq!(export(&grpc, request).await.unwrap(), ExportResponse::success());
        let seen = server.seen().await;
        assert_eq!((seen.method.as_str(), seen.uri.path(), seen.uri.query()), ("POST", path, None));
        assert_eq!(seen.version, http::Version::HTTP_2);
        assert_eq!(format!("http://{}", seen.uri.authority().unwrap()), server.url);
        assert_eq!(seen.header("te"), Some("trailers"));
        assert_eq!(seen.header("content-type"), Some("application/grpc"));
        assert_eq!(seen.header("grpc-encoding"), None);
        assert_eq!(seen.header("grpc-timeout"), None);
        assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
        assert!(seen.header("grpc-accept-encoding").unwrap().starts_with("identity"));
        let agent = seen.header("user-agent").unwrap();
        assert_eq!(agent, concat!("OTel-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION")));
        // The frame: not compressed, the length, and a message that an independent decoder reads.
        assert_eq!(seen.body[0], 0);
        assert_eq!(seen.body[1..5], u32::try_from(seen.body.len() - 5).unwrap().to_be_bytes());
        assert_eq!(ExportTraceServiceRequest::decode(&seen.body[5..]).unwrap(), spans(&["checkout"]));
    }
}

/// Slices of many sizes, some longer than a DATA frame.
#[tokio::test]
async fn a_body_in_slices_is_one_message_on_the_wire() {
    // conf: GRPC-04
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let slices: Vec<_> = (0..200_usize).map(|at| Bytes::from(vec![at as u8; 200 * at])).collect();
    let request = ExportRequest::new(Signal::Traces, 1, slices.iter().cloned().collect::<Body>());
    export(&terminal(&server), request).await.unwrap();
    let seen = server.seen().await;
    assert_eq!(seen.header("content-length"), Some(seen.body.len().to_string().as_str()));
    assert_eq!(seen.body[1..5], u32::try_from(seen.body.len() - 5).unwrap().to_be_bytes());
    assert!(seen.body[5..] == slices.concat(), "the same bytes in the same order");
}

#[tokio::test]
async fn a_compressed_request_says_so_twice() {
    // conf: GRPC-04, COMP-03
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let plain = request(50);
    for encoding in [Encoding::Gzip, Encoding::Zstd] {
        let compressed = Bytes::from(vec![7; 20]);
        let request = plain.clone().with_encoding(encoding, compressed.clone());
        export(&terminal(&server), request).await.unwrap();
        let seen = server.seen().await;
        assert_eq!(seen.header("grpc-encoding"), Some(encoding.as_str()));
        assert_eq!(seen.header("content-encoding"), None);
        assert_eq!(seen.body, framed(1, &compressed));
    }
}

#[tokio::test]
async fn large_requests_arrive_whole() {
    // conf: GRPC-26, GRPC-04
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let body: Bytes = (0..3_000_000u32).map(|n| n.to_le_bytes()[0]).collect::<Vec<u8>>().into();
    let request = ExportRequest::new(Signal::Logs, 1, body.clone());
    export(&terminal(&server), request).await.unwrap();
    assert!(server.seen().await.body == framed(0, &body), "the frame differs");
}

#[tokio::test]
async fn metadata_of_layers_is_sent_and_checked() {
    // conf: GRPC-03, GRPC-11, HDR-07, HDR-08, HDR-09, UA-02
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let mut tagged = request(1);
    tagged.add_header("Authorization", "Bearer hunter2");
    tagged.add_header("x-many", "one");
    tagged.add_header("x-many", "two");
    tagged.add_header("trace-bin", "AAEC");
    tagged.add_header("user-agent", "MyDistro/1.2");
    export(&terminal(&server), tagged).await.unwrap();
    let seen = server.seen().await;
    assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
    assert_eq!(seen.headers.get_all("x-many").iter().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(seen.header("trace-bin"), Some("AAEC"));
    let agent = seen.header("user-agent").unwrap();
    assert!(agent.starts_with("MyDistro/1.2 OTel-OTLP-Exporter-Rust/"), "{agent}");
    let names: Vec<_> = seen.headers.keys().map(|name| name.as_str()).collect();
    let place = |name| names.iter().position(|found| *found == name).unwrap();
    assert!(
        place("te") < place("authorization") && place("content-type") < place("authorization"),
        "{names:?}"
    );

    for (name, value) in [
        ("grpc-timeout", "1S"),
        ("content-type", "x"),
        ("x", "caf\u{e9}"),
        ("x-bin", "hunter2!"),
        ("a b", ""),
    ] {
        let mut bad = request(1);
        bad.add_header(name, value);
        let error = export(&terminal(&server), bad).await.unwrap_err();
        assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::EncodeFailed));
        let text = error.to_string();
        let name = name.split(' ').next().unwrap();
        assert!(text.contains(name) && !text.contains("hunter2"), "{text}");
        let error = error.source().unwrap().downcast_ref::<InvalidHeader>().expect("an invalid header");
        assert_eq!(error.name(), name);
    }
    assert!(server.is_quiet());
}

#[tokio::test]
async fn the_timeout_is_told_to_the_server() {
    // conf: GRPC-05
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let grpc = terminal(&server).with_timeout(Duration::from_secs(10));
    export(&grpc, request(1)).await.unwrap();
    assert_eq!(server.seen().await.header("grpc-timeout"), Some("10000000u"));
    export(&grpc.with_timeout(Duration::ZERO), request(1)).await.unwrap();
    assert_eq!(server.seen().await.header("grpc-timeout"), None);
}

#[tokio::test]
async fn requests_over_the_limit_are_not_sent() {
    // conf: GRPC-12, COMP-06
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let grpc = terminal(&server).with_max_request_size(100);
    // What counts is the size before compression.
    let large = ExportRequest::new(Signal::Traces, 1, vec![0; 101])
        .with_encoding(Encoding::Gzip, Bytes::from_static(b"small"));
    let error = export(&grpc, large).await.unwrap_err();
    assert_eq!(Undelivered::reason_of(&*error), Some(DropReason::TooLarge));
    let cause = error.source().unwrap().downcast_ref::<RequestTooLarge>();
    assert_eq!(cause, Some(&RequestTooLarge { size: 101, limit: 100 }));
    assert_eq!(classify(&Err(error)), Disposition::Permanent { reason: DropReason::TooLarge });
    assert!(server.is_quiet());
    export(&grpc, ExportRequest::new(Signal::Traces, 1, vec![0; 100])).await.unwrap();
    assert_eq!(otlp_transport::DEFAULT_MAX_REQUEST_SIZE, 67_108_864);
}

#[tokio::test]
async fn json_is_refused() {
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let json = request(1).with_format(Format::Json, Bytes::from_static(b"{}"));
    let error = export(&terminal(&server), json).await.unwrap_err();
    assert!(error.source().unwrap().is::<UnsupportedFormat>());
    assert!(server.is_quiet());
}

#[tokio::test]
async fn one_connection_serves_calls_one_after_another_and_at_once() {
    // conf: GRPC-18, GRPC-19, GRPC-29
    let mut server = Server::answering(Reply::grpc(SUCCESS, "0")).await;
    let grpc = terminal(&server);
    export(&grpc, request(1)).await.unwrap();
    let calls: Vec<_> = (0..20).map(|_| tokio::spawn(grpc.clone().oneshot(request(1)))).collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    for _ in 0..21 {
        assert_eq!(server.seen().await.connection, 0);
    }
}

#[tokio::test]
async fn an_abandoned_call_takes_its_connection_out_of_use() {
    // conf: SURV-21, GRPC-23
    let mut server =
        Server::start(|call| if call == 0 { Reply::silence() } else { Reply::grpc(SUCCESS, "0") }).await;
    let grpc = terminal(&server);
    let call = tokio::spawn(grpc.clone().oneshot(request(1)));
    assert_eq!(server.seen().await.connection, 0);
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    export(&grpc, request(1)).await.unwrap();
    assert_eq!(server.seen().await.connection, 1);
    export(&grpc, request(1)).await.unwrap();
    assert_eq!(server.seen().await.connection, 1);
}

#[tokio::test]
async fn unix_sockets_carry_grpc_too() {
    // conf: GRPC-16, URL-12
    let name = format!("otlp-grpc-{}-{:?}.sock", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let mut server = Server::on_unix_socket(&path, Reply::grpc(SUCCESS, "0")).await;
    export(&terminal(&server), request(2)).await.unwrap();
    let seen = server.seen().await;
    assert_eq!(seen.uri.authority().unwrap(), "localhost");
    assert_eq!(ExportTraceServiceRequest::decode(&seen.body[5..]).unwrap(), spans(&["checkout", "checkout"]));
    std::fs::remove_file(&path).unwrap();
}
