//! What requests cost. Not sampled: no attribute is put together, no name, no box. Sampled: no more, while there is nothing
//! unusual about them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Empty;
use otlp::{
    BoxError, Client, ExportRequest, ExportResponse, MemoryPoolConfig, ParentBasedSampler, Protocol,
    TraceIdRatioBasedSampler,
};
use otlp_tower::{TraceClientLayer, TraceServerLayer};
use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};
use tower::{Layer, Service, service_fn};

const REQUESTS: u64 = 1_000;

/// A sampler that the client has to ask.
fn client() -> Client {
    let sampler = ParentBasedSampler::new(TraceIdRatioBasedSampler::new(0.0));
    Client::builder().with_protocol(Protocol::Http).with_sampler(sampler).build_blocking().unwrap()
}

fn request(headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::get("http://shop.example/users/7?q=1").header("user-agent", "test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

/// Allocations of so many requests, their making and dropping not counted.
fn allocations<S, B>(mut service: S, headers: &[(&str, &str)]) -> u64
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let mut requests: Vec<_> = (0..=REQUESTS).map(|_| request(headers)).collect();
    let mut responses = Vec::with_capacity(requests.len());
    let mut send = |request| responses.push(service.call(request).now_or_never().unwrap().unwrap());
    send(requests.pop().unwrap());
    allocation_counter::measure(|| requests.drain(..).for_each(&mut send)).count_total
}

fn answer() -> impl Service<Request<()>, Response = Response<Empty<&'static [u8]>>, Error = Infallible> {
    service_fn(|_: Request<()>| ready(Ok(Response::new(Empty::new()))))
}

#[test]
fn a_server_allocates_nothing_for_requests_that_are_not_sampled() {
    let client = client();
    let layer = TraceServerLayer::new(&client)
        .with_filter(|request| request.uri.path() != "/healthz")
        .with_route(|_| Some("/users/{id}".into()))
        .with_peer(|_| Some(([127, 0, 0, 1], 80).into()))
        .with_request_headers([http::header::USER_AGENT])
        .with_forwarded_headers(true);
    assert_eq!(allocations(layer.layer(answer()), &[]), 0);
    let parent = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
    // The list of a header's values, of which the propagator wants to know whether it is one.
    assert!(allocations(layer.layer(answer()), &[parent]) <= REQUESTS);
}

#[test]
fn a_client_allocates_no_more_than_the_header_it_sends() {
    let client = client();
    let layer = TraceClientLayer::new(&client).with_template(|_| Some("/users/{id}".into()));
    // The header's value and the room for it, whatever HTTP's map of headers takes.
    let bare = service_fn(|mut request: Request<()>| {
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00".to_owned();
        request.headers_mut().insert("traceparent", value.try_into().unwrap());
        ready(Ok::<_, Infallible>(Response::new(Empty::<&[u8]>::new())))
    });
    let floor = allocations(bare, &[]);
    assert!(floor >= REQUESTS);
    let ours = allocations(layer.layer(answer()), &[]);
    assert!(ours <= floor, "{ours} allocations, with the header alone {floor}");
}

#[test]
fn a_server_allocates_nothing_for_usual_requests_that_are_sampled_either() {
    let memory =
        MemoryPoolConfig { initial_size: 64 << 20, max_size: 64 << 20, ..MemoryPoolConfig::default() };
    let gate = Arc::new(Mutex::new(()));
    let deliver = {
        let gate = Arc::clone(&gate);
        move |_: ExportRequest| {
            drop(gate.lock().unwrap());
            async { Ok::<_, BoxError>(ExportResponse::success()) }
        }
    };
    let client = Client::builder()
        .with_protocol(Protocol::Http)
        .with_memory_pool_config(memory)
        .with_layer(tower::layer::layer_fn(move |_| service_fn(deliver.clone())))
        .build_blocking()
        .unwrap();
    let layer = TraceServerLayer::new(&client).with_route(|_| Some("/users/{id}".into()));
    // Until every shard has its memory and the thread its buffer, and with the client's thread held at the first request: so the
    // queue has been longer than it will be, however late that thread then comes.
    let held = gate.lock().unwrap();
    for _ in 0..20 {
        allocations(layer.layer(answer()), &[]);
    }
    drop(held);
    client.flush_blocking().unwrap();
    assert_eq!(allocations(layer.layer(answer()), &[]), 0);
}
