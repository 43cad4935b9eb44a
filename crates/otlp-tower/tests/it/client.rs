//! What a client's span looks like, when it ends, and what the request carries on.

use crate::support::{
    BoxError, PARENT, World, assert_attributes, assert_failed, assert_not_failed, attributes, body, empty,
    frame, get,
};
use http::{HeaderMap, Request, Response, Version};
use http_body_util::BodyExt;
use otlp::propagation::{Extractor, Injector, TextMapPropagator};
use otlp::{
    AlwaysOffSampler, AlwaysOnSampler, KeyValue, Sampler, SamplingParameters, SamplingResult, TraceContext,
};
use otlp_tower::{ResendCount, TraceClientLayer, TraceServerLayer};
use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use tower::{Layer, Service, ServiceExt, service_fn};

/// Sends one request through the layer, and gives the headers it arrived with.
async fn send(layer: &TraceClientLayer, request: Request<()>, status: u16) -> HeaderMap {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let arrived = Arc::clone(&seen);
    let service = service_fn(move |request: Request<()>| {
        *arrived.lock().unwrap() = request.headers().clone();
        ready(Ok::<_, Infallible>(empty(status)))
    });
    layer.layer(service).oneshot(request).await.unwrap();
    seen.lock().unwrap().clone()
}

fn traceparent(context: &TraceContext) -> String {
    let flags = if context.is_sampled() { "03" } else { "02" };
    format!("00-{}-{}-{flags}", context.trace_id(), context.span_id())
}

#[tokio::test]
async fn a_request_is_described_as_the_conventions_say() {
    let world = World::new().await;
    let layer = TraceClientLayer::new(&world.client).with_template(|_| Some("/users/{id}".into()));
    let mut request = get("https://user:pw@shop.example/users/7?q=x&X-Amz-Signature=secret");
    request.extensions_mut().insert(ResendCount(2));
    let service = service_fn(|_: Request<()>| {
        let mut response = empty(200);
        *response.version_mut() = Version::HTTP_2;
        ready(Ok::<_, Infallible>(response))
    });
    layer.layer(service).oneshot(request).await.unwrap();
    let span = world.span().await;
    assert_eq!((span.name.as_str(), span.kind), ("GET /users/{id}", 3));
    assert_not_failed(&span);
    assert_attributes(
        &span,
        &[
            ("http.request.method", "GET"),
            ("http.request.resend_count", "2"),
            ("http.response.status_code", "200"),
            ("network.protocol.version", "2"),
            ("server.address", "shop.example"),
            ("server.port", "443"),
            ("url.full", "https://REDACTED:REDACTED@shop.example/users/7?q=x&X-Amz-Signature=REDACTED"),
            ("url.template", "/users/{id}"),
        ],
    );
}

#[tokio::test]
async fn the_server_is_found_wherever_it_is_named() {
    let world = World::new().await;
    let layer = TraceClientLayer::new(&world.client).with_authority("fallback.example:1");
    let with_host = Request::get("/x").header("host", "host.example:2").body(()).unwrap();
    for request in [get("http://uri.example:3/x"), with_host, get("/x")] {
        send(&layer, request, 200).await;
    }
    let keys = ["server.address", "server.port", "url.full"];
    let seen: Vec<_> =
        world.spans().await.iter().map(|span| keys.map(|key| attributes(span)[key].clone())).collect();
    assert_eq!(seen[0], ["uri.example", "3", "http://uri.example:3/x"]);
    assert_eq!(seen[1], ["host.example", "2", "http://host.example:2/x"]);
    assert_eq!(seen[2], ["fallback.example", "1", "http://fallback.example:1/x"]);
}

#[tokio::test]
async fn the_request_carries_the_spans_context_sampled_or_not() {
    // conf: PROP-08, PROP-13, SPAN-01, SPAN-22
    let world = World::new().await;
    let parent = world.client.tracer("t").start("parent");
    let guard = parent.context().attach();
    let layer = TraceClientLayer::new(&world.client);
    let mut request = get("http://a.example/");
    request.headers_mut().insert("traceparent", "stale".parse().unwrap());
    let headers = send(&layer, request, 200).await;
    drop((guard, parent));
    let spans = world.spans().await;
    assert_eq!(spans[0].parent_span_id, spans[1].span_id);
    let span_id = otlp::SpanId::from_slice(&spans[0].span_id).unwrap();
    assert_eq!(headers.get_all("traceparent").iter().count(), 1);
    assert!(headers["traceparent"].to_str().unwrap().contains(&span_id.to_string()));

    let world = World::with(|builder| builder.with_sampler(AlwaysOffSampler)).await;
    let layer = TraceClientLayer::new(&world.client);
    let service = service_fn(|request: Request<()>| {
        let current = TraceContext::current().unwrap();
        assert_eq!(request.headers()["traceparent"], traceparent(&current));
        ready(Ok::<_, Infallible>(empty(200)))
    });
    layer.layer(service).oneshot(get("http://a.example/")).await.unwrap();
    assert_eq!(world.ended(), 0);
}

#[tokio::test]
async fn a_request_that_is_passed_on_carries_nothing_of_the_context_it_came_with() {
    // conf: PROP-15
    let world = World::new().await;
    let layer = TraceClientLayer::new(&world.client);
    let mut request = get("http://a.example/");
    for (name, value) in
        [("traceparent", "broken"), ("tracestate", "stranger=1"), ("baggage", "removed=1"), ("via", "x")]
    {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let headers = send(&layer, request, 200).await;
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["traceparent", "via"]);
    assert_ne!(headers["traceparent"], "broken");
}

#[tokio::test]
async fn between_two_services_that_trace_a_disabled_client_is_not_there() {
    // conf: ENV-12, SPAN-22
    let world = World::with(|builder| builder.with_disabled(true)).await;
    let onward = TraceClientLayer::new(&world.client).layer(service_fn(|request: Request<()>| {
        assert_eq!(request.headers()["traceparent"], PARENT);
        ready(Ok::<_, Infallible>(empty(200)))
    }));
    let service = service_fn(move |_: Request<()>| onward.clone().oneshot(get("http://a.example/")));
    let request = Request::get("/").header("traceparent", PARENT).body(()).unwrap();
    TraceServerLayer::new(&world.client).layer(service).oneshot(request).await.unwrap();
    assert_eq!(world.ended(), 0);
}

#[tokio::test]
async fn a_filtered_request_carries_nothing() {
    let world = World::new().await;
    let layer = TraceClientLayer::new(&world.client).with_filter(|request| request.uri.path() != "/x");
    assert!(send(&layer, get("http://a.example/x"), 200).await.is_empty());
    assert_eq!(world.ended(), 0);
}

#[tokio::test]
async fn what_the_server_refuses_is_an_error_of_the_client() {
    let world = World::new().await;
    let layer = TraceClientLayer::new(&world.client);
    let statuses = [200, 304, 400, 404, 500];
    for status in statuses {
        send(&layer, get("http://a.example/"), status).await;
    }
    for (span, status) in world.spans().await.iter().zip(statuses) {
        if status < 400 { assert_not_failed(span) } else { assert_failed(span, &status.to_string(), "") }
    }
}

#[tokio::test]
async fn a_client_may_leave_the_rest_of_a_response_but_not_the_response() {
    let world = World::new().await;
    let service = service_fn(|_: Request<()>| {
        ready(Ok::<_, BoxError>(Response::new(body(vec![frame("a"), frame("b")]))))
    });
    let response =
        TraceClientLayer::new(&world.client).layer(service).oneshot(get("http://a/")).await.unwrap();
    let mut read = response.into_body();
    read.frame().await.unwrap().unwrap();
    assert_eq!(world.ended(), 0);
    drop(read);
    let mut never = TraceClientLayer::new(&world.client)
        .layer(service_fn(|_: Request<()>| pending::<Result<Response<String>, Infallible>>()));
    drop(never.call(get("http://a/")));
    let spans = world.spans().await;
    assert_not_failed(&spans[0]);
    assert_failed(&spans[1], "cancelled", "the request was dropped before there was a response");
}

/// Keeps what is attributed to a path of `/kept`.
struct ByPath;

impl Sampler for ByPath {
    fn should_sample(&self, parameters: &SamplingParameters<'_>) -> SamplingResult {
        let kept = |attribute: &KeyValue| {
            attribute.key.starts_with("url.") && format!("{:?}", attribute.value).contains("/kept")
        };
        if parameters.attributes.iter().any(kept) {
            AlwaysOnSampler.should_sample(parameters)
        } else {
            AlwaysOffSampler.should_sample(parameters)
        }
    }

    fn description(&self) -> std::borrow::Cow<'_, str> {
        "ByPath".into()
    }
}

#[tokio::test]
async fn samplers_that_look_at_attributes_see_them() {
    let world = World::with(|builder| builder.with_sampler(ByPath)).await;
    let client = TraceClientLayer::new(&world.client);
    let server = TraceServerLayer::new(&world.client);
    let answer = || service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty(200))));
    for path in ["http://a.example/kept", "http://a.example/dropped"] {
        client.layer(answer()).oneshot(get(path)).await.unwrap();
        server.layer(answer()).oneshot(get(path)).await.unwrap();
    }
    let spans = world.spans().await;
    assert_eq!(spans.len(), 2);
    assert_eq!(attributes(&spans[0])["url.full"], "http://a.example/kept");
    assert_eq!(attributes(&spans[1])["url.path"], "/kept");
    assert!(attributes(&spans[1]).contains_key("http.response.status_code"));
}

/// A format of its own.
#[derive(Debug)]
struct Own;

impl TextMapPropagator for Own {
    fn inject(&self, context: &TraceContext, injector: &mut dyn Injector) {
        injector.set("x-own", context.trace_id().to_string());
    }

    fn extract(&self, context: &TraceContext, _: &dyn Extractor) -> TraceContext {
        context.clone()
    }

    fn fields(&self) -> Vec<&str> {
        vec!["x-own"]
    }
}

#[tokio::test]
async fn a_propagator_of_ones_own_takes_the_place_of_the_clients() {
    let world = World::new().await;
    let layer = TraceClientLayer::new(&world.client).with_propagator(Own);
    let headers = send(&layer, get("http://a.example/"), 200).await;
    assert_eq!(headers.len(), 1);
    let span = world.span().await;
    assert_eq!(headers["x-own"], otlp::TraceId::from_slice(&span.trace_id).unwrap().to_string());
}
