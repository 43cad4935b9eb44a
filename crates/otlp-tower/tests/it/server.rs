//! What a server's span looks like, and what is current under it.

use crate::support::{
    BoxError, PARENT, UNSAMPLED_PARENT, World, assert_attributes, assert_failed, assert_not_failed,
    attributes, empty, frame, get,
};
use futures_util::stream::once;
use http::{HeaderName, Request, Response, Version};
use http_body_util::{BodyExt, StreamBody};
use otlp::propagation::{Extractor, Injector, TextMapPropagator};
use otlp::{AlwaysOffSampler, SpanId, TraceContext, TraceId};
use otlp_tower::{TraceClientLayer, TraceServerLayer};
use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use tower::{Layer, ServiceExt, service_fn};

#[derive(Clone)]
struct Matched(&'static str);

/// Sends one request through the layer; the answer is empty.
async fn serve(layer: &TraceServerLayer, request: Request<()>, status: u16) {
    let service = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty(status))));
    layer.layer(service).oneshot(request).await.unwrap();
}

#[tokio::test]
async fn a_request_is_described_as_the_conventions_say() {
    let world = World::new().await;
    let peer: SocketAddr = "10.0.0.9:4711".parse().unwrap();
    let layer = TraceServerLayer::new(&world.client)
        .with_route(|request| request.extensions.get::<Matched>().map(|matched| matched.0.into()))
        .with_peer(move |_| Some(peer));
    let mut request = Request::get("/users/7?q=x&sig=secret")
        .version(Version::HTTP_11)
        .header("host", "shop.example:8080")
        .header("user-agent", "test/1.0")
        .header("x-forwarded-for", "6.6.6.6")
        .header("authorization", "Bearer secret")
        .body(())
        .unwrap();
    request.extensions_mut().insert(Matched("/users/{id}"));
    serve(&layer, request, 200).await;

    let span = world.span().await;
    assert_eq!((span.name.as_str(), span.kind), ("GET /users/{id}", 2));
    assert_not_failed(&span);
    assert_attributes(
        &span,
        &[
            ("client.address", "10.0.0.9"),
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("http.route", "/users/{id}"),
            ("network.peer.address", "10.0.0.9"),
            ("network.peer.port", "4711"),
            ("network.protocol.version", "1.1"),
            ("server.address", "shop.example"),
            ("server.port", "8080"),
            ("url.path", "/users/7"),
            ("url.query", "q=x&sig=REDACTED"),
            ("url.scheme", "http"),
            ("user_agent.original", "test/1.0"),
        ],
    );
}

#[tokio::test]
async fn the_callers_trace_is_continued_and_nothing_else_is() {
    // conf: SPAN-01, SPAN-03, SPAN-05, SPAN-09, PROP-01
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client);
    let server = world.client.tracer("server").start("what the server was started with");
    let _current = server.context().attach();
    for header in [PARENT, "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
        let request = Request::get("/").header("traceparent", header).body(()).unwrap();
        serve(&layer, request, 200).await;
    }
    let context = server.context();
    drop((_current, server));
    let spans = world.spans().await;
    let [child, root, _] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(TraceId::from_slice(&child.trace_id).unwrap().to_string(), PARENT[3..35]);
    assert_eq!(SpanId::from_slice(&child.parent_span_id).unwrap().to_string(), PARENT[36..52]);
    assert_eq!(child.flags & 0x300, 0x300, "the parent is known to be remote");
    assert!(root.parent_span_id.is_empty());
    assert_ne!(root.trace_id, context.trace_id().to_bytes());
}

#[tokio::test]
async fn the_span_is_current_wherever_the_inner_service_works() {
    // conf: SPAN-02
    let world = World::new().await;
    let tracer = world.client.tracer("t");
    let service = service_fn(move |_: Request<()>| {
        tracer.start("in the call").end();
        let tracer = tracer.clone();
        async move {
            tokio::task::yield_now().await;
            tracer.start("in the future").end();
            let frames = once(async move {
                tokio::task::yield_now().await;
                tracer.start("in the body").end();
                frame("x")
            });
            Ok::<_, BoxError>(Response::new(StreamBody::new(Box::pin(frames))))
        }
    });
    let service = TraceServerLayer::new(&world.client).layer(service);
    let response = service.oneshot(get("/")).await.unwrap();
    assert_eq!(TraceContext::current(), None);
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        frame.unwrap();
        assert_eq!(TraceContext::current(), None);
    }
    let spans = world.spans().await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["in the call", "in the future", "in the body", "GET"]);
    assert!(spans[..3].iter().all(|span| span.parent_span_id == spans[3].span_id));
}

#[tokio::test]
async fn only_5xx_is_the_servers_fault() {
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client);
    let statuses = [200, 204, 302, 400, 404, 499, 500, 503];
    for status in statuses {
        serve(&layer, get("/"), status).await;
    }
    for (span, status) in world.spans().await.iter().zip(statuses) {
        assert_eq!(attributes(span)["http.response.status_code"], status.to_string());
        if status < 500 { assert_not_failed(span) } else { assert_failed(span, &status.to_string(), "") }
    }
}

#[tokio::test]
async fn unknown_methods_make_no_names() {
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client).with_route(|_| Some("/x".into()));
    let request = || Request::builder().method("PURGE").uri("/x").body(()).unwrap();
    serve(&layer, request(), 200).await;
    serve(&layer.with_known_methods(["PURGE"]), request(), 200).await;
    let spans = world.spans().await;
    assert_eq!(spans[0].name, "HTTP /x");
    assert_eq!(attributes(&spans[0])["http.request.method"], "_OTHER");
    assert_eq!(attributes(&spans[0])["http.request.method_original"], "PURGE");
    assert_eq!(spans[1].name, "PURGE /x");
    assert_eq!(attributes(&spans[1])["http.request.method"], "PURGE");
}

/// Panics whatever it is asked.
#[derive(Debug)]
struct Broken;

impl TextMapPropagator for Broken {
    fn inject(&self, _: &TraceContext, _: &mut dyn Injector) {
        panic!("inject")
    }

    fn extract(&self, _: &TraceContext, _: &dyn Extractor) -> TraceContext {
        panic!("extract")
    }

    fn fields(&self) -> Vec<&str> {
        panic!("fields")
    }
}

#[tokio::test]
async fn filtered_requests_pass_untouched_and_panics_of_closures_do_no_harm() {
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client).with_filter(|request| request.uri.path() != "/healthz");
    serve(&layer, get("/healthz"), 200).await;
    assert_eq!(world.ended(), 0);
    let broken = TraceServerLayer::new(&world.client)
        .with_propagator(Broken)
        .with_filter(|_| panic!("filter"))
        .with_route(|_| panic!("route"))
        .with_peer(|_| panic!("peer"))
        .with_on_request(|_, _| panic!("request"))
        .with_on_response(|_, _| panic!("response"));
    serve(&broken, get("/x"), 200).await;
    let broken = TraceClientLayer::new(&world.client).with_propagator(Broken);
    let service = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty(200))));
    broken.layer(service).oneshot(get("/x")).await.unwrap();
    let spans = world.spans().await;
    assert!(spans.len() == 2 && spans.iter().all(|span| span.name == "GET"), "{spans:?}");
}

/// The current context, as a text.
fn current() -> String {
    let context = TraceContext::current().unwrap();
    format!("{} {}", context.trace_id(), context.is_sampled())
}

#[tokio::test]
async fn an_unsampled_request_is_passed_on_as_such() {
    // conf: SPAN-22, PROP-13
    for header in [PARENT, UNSAMPLED_PARENT] {
        let world = World::with(|builder| match header {
            PARENT => builder.with_sampler(AlwaysOffSampler),
            _ => builder,
        })
        .await;
        let service = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(current())) });
        let layer = TraceServerLayer::new(&world.client)
            .with_on_request(|_, _| panic!("called for nothing"))
            .with_on_response(|_, _| panic!("called for nothing"));
        let request = Request::get("/").header("traceparent", header).body(()).unwrap();
        let response = layer.layer(service).oneshot(request).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "a body of a few bytes")]
        let seen = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(seen, format!("{} false", &PARENT[3..35]));
        assert_eq!(world.ended(), 0);
    }
}

#[tokio::test]
async fn proxies_are_believed_when_told_so() {
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client).with_scheme("https");
    let request = || {
        Request::get("/")
            .header("host", "10.0.0.1:8080")
            .header("forwarded", "for=203.0.113.7;host=shop.example;proto=ftp")
            .body(())
            .unwrap()
    };
    serve(&layer, request(), 200).await;
    serve(&layer.with_forwarded_headers(true), request(), 200).await;
    let keys = ["client.address", "server.address", "server.port", "url.scheme"];
    let seen: Vec<_> =
        world.spans().await.iter().map(|span| keys.map(|key| attributes(span).remove(key))).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(seen[0], [None, some("10.0.0.1"), some("8080"), some("https")]);
    assert_eq!(seen[1], [some("203.0.113.7"), some("shop.example"), None, some("ftp")]);
}

#[tokio::test]
async fn headers_are_captured_when_asked_for_and_hooks_see_the_span() {
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client)
        .with_request_headers([HeaderName::from_static("x-list"), HeaderName::from_static("x-missing")])
        .with_response_headers([http::header::ETAG])
        .with_on_request(|span, request| {
            span.set_attribute("path.len", request.uri.path().len());
        })
        .with_on_response(|span, response| {
            span.update_name(response.extensions.get::<Matched>().unwrap().0);
        });
    let service = service_fn(|_: Request<()>| {
        let mut response = empty(200);
        response.headers_mut().insert(http::header::ETAG, "\"7\"".parse().unwrap());
        response.headers_mut().insert(http::header::SET_COOKIE, "secret".parse().unwrap());
        response.extensions_mut().insert(Matched("late"));
        ready(Ok::<_, Infallible>(response))
    });
    let request = Request::get("/").header("x-list", "a").header("x-list", "b").header("cookie", "secret");
    layer.layer(service).oneshot(request.body(()).unwrap()).await.unwrap();
    let span = world.span().await;
    assert_eq!(span.name, "late");
    let attributes = attributes(&span);
    assert_eq!(attributes["http.request.header.x-list"], "a|b");
    assert_eq!(attributes["http.response.header.etag"], "\"7\"");
    assert_eq!(attributes["path.len"], "1");
    assert!(!format!("{span:?}").contains("secret"));
}
