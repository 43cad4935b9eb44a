//! The hot path allocates nothing once it is warm: start, eight attributes, an event, end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{AlwaysOffSampler, BoxError, Client, ExportRequest, ExportResponse, MemoryPoolConfig, Tracer};

fn make(tracer: &Tracer) {
    let mut span = tracer.start("GET /api/users/{id}");
    span.set_attribute("http.request.method", "GET")
        .set_attribute("http.route", "/api/users/{id}")
        .set_attribute("server.address", "users.internal")
        .set_attribute("http.response.status_code", 200)
        .set_attribute("user.id", 4_711)
        .set_attribute("server.port", 8080)
        .set_attribute("cache.hit", true)
        .set_attribute("queue.share", 0.25);
    span.add_event("authorized", &[("role", "reader".into())]);
    span.end();
}

/// Allocations of this thread while 10,000 spans are made; the client's own thread is not counted.
fn allocations(tracer: &Tracer) -> u64 {
    allocation_counter::measure(|| (0..10_000).for_each(|_| make(tracer))).count_total
}

#[test]
fn a_sampled_span_allocates_nothing() {
    // All chunks from the start, as a pool that is in use has them; every request is answered at once.
    let memory =
        MemoryPoolConfig { initial_size: 64 << 20, max_size: 64 << 20, ..MemoryPoolConfig::default() };
    let answer = |_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) };
    let client = Client::builder()
        .with_memory_pool_config(memory)
        .with_layer(tower::layer::layer_fn(move |_| tower::service_fn(answer)))
        .build_blocking()
        .unwrap();
    let tracer = client.tracer("allocations");
    (0..20_000).for_each(|_| make(&tracer));
    client.flush_blocking().unwrap();
    assert_eq!(allocations(&tracer), 0);
    assert_eq!(client.flush_blocking().unwrap().delivered(), 30_000);
}

#[test]
fn an_unsampled_span_allocates_nothing() {
    let client = Client::builder().with_sampler(AlwaysOffSampler).build_blocking().unwrap();
    let tracer = client.tracer("allocations");
    make(&tracer);
    assert_eq!(allocations(&tracer), 0);
}
