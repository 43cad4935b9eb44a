//! The hot path allocates nothing once it is warm: a span with eight attributes and an event, a log record with as much.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{
    AlwaysOffSampler, Baggage, BoxError, Client, ExportRequest, ExportResponse, Logger, MemoryPoolConfig,
    Severity, TraceContext, Tracer,
};
use std::sync::{Arc, Mutex};

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

fn log(logger: &Logger, number: i64) {
    logger
        .record(Severity::Warn)
        .body_text(format_args!("user {number} was slow"))
        .attribute("user.id", number)
        .attribute("server.address", "users.internal")
        .attribute_text("client.address", format_args!("{}", std::net::Ipv4Addr::LOCALHOST))
        .attribute("cache.hit", true)
        .exception(&std::fmt::Error)
        .event_name("user.slow")
        .severity_text("warning")
        .body("they were slow")
        .emit();
}

/// Allocations of this thread while something is made 10,000 times; the client's own thread is not counted.
fn allocations(make: impl FnMut(i64)) -> u64 {
    allocation_counter::measure(|| (0..10_000).for_each(make)).count_total
}

/// A client, and what its receiver waits for.
struct Warmed {
    client: Client,
    gate: Arc<Mutex<()>>,
}

impl Warmed {
    fn new() -> Self {
        // All chunks from the start, as a pool that is in use has them; every request is answered at once.
        let memory =
            MemoryPoolConfig { initial_size: 64 << 20, max_size: 64 << 20, ..MemoryPoolConfig::default() };
        let gate = Arc::new(Mutex::new(()));
        let answer = {
            let gate = Arc::clone(&gate);
            move |_: ExportRequest| {
                drop(gate.lock().unwrap());
                async { Ok::<_, BoxError>(ExportResponse::success()) }
            }
        };
        let client = Client::builder()
            .with_memory_pool_config(memory)
            .with_layer(tower::layer::layer_fn(move |_| tower::service_fn(answer.clone())))
            .build_blocking()
            .unwrap();
        Self { client, gate }
    }

    /// Makes something 20,000 times while the client's thread is held at the first request: so the queue has been longer than
    /// it will be, however late that thread then comes.
    fn warm(&self, make: impl FnMut(i64)) {
        let held = self.gate.lock().unwrap();
        (0..20_000).for_each(make);
        drop(held);
        self.client.flush_blocking().unwrap();
    }

    fn delivered(&self) -> u64 {
        self.client.flush_blocking().unwrap().delivered()
    }
}

#[test]
fn a_sampled_span_allocates_nothing() {
    let warmed = Warmed::new();
    let tracer = warmed.client.tracer("allocations");
    warmed.warm(|_| make(&tracer));
    assert_eq!(allocations(|_| make(&tracer)), 0);
    assert_eq!(warmed.delivered(), 30_000);
}

#[test]
fn a_log_record_allocates_nothing_neither_inside_nor_outside_of_a_span() {
    let warmed = Warmed::new();
    let client = &warmed.client;
    let (logger, span) = (client.logger("allocations"), client.tracer("allocations").start("current"));
    warmed.warm(|number| log(&logger, number));
    assert_eq!(allocations(|number| log(&logger, number)), 0);
    let current = span.context().attach();
    assert_eq!(allocations(|number| log(&logger, number)), 0);
    drop((current, span));
    assert_eq!(warmed.delivered(), 40_001);
}

#[test]
fn a_log_record_below_the_threshold_allocates_nothing() {
    let client = Client::builder().with_log_severity_threshold(Severity::Error).build_blocking().unwrap();
    let logger = client.logger("allocations");
    assert_eq!(allocations(|number| log(&logger, number)), 0);
}

#[test]
fn a_child_of_the_current_span_allocates_nothing_with_its_baggage() {
    let warmed = Warmed::new();
    let tracer = warmed.client.tracer("allocations");
    // As long as spans mostly are: a chunk has room set aside for that many records.
    let text = "x".repeat(300);
    let baggage = Baggage::default().insert("tenant", "blue");
    for context in [TraceContext::default(), TraceContext::default().with_baggage(baggage)] {
        let _outside = context.attach();
        let nested = || {
            tracer.in_span("outer", |outer| {
                outer.set_attribute("text", &*text);
                tracer.in_span("inner", |inner| inner.set_attribute("text", &*text).end());
            });
        };
        warmed.warm(|_| nested());
        assert_eq!(allocations(|_| nested()), 0);
    }
    assert_eq!(warmed.client.flush_blocking().unwrap().lost().total(), 0);
}

#[test]
fn an_unsampled_span_allocates_nothing() {
    let client = Client::builder().with_sampler(AlwaysOffSampler).build_blocking().unwrap();
    let tracer = client.tracer("allocations");
    make(&tracer);
    assert_eq!(allocations(|_| make(&tracer)), 0);
}

#[cfg(feature = "log")]
#[test]
fn what_comes_over_the_bridge_allocates_nothing() {
    use log::Log;
    // As large as the records above: of smaller ones more fit into a chunk than it has headers for at first.
    const PLACE: &str =
        "behind a long explanation of what it means for a user to be slow, and of what to do about it";
    let warmed = Warmed::new();
    let bridge = otlp::LogBridge::new(&warmed.client);
    let log = |number: i64| {
        let pairs = [("user.id", number.into()), ("cache.hit", log::kv::Value::from(true))];
        let mut record = log::Record::builder();
        record
            .target("users")
            .module_path(Some("shop::users"))
            .file(Some("crates/users/src/users.rs"))
            .line(Some(17));
        bridge.log(&record.key_values(&pairs).args(format_args!("user {number} was slow {PLACE}")).build());
    };
    warmed.warm(log);
    assert_eq!(allocations(log), 0);
    assert_eq!(warmed.delivered(), 30_000);
}
