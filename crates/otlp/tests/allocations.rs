//! The hot path allocates nothing once it is warm: start, eight attributes, an event, end.

use otlp::{AlwaysOffSampler, Client, Tracer};

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

/// Allocations of this thread while `work` runs; the client's own thread is not counted.
fn allocations(work: impl FnMut()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn a_sampled_span_allocates_nothing() {
    // Nobody listens there: what is measured is the making, and the queue that fills.
    let client = Client::builder().with_endpoint("http://127.0.0.1:9").build_blocking().unwrap();
    let tracer = client.tracer("allocations");
    (0..10_000).for_each(|_| make(&tracer));
    let counted = allocations(|| (0..10_000).for_each(|_| make(&tracer)));
    // The queue takes a chunk for every 170 spans or so; the first time, the allocator gives it.
    assert!(counted * 100 <= 10_000, "{counted} allocations for 10,000 spans");

    let one_chunk = (0..100).map(|_| allocations(|| make(&tracer))).filter(|counted| *counted > 0).count();
    assert!(one_chunk <= 2, "{one_chunk} of 100 spans allocated");
}

#[test]
fn an_unsampled_span_allocates_nothing_ever() {
    let client = Client::builder().with_sampler(AlwaysOffSampler).build_blocking().unwrap();
    let tracer = client.tracer("allocations");
    make(&tracer);
    assert_eq!(allocations(|| (0..1_000).for_each(|_| make(&tracer))), 0);
}
