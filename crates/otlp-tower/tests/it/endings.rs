//! When a server's span ends, and as what: with the body, with an error, with a panic, or because nobody waits any more.

use crate::support::{
    BoxError, World, assert_failed, assert_not_failed, attributes, body, failure, frame, get, trailers,
};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::poll_fn;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, StreamBody};
use otlp::{StatusCode, TraceContext};
use otlp_tower::TraceServerLayer;
use std::convert::Infallible;
use std::future::{pending, ready};
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test]
async fn the_span_ends_with_the_body() {
    let world = World::new().await;
    let bodies = || {
        let known =
            Response::builder().header("content-length", "4").body(body(vec![frame("ab"), frame("cd")]));
        [
            Response::new(body(vec![frame("ab"), frame("cd")])),
            known.unwrap(),
            Response::new(body(vec![frame("ab"), frame("cd"), trailers(&[("x", "y")])])),
        ]
    };
    // What a server takes of them: all and the end; all, as the length says; all and the trailers.
    for (at, (response, frames)) in bodies().into_iter().zip([3, 2, 3]).enumerate() {
        let mut response = Some(response);
        let service = service_fn(|_: Request<()>| ready(Ok::<_, BoxError>(response.take().unwrap())));
        let response = TraceServerLayer::new(&world.client).layer(service).oneshot(get("/")).await.unwrap();
        let mut body = response.into_body();
        for _ in 0..frames {
            assert_eq!(world.ended(), at as u64);
            body.frame().await;
        }
        assert_eq!(world.ended(), at as u64 + 1);
    }
    world.spans().await.iter().for_each(assert_not_failed);
}

#[tokio::test]
async fn a_body_that_http_does_not_allow_is_not_waited_for() {
    let world = World::new().await;
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 101), ("CONNECT", 200)] {
        let service = service_fn(move |_: Request<()>| {
            ready(Ok::<_, BoxError>(Response::builder().status(status).body(body(vec![frame("x")])).unwrap()))
        });
        let request = Request::builder().method(method).uri("a.example:80").body(()).unwrap();
        drop(TraceServerLayer::new(&world.client).layer(service).oneshot(request).await.unwrap());
    }
    let spans = world.spans().await;
    assert_eq!(spans.len(), 5);
    spans.iter().for_each(assert_not_failed);
}

#[tokio::test]
async fn what_is_dropped_before_its_end_was_cancelled() {
    // conf: SPAN-10, SPAN-11
    let world = World::new().await;
    let mut service = TraceServerLayer::new(&world.client)
        .layer(service_fn(|_: Request<()>| pending::<Result<Response<Empty<Bytes>>, Infallible>>()));
    // Unpolled, and polled once.
    drop(service.call(get("/")));
    assert!(service.call(get("/")).now_or_never().is_none());
    // The client went away in the middle.
    let service = service_fn(|_: Request<()>| {
        ready(Ok::<_, BoxError>(
            Response::builder().status(201).body(body(vec![frame("a"), frame("b")])).unwrap(),
        ))
    });
    let response = TraceServerLayer::new(&world.client).layer(service).oneshot(get("/")).await.unwrap();
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(world.ended(), 2);
    drop(body);
    let spans = world.spans().await;
    for span in &spans[..2] {
        assert_failed(span, "cancelled", "the request was dropped before there was a response");
    }
    assert_failed(&spans[2], "cancelled", "the response was dropped before its body had ended");
    assert_eq!(attributes(&spans[2])["http.response.status_code"], "201");
}

#[tokio::test]
async fn a_hook_can_settle_that_leaving_is_no_error() {
    // conf: SPAN-14
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client).with_on_response(|span, _| {
        span.set_status(StatusCode::Ok, "");
    });
    let events = service_fn(|_: Request<()>| {
        ready(Ok::<_, BoxError>(Response::new(body(vec![frame("data: 1"), frame("data: 2")]))))
    });
    let mut events = layer.layer(events).oneshot(get("/events")).await.unwrap().into_body();
    events.frame().await.unwrap().unwrap();
    drop(events);
    assert_eq!(failure(&world.span().await), (Some("cancelled".to_owned()), 1, String::new()));
}

#[tokio::test]
async fn errors_of_service_and_body_are_recorded() {
    // conf: SPAN-19
    let world = World::new().await;
    let refused = || std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "nobody there");
    let layer = TraceServerLayer::new(&world.client);
    let typed = service_fn(|_: Request<()>| ready(Err::<Response<Empty<Bytes>>, _>(refused())));
    layer.layer(typed).oneshot(get("/")).await.unwrap_err();
    let service = service_fn(|_: Request<()>| {
        ready(Ok::<_, BoxError>(Response::new(body(vec![frame("a"), Err("the disk is on fire".into())]))))
    });
    let response = layer.layer(service).oneshot(get("/")).await.unwrap();
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    body.frame().await.unwrap().unwrap_err();
    assert_eq!(world.ended(), 2, "an error is the end, whatever becomes of the body");
    let spans = world.spans().await;
    assert_failed(&spans[0], "connection_refused", "nobody there");
    assert!(!attributes(&spans[0]).contains_key("http.response.status_code"));
    assert_failed(&spans[1], "_OTHER", "the disk is on fire");
    for span in &spans {
        assert_eq!(span.events.len(), 1);
        assert_eq!(span.events[0].name, "exception");
    }
}

#[tokio::test]
async fn a_panic_ends_the_span_wherever_it_is_caught() {
    let world = World::new().await;
    let layer = TraceServerLayer::new(&world.client);
    let panics = |at: u8| {
        service_fn(move |_: Request<()>| {
            assert_ne!(at, 0, "in the call");
            async move {
                assert_ne!(at, 1, "in the future");
                let frames =
                    poll_fn(|_| -> Poll<Option<Result<Frame<Bytes>, BoxError>>> { panic!("in the body") });
                Ok::<_, BoxError>(Response::new(StreamBody::new(frames)))
            }
        })
    };
    for at in 0..3 {
        let mut service = layer.layer(panics(at));
        let handle = async {
            let response = service.call(get("/")).await.unwrap();
            response.into_body().frame().await.unwrap().unwrap();
        };
        let mut handle = Box::pin(AssertUnwindSafe(handle).catch_unwind());
        assert!((&mut handle).await.is_err());
        // Nothing was dropped yet.
        assert_eq!(world.ended(), u64::from(at) + 1);
        assert_eq!(TraceContext::current(), None);
    }
    for span in world.spans().await {
        assert_failed(&span, "panic", "the inner service panicked");
    }
}
