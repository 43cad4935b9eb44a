//! Row 41: telemetry of the exporter about itself, exported in turn, would never end. With everything traced at the lowest level
//! and turned into spans of the client, the client's own thread adds none.

use crate::child;
use crate::support::{PATIENCE, batch_soon, builder};
use otlp::{Signal, Tracer};
use otlp_testkit::Collector;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Turns each event and span of `tracing` into a span of the client, as a bridge would; counts those of the client's thread.
struct Bridge;

static TRACER: OnceLock<Tracer> = OnceLock::new();
static SEEN: AtomicU64 = AtomicU64::new(0);
static SEEN_ON_CLIENTS_THREAD: AtomicU64 = AtomicU64::new(0);

impl Bridge {
    fn pass_on(name: &str) {
        SEEN.fetch_add(1, Ordering::SeqCst);
        if std::thread::current().name() == Some("otlp") {
            SEEN_ON_CLIENTS_THREAD.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(tracer) = TRACER.get() {
            tracer.start(name).end();
        }
    }
}

impl Subscriber for Bridge {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Self::pass_on(span.metadata().name());
        Id::from_u64(1)
    }
    fn event(&self, event: &Event<'_>) {
        Self::pass_on(event.metadata().name());
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

pub(crate) fn program() {
    tracing::subscriber::set_global_default(Bridge).unwrap();
    let client = builder(child::endpoint()).with_batch_config(batch_soon()).build_blocking().unwrap();
    TRACER.set(client.tracer("bridge")).unwrap();
    tracing::trace!("of the application");
    // Many exports, each of which would be something to tell about.
    for _ in 0..20 {
        client.tracer("t").start("s").end();
        client.flush_within_blocking(PATIENCE).unwrap();
    }
    let accepted = client.stats(Signal::Traces).accepted;
    client.shutdown_blocking(PATIENCE).unwrap();
    child::say(accepted);
    child::say(SEEN.load(Ordering::SeqCst));
    child::say(SEEN_ON_CLIENTS_THREAD.load(Ordering::SeqCst));
}

#[test]
fn exporting_makes_no_telemetry_about_itself() {
    // conf: BATCH-26
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let said = child::run("row_41_loop", "", &collector.grpc_endpoint()).well();
    assert_eq!(said, ["21", "1", "0"], "spans accepted; events seen; events of the client's thread");
    assert_eq!(collector.received().items(), 21);
}
