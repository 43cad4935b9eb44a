//! The layers in the servers and clients they are made for, over real connections: hyper, axum, tonic. How these end a body
//! is theirs to choose, and each does it in another way.

use crate::support::{BoxError, World, assert_failed, assert_not_failed, attributes};
use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp::{Baggage, FutureExt, SpanKind, TraceContext};
use otlp_tower::{TraceClientLayer, TraceServerLayer};
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tonic::client::Grpc;
use tonic::codegen::BoxFuture;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;
use tower::{Layer, Service, ServiceExt, service_fn};

/// Serves with bare hyper, whichever version of HTTP comes.
async fn hyper<S, B>(service: S) -> SocketAddr
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<B>, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

async fn axum(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn by_kind(spans: Vec<Span>) -> [Vec<Span>; 2] {
    let (servers, clients) = spans.into_iter().partition(|span| span.kind == 2);
    [servers, clients]
}

async fn answer(request: Request<hyper::body::Incoming>) -> Result<Response<Body>, Infallible> {
    let chunks = || stream::iter(["a", "b"].map(|chunk| Ok::<_, BoxError>(Frame::data(Bytes::from(chunk)))));
    let response = match request.uri().path() {
        // Over HTTP/2, hyper leaves it to the service to send no body.
        _ if request.method() == Method::HEAD && request.version() == Version::HTTP_2 => {
            Response::new(Body::empty())
        }
        "/known" => Response::new(Body::from("hello")),
        "/chunks" => Response::new(Body::new(StreamBody::new(chunks()))),
        // A length that the body itself does not know: hyper stops when it is reached.
        "/length" => {
            let mut response = Response::new(Body::new(StreamBody::new(chunks())));
            response.headers_mut().insert("content-length", "2".parse().unwrap());
            response
        }
        _ => Response::builder().status(404).body(Body::empty()).unwrap(),
    };
    Ok(response)
}

#[tokio::test]
async fn in_hyper_every_way_to_end_a_body_is_an_end() {
    for http2 in [false, true] {
        let world = World::new().await;
        let address = hyper(TraceServerLayer::new(&world.client).layer(service_fn(answer))).await;
        let http = HttpClient::builder(TokioExecutor::new()).http2_only(http2).build_http::<Full<Bytes>>();
        let http = TraceClientLayer::new(&world.client).layer(http);
        let requests = [
            (Method::GET, "/known", 200),
            (Method::GET, "/chunks", 200),
            (Method::GET, "/length", 200),
            (Method::HEAD, "/known", 200),
            (Method::HEAD, "/chunks", 200),
            (Method::GET, "/missing", 404),
        ];
        for (method, path, status) in requests.clone() {
            let request = Request::builder().method(method).uri(format!("http://{address}{path}"));
            let response = http.clone().oneshot(request.body(Full::default()).unwrap()).await.unwrap();
            assert_eq!(response.status(), status);
            let mut body = response.into_body();
            while let Some(frame) = body.frame().await {
                frame.unwrap();
            }
        }
        world.arrived(2 * requests.len() as u64).await;
        let [servers, clients] = by_kind(world.spans().await);
        assert_eq!((servers.len(), clients.len()), (requests.len(), requests.len()));
        servers.iter().for_each(assert_not_failed);
        for (client, (.., status)) in clients.iter().zip(&requests) {
            if *status == 200 {
                assert_not_failed(client)
            } else {
                assert_failed(client, "404", "")
            }
            assert_eq!(attributes(client)["network.protocol.version"], if http2 { "2" } else { "1.1" });
            let server = servers.iter().find(|server| server.parent_span_id == client.span_id).unwrap();
            assert_eq!(server.trace_id, client.trace_id);
            assert_eq!(attributes(server)["network.protocol.version"], if http2 { "2" } else { "1.1" });
            assert_eq!(attributes(server)["server.port"], address.port().to_string());
        }
    }
}

#[tokio::test]
async fn in_hyper_a_server_that_is_not_there_is_an_error() {
    let world = World::new().await;
    // Bound, so that nobody else gets the port, and not listening.
    let held = TcpSocket::new_v4().unwrap();
    held.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let nobody = held.local_addr().unwrap();
    let http = HttpClient::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = Request::get(format!("http://{nobody}/")).body(Full::default()).unwrap();
    TraceClientLayer::new(&world.client).layer(http).oneshot(request).await.unwrap_err();
    let span = world.span().await;
    assert_failed(&span, "hyper_util::client::legacy::client::Error", "client error (Connect)");
}

fn routed(world: &World) -> TraceServerLayer {
    TraceServerLayer::new(&world.client)
        .with_route(|request| Some(request.extensions.get::<MatchedPath>()?.as_str().into()))
}

#[tokio::test]
async fn in_axum_the_route_is_the_whole_template_and_paths_without_one_have_none() {
    let world = World::new().await;
    let users = Router::new().route("/{id}", get(async || "user"));
    let app = Router::new().nest("/users", users).layer(routed(&world));
    for path in ["/users/7", "/users/7/8", "/wp-login.php"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
    }
    let spans = world.spans().await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names[0], "GET /users/{id}");
    assert!(names[1..].iter().all(|name| !name.contains('7') && !name.contains("php")), "{names:?}");
    assert_eq!(attributes(&spans[2])["http.response.status_code"], "404");
}

#[tokio::test]
async fn in_axum_handlers_see_the_callers_baggage() {
    // conf: PROP-36
    let world = World::new().await;
    let handler = async || {
        TraceContext::current().unwrap().baggage().get("tenant").map(str::to_owned).unwrap_or_default()
    };
    let address = axum(Router::new().route("/", get(handler)).layer(routed(&world))).await;
    let http = HttpClient::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let http = TraceClientLayer::new(&world.client).layer(http);
    let baggage = Baggage::default().insert("tenant", "blue whale");
    let context = TraceContext::default().with_baggage(baggage);
    let span = world.client.tracer("t").start_with_context("caller", SpanKind::Internal, &context);
    let request = Request::get(format!("http://{address}/")).body(Full::default()).unwrap();
    let response = http.oneshot(request).with_context(span.context()).await.unwrap();
    let body = Body::new(response.into_body());
    assert_eq!(axum::body::to_bytes(body, 1024).await.unwrap(), "blue whale");
    drop(span);
    world.arrived(3).await;
    assert_eq!(world.spans().await.len(), 3);
}

#[tokio::test]
async fn in_axum_a_client_that_leaves_cancels_the_response() {
    let world = World::new().await;
    let endless = async || {
        Body::new(StreamBody::new(stream::unfold(false, async |is_second| {
            if is_second {
                std::future::pending::<()>().await;
            }
            Some((Ok::<_, BoxError>(Frame::data(Bytes::from("first"))), true))
        })))
    };
    let endless = async move || endless().await;
    let address = axum(Router::new().route("/endless", get(endless)).layer(routed(&world))).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: a.example\r\n\r\n").await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"first\r\n") {
        assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
    }
    assert_eq!(world.ended(), 0);
    drop(stream);
    world.arrived(1).await;
    let span = world.span().await;
    assert_failed(&span, "cancelled", "the response was dropped before its body had ended");
    assert_eq!(attributes(&span)["http.response.status_code"], "200");
}

/// A gRPC service with a stream of as many answers as the path says; after seven it fails.
#[derive(Clone)]
struct Counter;

impl tonic::server::NamedService for Counter {
    const NAME: &'static str = "test.Counter";
}

impl Service<Request<tonic::body::Body>> for Counter {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let last: u64 = request.uri().path().rsplit("Count").next().unwrap().parse().unwrap();
        let count = move |_: tonic::Request<u64>| {
            let numbers =
                (0..last).map(|n| if n == 7 { Err(Status::internal("seven is enough")) } else { Ok(n) });
            std::future::ready(Ok(tonic::Response::new(stream::iter(numbers))))
        };
        Box::pin(async move {
            Ok(tonic::server::Grpc::new(ProstCodec::default())
                .server_streaming(service_fn(count), request)
                .await)
        })
    }
}

#[tokio::test]
async fn in_tonic_a_stream_is_one_span_with_the_status_at_its_end() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder()
        .layer(TraceServerLayer::new(&world.client))
        .add_service(Counter)
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    tokio::spawn(server);
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let layer = TraceClientLayer::new(&world.client).with_authority(address.to_string());
    let mut grpc = Grpc::new(layer.layer(channel));
    for (path, expected) in [("/test.Counter/Count3", Ok(3)), ("/test.Counter/Count9", Err(Code::Internal))] {
        grpc.ready().await.unwrap();
        let codec = ProstCodec::<u64, u64>::default();
        let path = http::uri::PathAndQuery::from_static(path);
        let mut answers =
            grpc.server_streaming(tonic::Request::new(0), path, codec).await.unwrap().into_inner();
        let mut count = 0;
        let end = loop {
            match answers.message().await {
                Ok(Some(_)) => count += 1,
                Ok(None) => break Ok(count),
                Err(status) => break Err(status.code()),
            }
        };
        assert_eq!(end, expected);
    }
    world.arrived(4).await;
    let [servers, clients] = by_kind(world.spans().await);
    for spans in [&servers, &clients] {
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["test.Counter/Count3", "test.Counter/Count9"]);
        assert_not_failed(&spans[0]);
        assert_failed(&spans[1], "INTERNAL", "seven is enough");
    }
    assert_eq!(servers[0].parent_span_id, clients[0].span_id);
    assert_eq!(attributes(&clients[0])["server.port"], address.port().to_string());
}
