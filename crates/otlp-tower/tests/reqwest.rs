//! The client's layer as a middleware of reqwest-middleware, and as a layer over reqwest itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "it/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use otlp::FutureExt;
use otlp_tower::{ResendCount, TraceClientLayer, TraceServerLayer};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use support::{World, assert_failed, assert_not_failed, attributes};
use tokio::net::{TcpListener, TcpSocket};
use tower::{Layer, ServiceExt, service_fn};

/// A server that fails the first time; gives its URL.
async fn flaky(world: &World) -> String {
    let is_first = std::sync::atomic::AtomicBool::new(true);
    let is_first = std::sync::Arc::new(is_first);
    let handler = async move || match is_first.swap(false, std::sync::atomic::Ordering::Relaxed) {
        true => Err(http::StatusCode::SERVICE_UNAVAILABLE),
        false => Ok("hello"),
    };
    let app = Router::new().route("/hello", get(handler)).layer(TraceServerLayer::new(&world.client));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/hello?sig=secret")
}

fn bare() -> reqwest::Client {
    reqwest::Client::builder().build().unwrap()
}

/// Sends a request a second time when the first fails, as middleware that retries does.
struct Again;

#[async_trait::async_trait]
impl Middleware for Again {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let second = request.try_clone().unwrap();
        let response = next.clone().run(request, extensions).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        extensions.insert(ResendCount(1));
        next.run(second, extensions).await
    }
}

#[tokio::test]
async fn a_middleware_makes_a_span_for_each_time_a_request_is_sent() {
    // conf: PROP-13, SPAN-01
    let world = World::new().await;
    let url = flaky(&world).await;
    let layer = TraceClientLayer::new(&world.client);
    let http = ClientBuilder::new(bare()).with(Again).with(layer).build();
    let caller = world.client.tracer("t").start("caller");
    let response = http.get(&url).send().with_context(caller.context()).await.unwrap();
    assert_eq!((response.url().as_str(), response.content_length()), (url.as_str(), Some(5)));
    assert_eq!(response.text().await.unwrap(), "hello");
    let caller_id = caller.context().span_id().to_bytes();
    drop(caller);
    world.arrived(5).await;
    let spans = world.spans().await;
    let of_kind = |kind| spans.iter().filter(move |span| span.kind == kind).collect::<Vec<_>>();
    let (servers, clients) = (of_kind(2), of_kind(3));
    assert_eq!((servers.len(), clients.len()), (2, 2));
    assert_failed(clients[0], "503", "");
    assert_not_failed(clients[1]);
    assert_eq!(attributes(clients[0]).get("http.request.resend_count"), None);
    assert_eq!(attributes(clients[1])["http.request.resend_count"], "1");
    assert_eq!(attributes(clients[1])["url.full"], url.replace("secret", "REDACTED"));
    for (server, client) in servers.iter().zip(&clients) {
        assert_eq!(client.parent_span_id, caller_id);
        assert_eq!(server.parent_span_id, client.span_id);
    }
}

#[tokio::test]
async fn the_error_of_a_middleware_is_told_without_the_url() {
    let world = World::new().await;
    // Bound, so that nobody else gets the port, and not listening.
    let held = TcpSocket::new_v4().unwrap();
    held.bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let nobody = held.local_addr().unwrap();
    let http = ClientBuilder::new(bare()).with(TraceClientLayer::new(&world.client)).build();
    http.get(format!("http://{nobody}/?token=secret")).send().await.unwrap_err();
    let filtered = TraceClientLayer::new(&world.client).with_filter(|_| false);
    let http = ClientBuilder::new(bare()).with(filtered).build();
    http.get(format!("http://{nobody}/")).send().await.unwrap_err();
    let span = world.span().await;
    let (kind, code, description) = support::failure(&span);
    assert_eq!((kind.as_deref(), code), (Some("connection_refused"), 2));
    assert!(description.contains("refused") && !description.contains("secret"), "{description}");
    assert!(!format!("{:?}", span.events).contains("secret"));
}

#[tokio::test]
async fn reqwest_itself_is_a_service_once_its_types_are_those_of_http() {
    let world = World::new().await;
    let url = flaky(&world).await;
    let reqwest = bare();
    let service = service_fn(move |request: http::Request<reqwest::Body>| {
        let reqwest = reqwest.clone();
        async move { reqwest.execute(request.try_into()?).await.map(http::Response::<reqwest::Body>::from) }
    });
    let http = TraceClientLayer::new(&world.client).layer(service);
    let request = http::Request::get(&url).body(reqwest::Body::default()).unwrap();
    let response = http.oneshot(request).await.unwrap();
    axum::body::to_bytes(Body::new(response.into_body()), 1024).await.unwrap();
    world.arrived(2).await;
    let spans = world.spans().await;
    let client = spans.iter().find(|span| span.kind == 3).unwrap();
    assert_failed(client, "503", "");
    assert!(spans.iter().any(|span| span.parent_span_id == client.span_id));
}
