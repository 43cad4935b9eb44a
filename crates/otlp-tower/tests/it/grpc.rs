//! What becomes of a call's status, on both sides, wherever in the response it stands.

use crate::support::{
    Body, BoxError, PARENT, World, assert_attributes, assert_failed, assert_not_failed, attributes, body,
    frame, trailers,
};
use http::{HeaderName, Request, Response};
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp_tower::{TraceClientLayer, TraceServerLayer};
use std::future::ready;
use tower::{Layer, ServiceExt, service_fn};

fn call() -> Request<()> {
    Request::post("/shop.Prices/Quote")
        .header("content-type", "application/grpc")
        .header("host", "prices.example:50051")
        .body(())
        .unwrap()
}

/// An answer with this status in its trailers.
fn answer(code: &str, message: &str) -> Response<Body> {
    Response::new(body(vec![frame("x"), trailers(&[("grpc-status", code), ("grpc-message", message)])]))
}

async fn read<B: http_body::Body<Error: std::fmt::Debug> + Unpin>(mut body: B) {
    while let Some(frame) = body.frame().await {
        assert!(frame.is_ok());
    }
}

/// The span of a call as both sides tell of it: the server's, then the client's.
async fn both(answer: impl Fn() -> Response<Body>) -> [Span; 2] {
    let world = World::new().await;
    let server = service_fn(|_: Request<()>| ready(Ok::<_, BoxError>(answer())));
    let response = TraceServerLayer::new(&world.client).layer(server).oneshot(call()).await.unwrap();
    read(response.into_body()).await;
    let server = service_fn(|_: Request<()>| ready(Ok::<_, BoxError>(answer())));
    let response = TraceClientLayer::new(&world.client).layer(server).oneshot(call()).await.unwrap();
    read(response.into_body()).await;
    world.spans().await.try_into().unwrap()
}

#[tokio::test]
async fn a_call_is_described_as_the_conventions_say() {
    let expected = [
        ("rpc.method", "shop.Prices/Quote"),
        ("rpc.status_code", "OK"),
        ("rpc.system.name", "grpc"),
        ("server.address", "prices.example"),
        ("server.port", "50051"),
    ];
    let spans = both(|| answer("0", "")).await;
    for (span, kind) in spans.iter().zip([2, 3]) {
        assert_eq!((span.name.as_str(), span.kind), ("shop.Prices/Quote", kind));
        assert_not_failed(span);
        assert_attributes(span, &expected);
    }
}

#[tokio::test]
async fn what_is_an_error_depends_on_the_side() {
    for (code, name, is_servers) in [
        ("1", "CANCELLED", false),
        ("2", "UNKNOWN", true),
        ("3", "INVALID_ARGUMENT", false),
        ("5", "NOT_FOUND", false),
        ("14", "UNAVAILABLE", true),
        ("99", "UNKNOWN", true),
    ] {
        let [server, client] = both(|| answer(code, "caf%C3%A9")).await;
        assert_eq!(attributes(&server)["rpc.status_code"], name);
        assert_eq!(attributes(&client)["rpc.status_code"], name);
        assert_failed(&client, name, "café");
        if is_servers { assert_failed(&server, name, "café") } else { assert_not_failed(&server) }
    }
}

#[tokio::test]
async fn a_status_may_be_in_the_headers_or_missing() {
    let only_headers = || Response::builder().header("grpc-status", "7").body(body(vec![])).unwrap();
    let [_, client] = both(only_headers).await;
    assert_failed(&client, "PERMISSION_DENIED", "");
    let [server, client] = both(|| Response::new(body(vec![frame("x")]))).await;
    assert_failed(&server, "UNKNOWN", "");
    assert_eq!(server.name, "grpc", "who answers so is no server of gRPC, and any path could be a name");
    assert_failed(&client, "UNKNOWN", "");
    let proxy = || Response::builder().status(503).body(body(vec![frame("busy")])).unwrap();
    let [_, client] = both(proxy).await;
    assert_failed(&client, "UNAVAILABLE", "");
}

#[tokio::test]
async fn methods_that_do_not_exist_make_no_names() {
    let [server, client] = both(|| answer("12", "")).await;
    assert_eq!((server.name.as_str(), client.name.as_str()), ("grpc", "shop.Prices/Quote"));
    assert_failed(&server, "UNIMPLEMENTED", "");
    assert_eq!(attributes(&server)["rpc.method"], "_OTHER");
    assert_eq!(attributes(&server)["rpc.method_original"], "shop.Prices/Quote");
    assert_eq!(attributes(&client)["rpc.method"], "shop.Prices/Quote");
}

#[tokio::test]
async fn a_stream_that_is_dropped_was_cancelled() {
    let world = World::new().await;
    let service = || service_fn(|_: Request<()>| ready(Ok::<_, BoxError>(answer("0", ""))));
    let response = TraceServerLayer::new(&world.client).layer(service()).oneshot(call()).await.unwrap();
    response.into_body().frame().await.unwrap().unwrap();
    let response = TraceClientLayer::new(&world.client).layer(service()).oneshot(call()).await.unwrap();
    response.into_body().frame().await.unwrap().unwrap();
    let spans = world.spans().await;
    assert_not_failed(&spans[0]);
    assert_failed(&spans[1], "CANCELLED", "");
    assert!(spans.iter().all(|span| attributes(span)["rpc.status_code"] == "CANCELLED"));
}

#[tokio::test]
async fn metadata_is_captured_when_asked_for() {
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client)
        .with_request_headers([HeaderName::from_static("traceparent")])
        .with_response_headers([HeaderName::from_static("x-cost")]);
    let service = service_fn(|_: Request<()>| {
        let mut response = answer("0", "");
        response.headers_mut().insert("x-cost", "7".parse().unwrap());
        ready(Ok::<_, BoxError>(response))
    });
    let mut request = call();
    request.headers_mut().insert("traceparent", PARENT.parse().unwrap());
    read(layer.layer(service).oneshot(request).await.unwrap().into_body()).await;
    let span = world.span().await;
    assert_eq!(attributes(&span)["rpc.request.metadata.traceparent"], PARENT);
    assert_eq!(attributes(&span)["rpc.response.metadata.x-cost"], "7");
}
