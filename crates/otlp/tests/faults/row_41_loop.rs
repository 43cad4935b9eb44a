//! Row 41: telemetry of the exporter about itself, exported in turn, would never end. With everything traced at the lowest level
//! and turned into spans and logs of the client, the client's own thread adds none: what the libraries on it say is not heard, and of its
//! own lines about exports no span can be made. Nor does it have the application's subscriber asked again what it cares about.

use crate::child;
use crate::support::{PATIENCE, batch_soon, builder};
use otlp::{Logger, Severity, Signal, Tracer};
use otlp_testkit::Collector;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use tracing::callsite::Identifier;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

/// Turns each event and span of `tracing` into a span of the client, and a log record, as a bridge would; counts those of the client's thread.
struct Bridge;

static TRACER: OnceLock<Tracer> = OnceLock::new();
static LOGGER: OnceLock<Logger> = OnceLock::new();
static SEEN: AtomicU64 = AtomicU64::new(0);
static LINES: AtomicU64 = AtomicU64::new(0);
static OTHERS_ON_CLIENTS_THREAD: AtomicU64 = AtomicU64::new(0);
static CALL_SITES: Mutex<Option<HashSet<Identifier>>> = Mutex::new(None);
static ASKED_AGAIN: AtomicU64 = AtomicU64::new(0);

impl Bridge {
    fn pass_on(metadata: &Metadata<'_>) {
        let counter = match std::thread::current().name() {
            Some("otlp") if metadata.target() == "otlp::export" => &LINES,
            Some("otlp") => &OTHERS_ON_CLIENTS_THREAD,
            _ => &SEEN,
        };
        counter.fetch_add(1, Ordering::SeqCst);
        if let Some(tracer) = TRACER.get() {
            // With the parent that comes by itself, and with none.
            tracer.start(metadata.name()).end();
            tracer.span(metadata.name()).root().start().end();
        }
        if let Some(logger) = LOGGER.get() {
            logger.record(Severity::Info).body(metadata.name()).emit();
        }
    }
}

impl Subscriber for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        let mut known = CALL_SITES.lock().unwrap();
        if !known.get_or_insert_default().insert(metadata.callsite()) {
            ASKED_AGAIN.fetch_add(1, Ordering::SeqCst);
        }
        Interest::always()
    }
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        Self::pass_on(span.metadata());
        Id::from_u64(1)
    }
    fn event(&self, event: &Event<'_>) {
        Self::pass_on(event.metadata());
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
    LOGGER.set(client.logger("bridge")).unwrap();
    tracing::trace!("of the application");
    client.flush_within_blocking(PATIENCE).unwrap();
    // Once for the subscriber that keeps the client's thread silent.
    let asked_again = ASKED_AGAIN.load(Ordering::SeqCst);
    // Many exports, each of which would be something to tell about.
    for _ in 0..20 {
        client.tracer("t").start("s").end();
        client.flush_within_blocking(PATIENCE).unwrap();
    }
    for signal in [Signal::Traces, Signal::Logs] {
        child::say(client.stats(signal).accepted);
    }
    let report = client.shutdown_blocking(PATIENCE).unwrap();
    child::say(report.accepted());
    child::say(SEEN.load(Ordering::SeqCst));
    child::say(LINES.load(Ordering::SeqCst));
    child::say(OTHERS_ON_CLIENTS_THREAD.load(Ordering::SeqCst));
    child::say(ASKED_AGAIN.load(Ordering::SeqCst) - asked_again);
}

#[test]
fn exporting_makes_no_telemetry_about_itself() {
    // conf: BATCH-26
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let said = child::run("row_41_loop", "", &collector.grpc_endpoint()).well();
    let [spans, logs, at_the_end, others] = [0, 1, 2, 5].map(|line: usize| said[line].as_str());
    assert_eq!(
        (spans, logs, at_the_end),
        ("22", "1", "23"),
        "of the application's event, and of nothing else"
    );
    // Of each export there is a line about the attempt, and one about the batch.
    assert!(said[4].parse::<u64>().unwrap() >= 40, "{said:?}");
    assert_eq!(
        (said[3].as_str(), others),
        ("1", "0"),
        "events of the application; others of the client's thread"
    );
    assert_eq!(said[6], "0", "call sites asked again, all of the process, under a lock of the process");
    assert_eq!(collector.received().items(), 23);
}
