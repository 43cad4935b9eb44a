//! Code of others that runs inside of the layer and calls it again: a `Debug`, a sampler, another layer.
//!
//! A program of its own, because the subscriber is everybody's. Each test has a trace of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[allow(dead_code, reason = "shared with the binary `it`; each uses a part")]
#[path = "it/support.rs"]
mod support;

use opentelemetry_proto::tonic::trace::v1::Span as Received;
use otlp::{
    IdGenerator, Sampler, SamplingDecision, SamplingParameters, SamplingResult, SpanId, StatusCode,
    TraceContext, TraceId,
};
use otlp_tracing::OtlpSpanExt;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use support::{PATIENCE, World, event, int, keys, named, parent, remote, text};
use tracing::field::Empty;
use tracing::{Span, Subscriber, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The client of all tests, and everybody's subscriber.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let world = World::with(|builder| builder.with_sampler(Talkative));
        // The collector, in this process, makes spans as well.
        let own = filter_fn(|metadata| metadata.target() == "reentrant");
        let layer = world.layer().with_filter(own);
        let subscriber = tracing_subscriber::registry().with(Looks).with(layer).with(Looks);
        tracing::subscriber::set_global_default(subscriber).unwrap();
        world
    })
}

/// On which threads something was told, and by whom.
static TOLD: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// The spans that arrived of the trace that `f` makes below a span called `root`.
fn trace_of(f: impl FnOnce()) -> Vec<Received> {
    let world = world();
    let root = info_span!("root");
    let trace = root.context().trace_id();
    root.in_scope(f);
    drop(root);
    of_trace(world, trace.as_bytes())
}

fn of_trace(world: &World, trace: &[u8]) -> Vec<Received> {
    world.client.flush_within_blocking(PATIENCE).unwrap();
    let all = world.collector.received().spans().into_iter().map(|received| received.span);
    all.filter(|span| span.trace_id == trace).collect()
}

/// Fails if `f` takes a minute: a deadlock.
fn in_time(f: impl FnOnce() + Send + 'static) {
    let (done, waiting) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        f();
        let _ = done.send(());
    });
    let ended = waiting.recv_timeout(Duration::from_secs(60));
    assert!(ended != Err(std::sync::mpsc::RecvTimeoutError::Timeout), "it hangs");
    thread.join().unwrap();
}

/// Makes spans and events, tells and asks its span and enters it, and looks into the extensions of all spans around it, as the
/// span traces of error types do.
struct Busy(Span);

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        info!(depth = 1, "from a Debug");
        info_span!("from a Debug").in_scope(|| info!("inside"));
        let Self(span) = self;
        span.set_attribute("from.debug", true);
        span.record("declared", "by a Debug");
        assert!(span.context().is_valid());
        span.in_scope(|| {});
        span.with_subscriber(|(id, dispatch)| {
            let registry = dispatch.downcast_ref::<tracing_subscriber::Registry>().unwrap();
            for span in registry.span(id).unwrap().scope() {
                assert!(span.extensions_mut().get_mut::<u8>().is_none());
                assert!(span.extensions().get::<u8>().is_none());
            }
        });
        f.write_str("busy")
    }
}

#[test]
fn issue_59_a_debug_that_logs_and_looks_into_its_span_from_an_event() {
    in_time(|| {
        let spans = trace_of(|| {
            let span = info_span!("span", declared = Empty);
            // `tracing` itself mostly lets no other event in while it dispatches one; the rest reaches the layer.
            span.in_scope(|| info!(value = ?Busy(span.clone()), "outer"));
        });
        let span = named(&spans, "span");
        assert_eq!(text(&event(span, "outer").attributes, "value").as_deref(), Some("busy"));
        assert_eq!(keys(&span.attributes), ["from.debug", "declared"]);
    });
}

#[test]
fn issue_95_a_debug_that_logs_and_looks_into_its_span_from_a_recorded_value() {
    in_time(|| {
        let spans = trace_of(|| {
            let span = info_span!("span", declared = Empty, late = Empty).entered();
            span.record("late", tracing::field::debug(Busy(span.clone())));
            // And from a field of a new span, and before a span is entered.
            drop(info_span!("new", value = ?Busy(span.clone())));
            let fresh = info_span!("fresh", declared = Empty, late = Empty);
            fresh.record("late", tracing::field::debug(Busy(fresh.clone())));
        });
        let span = named(&spans, "span");
        event(span, "from a Debug");
        assert_eq!(parent(&spans, "from a Debug"), Some("span"));
        for (name, key) in [("span", "late"), ("new", "value"), ("fresh", "late")] {
            assert_eq!(text(&named(&spans, name).attributes, key).as_deref(), Some("busy"), "{name}");
        }
        assert_eq!(keys(&named(&spans, "fresh").attributes), ["from.debug", "declared", "late"]);
    });
}

/// A text that tells its span of itself when it is read.
struct Tells(Span);

impl AsRef<str> for Tells {
    fn as_ref(&self) -> &str {
        self.0.set_attribute("read", true);
        "told"
    }
}

#[test]
fn texts_that_are_given_to_a_span_may_look_into_it_when_they_are_read() {
    in_time(|| {
        let spans = trace_of(|| {
            let span = info_span!("span");
            let told = || Tells(span.clone());
            span.update_name(told());
            span.add_event(told(), &[]);
            span.add_event_at(told(), std::time::SystemTime::UNIX_EPOCH, &[]);
            span.set_status(StatusCode::Error, told());
        });
        let span = named(&spans, "told");
        assert_eq!((span.events.len(), &*span.status.as_ref().unwrap().message), (2, "told"));
        assert_eq!(keys(&span.attributes), ["read"]);
    });
}

/// Tells of itself whenever it is asked, and asks and tells the span it is asked about.
struct Talkative;

impl Sampler for Talkative {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        if span.name.starts_with("talk") {
            info!(value = ?Busy(Span::current()), "asked");
            info_span!("of a sampler").in_scope(|| info!("asked"));
            Span::current().set_attribute("asked", 1);
        }
        SamplingResult::new(SamplingDecision::RecordAndSample, span.parent_trace_state())
    }

    fn description(&self) -> Cow<'_, str> {
        "Talkative".into()
    }
}

/// Looks into each span that something happens in or to, as other layers do.
struct Looks;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Looks {
    fn on_event(&self, event: &tracing::Event<'_>, registry: Context<'_, S>) {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        TOLD.lock().unwrap().insert((thread, event.metadata().target().to_owned()));
        if let Some(span) = registry.event_span(event) {
            assert!(span.extensions_mut().get_mut::<u8>().is_none());
        }
    }

    fn on_enter(&self, id: &tracing::span::Id, registry: Context<'_, S>) {
        assert!(registry.span(id).unwrap().extensions_mut().get_mut::<u8>().is_none());
    }
}

/// Making a context current called into a library that logs, under the span's lock. Here it is the sampler that is asked when
/// a span is entered, and other layers that look into the span meanwhile.
#[test]
fn issue_250_what_is_called_when_a_span_is_entered_may_log() {
    in_time(|| {
        let world = world();
        let span = info_span!(parent: None, "talk", declared = Empty);
        span.set_parent(&remote(true)).unwrap();
        span.in_scope(|| {
            info!("entered");
            info_span!("talk below").in_scope(|| {});
        });
        drop(span);
        // And when it is closed without having been entered.
        drop(info_span!(parent: None, "talk at the end"));
        let spans = of_trace(world, &[7; 16]);
        let span = named(&spans, "talk");
        event(span, "entered");
        event(span, "asked");
        assert_eq!(int(&span.attributes, "asked"), Some(1));
        assert_eq!(parent(&spans, "talk below"), Some("talk"));
        assert!(!spans.iter().any(|span| span.name == "of a sampler"), "a sampler is not asked about itself");
    });
}

/// Tells a span that it is asked for the id of a trace.
struct Draws;

static DRAWN: Mutex<Option<Span>> = Mutex::new(None);

impl IdGenerator for Draws {
    fn trace_id(&self) -> TraceId {
        let span = DRAWN.lock().unwrap().clone();
        span.into_iter().for_each(|span| span.set_attribute("drawn", true));
        TraceId::from_bytes([5; 16])
    }

    fn span_id(&self) -> SpanId {
        SpanId::INVALID
    }
}

#[test]
fn a_generator_of_ids_that_is_asked_for_a_new_root_may_look_into_it() {
    // conf: LIM-01
    in_time(|| {
        let world = World::with(|builder| builder.with_id_generator(Draws));
        world.run(world.layer(), || {
            let span = info_span!("span");
            span.set_parent(&remote(true)).unwrap();
            *DRAWN.lock().unwrap() = Some(span.clone());
            span.set_parent(&TraceContext::default()).unwrap();
            assert_eq!(span.context().trace_id(), TraceId::from_bytes([5; 16]));
            *DRAWN.lock().unwrap() = None;
        });
        let spans = world.spans();
        assert_eq!((&*spans[0].trace_id, spans[0].parent_span_id.len()), (&[5; 16][..], 0));
        assert_eq!(keys(&spans[0].attributes), ["drawn"]);
    });
}

#[test]
fn what_the_clients_thread_does_becomes_no_telemetry() {
    // conf: BATCH-26
    for _ in 0..3 {
        trace_of(|| info!("event"));
    }
    // hyper and h2 tell much to everybody's subscriber: so does the collector, on its thread, and so would the client. What
    // it tells are lines of its own, which the layer leaves out.
    let told = TOLD.lock().unwrap().clone();
    assert!(told.iter().any(|(thread, _)| thread.starts_with("otlp-testkit")), "{told:?}");
    let own = |target: &str| target == "otlp" || target.starts_with("otlp::");
    assert!(told.iter().all(|(thread, target)| thread != "otlp" || own(target)), "{told:?}");
}
