//! The client's tasks as tokio-console sees them: `RUSTFLAGS="--cfg tokio_unstable" cargo test -p otlp --features tokio-console
//! --test console`. A program of its own, since the subscriber is the process'.

#![cfg(all(tokio_unstable, feature = "tokio-console"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{Client, Tracer};
use otlp_testkit::Collector;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const PATIENCE: Duration = Duration::from_secs(60);

static TRACER: OnceLock<Tracer> = OnceLock::new();
static TASKS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static TARGETS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
static ENTERED: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());

/// Keeps what the client's thread says; makes a span of the client of it, as a bridge would, and then panics.
struct Console;

impl Console {
    fn hear(metadata: &Metadata<'_>) {
        if std::thread::current().name() == Some("otlp") {
            TARGETS.lock().unwrap().insert(metadata.target().to_owned());
            if let Some(tracer) = TRACER.get() {
                tracer.start(metadata.name()).end();
            }
        }
    }
}

/// The name of a task, if it has one.
struct Name;

impl Visit for Name {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = format!("{value:?}");
        if field.name() == "task.name" && !name.is_empty() {
            TASKS.lock().unwrap().insert(name);
        }
    }
}

impl Subscriber for Console {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Self::hear(span.metadata());
        span.record(&mut Name);
        Id::from_u64(if span.metadata().target() == "tokio::task" { 2 } else { 1 })
    }

    fn event(&self, event: &Event<'_>) {
        Self::hear(event.metadata());
        let is_clients = std::thread::current().name() == Some("otlp");
        assert!(!is_clients || event.metadata().target() != "tokio::task::waker", "foreign code may panic");
    }

    fn enter(&self, span: &Id) {
        ENTERED.lock().unwrap().insert(span.into_u64());
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn the_consoles_subscriber_hears_of_the_clients_tasks_and_of_nothing_else_of_its_thread() {
    // conf: BATCH-26
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    tracing::subscriber::set_global_default(Console).unwrap();
    let client = Client::builder().with_endpoint(collector.grpc_endpoint()).build_blocking().unwrap();
    TRACER.set(client.tracer("bridge")).unwrap();
    let health = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..3 {
        client.tracer("t").start("s").end();
        client.flush_within_blocking(PATIENCE).unwrap();
        health.block_on(client.health_check()).unwrap();
    }
    let report = client.shutdown_blocking(PATIENCE).unwrap();
    assert_eq!((report.accepted(), report.delivered()), (3, 3), "nothing tokio says becomes a span");

    let tasks = TASKS.lock().unwrap().clone();
    let ours = [
        "otlp health check",
        "otlp health checks",
        "otlp logs",
        "otlp losses",
        "otlp metrics",
        "otlp traces",
    ];
    assert!(ours.iter().all(|name| tasks.contains(*name)), "{tasks:?}");
    assert!(ENTERED.lock().unwrap().contains(&2), "a task that was polled");
    let targets = TARGETS.lock().unwrap().clone();
    let known = |target: &String| {
        target.starts_with("tokio::") || target.starts_with("runtime::resource") || target == "otlp::export"
    };
    assert!(targets.iter().all(known), "{targets:?}");
    assert!(targets.contains("tokio::task") && targets.contains("otlp::export"), "{targets:?}");
}
