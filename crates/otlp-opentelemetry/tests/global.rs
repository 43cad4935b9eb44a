//! A middleware that takes its tracer from `opentelemetry::global`, as most instrumentation does, in an axum server: ours is the
//! global one. Alone in its process, which has one.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::routing::get;
use opentelemetry_0_33::{Context, global};
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use otlp_opentelemetry::opentelemetry_0_33::{OtlpPropagator, TracerProvider, to_trace_context};
use otlp_testkit::Collector;
use std::time::Duration;
use tower::ServiceExt as _;

#[tokio::test]
async fn the_middleware_for_tower_serves_an_axum_route_in_the_callers_trace() {
    // conf: PROP-04
    let collector = Collector::builder().grpc().start().await.unwrap();
    let client = otlp::Client::builder().with_endpoint(collector.grpc_endpoint()).build().await.unwrap();
    global::set_tracer_provider(TracerProvider::new(&client));
    global::set_text_map_propagator(OtlpPropagator::new(client.propagator().clone()));

    let inner = client.tracer("application");
    let handler = async move || {
        // Of its own accord, in the context that the middleware has made current.
        let context = to_trace_context(&Context::current());
        inner.start_with_context("handle", otlp::SpanKind::Internal, &context);
        "ok"
    };
    let route = |request: &http::Request<Body>| {
        request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned())
    };
    let layer = LayerBuilder::builder().with_metrics(false).with_route_extractor_fn(route).build().unwrap();
    let app = Router::new().route("/cart/{id}", get(handler)).layer(layer);
    let request = http::Request::get("http://shop.example/cart/7?sig=secret")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    drop(response);

    let report = client.shutdown(Duration::from_secs(60)).await.unwrap();
    assert_eq!((report.accepted(), report.delivered()), (2, 2));
    let spans = collector.received().spans();
    let server = spans.iter().find(|span| span.span.kind == 2).unwrap();
    let handle = spans.iter().find(|span| span.span.name == "handle").unwrap();
    assert_eq!(server.span.parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!(
        (&handle.span.parent_span_id, &handle.span.trace_id),
        (&server.span.span_id, &server.span.trace_id)
    );
    assert_eq!(server.span.name, "GET /cart/{id}");
    assert!(server.attribute("http.response.status_code").is_some());
    assert_eq!(server.scope.name, "opentelemetry-instrumentation-tower");
}
