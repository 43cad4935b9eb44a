//! Filters for all layers and for this one, reload handles, and spans that the layer never sees.

use crate::support::{World, named, parent};
use otlp_tracing::{OtlpSpanExt, SetParentError};
use tracing::{Level, Metadata, debug_span, error, info, info_span, trace_span};
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Identity, SubscriberExt};
use tracing_subscriber::reload;
use tracing_subscriber::{Layer, Registry};

fn not_hidden() -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(|metadata| metadata.target() != "hidden")
}

#[test]
fn what_the_layers_own_filter_hides_is_skipped_in_the_tree() {
    let world = World::new();
    // What nobody wants would not be made at all.
    let all = Identity::new().with_filter(LevelFilter::TRACE);
    let subscriber = tracing_subscriber::registry().with(world.layer().with_filter(not_hidden())).with(all);
    tracing::subscriber::with_default(subscriber, || {
        let _outer = info_span!("outer").entered();
        let hidden = info_span!(target: "hidden", "hidden").entered();
        assert_eq!(hidden.set_parent(&crate::support::remote(true)), Err(SetParentError::AlreadySettled));
        let _inner = info_span!("inner").entered();
        info!(target: "hidden", "hidden event");
        info!("event");
        drop(info_span!(parent: &*hidden, "child of hidden"));
    });
    let spans = world.spans();
    assert_eq!(spans.len(), 3);
    assert_eq!(parent(&spans, "inner"), Some("outer"));
    assert_eq!(parent(&spans, "child of hidden"), None, "a parent that was named and is not seen is none");
    assert_eq!(named(&spans, "inner").events.len(), 1);
}

#[test]
fn disabled_spans_cost_no_telemetry_and_break_no_tree() {
    let world = World::new();
    let subscriber = tracing_subscriber::registry().with(LevelFilter::INFO).with(world.layer());
    tracing::subscriber::with_default(subscriber, || {
        let _outer = info_span!("outer").entered();
        let _disabled = debug_span!("disabled").entered();
        assert!(_disabled.is_disabled());
        drop(info_span!("inner"));
    });
    let spans = world.spans();
    assert_eq!((spans.len(), parent(&spans, "inner")), (2, Some("outer")));
}

#[test]
fn a_filter_may_be_reloaded_while_spans_are_open() {
    let world = World::new();
    let (filter, handle) = reload::Layer::new(LevelFilter::INFO);
    let subscriber = tracing_subscriber::registry().with(world.layer().with_filter(filter));
    tracing::subscriber::with_default(subscriber, || {
        let outer = info_span!("outer").entered();
        drop(trace_span!("too fine"));
        handle.reload(LevelFilter::TRACE).unwrap();
        drop(trace_span!("fine now"));
        handle.reload(LevelFilter::OFF).unwrap();
        drop(info_span!("nothing now"));
        error!("nor this");
        outer.record("late", 1);
        drop(outer);
        assert_eq!(otlp::TraceContext::current(), None);
    });
    let spans = world.spans();
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["fine now", "outer"]);
}

#[test]
fn the_layer_may_be_behind_a_reload_handle_boxed_optional_and_come_late() {
    let world = World::new();
    let (layer, handle) = reload::Layer::new(None::<Box<dyn Layer<Registry> + Send + Sync>>);
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let before = info_span!("before").entered();
        handle.reload(Some(world.layer().boxed())).unwrap();
        let root = info_span!("root");
        assert_eq!(before.set_parent(&crate::support::remote(true)), Err(SetParentError::NotSeen));
        root.set_parent(&crate::support::remote(true)).unwrap();
        root.in_scope(|| drop(info_span!("child")));
        drop(before);
        assert_eq!(otlp::TraceContext::current(), None);
    });
    let spans = world.spans();
    assert_eq!((spans.len(), parent(&spans, "child")), (2, Some("root")));
    assert_eq!(named(&spans, "root").trace_id, [7; 16]);
}

#[test]
fn of_two_layers_on_one_registry_the_first_in_line_records() {
    let world = World::new();
    let subscriber = tracing_subscriber::registry().with(world.layer()).with(world.layer());
    tracing::subscriber::with_default(subscriber, || {
        let span = info_span!("once").entered();
        drop(info_span!("child"));
        drop(span);
        assert_eq!(otlp::TraceContext::current(), None);
    });
    let spans = world.spans();
    assert_eq!((spans.len(), parent(&spans, "child")), (2, Some("once")));
}

#[test]
fn what_the_client_says_of_itself_becomes_no_telemetry() {
    // conf: BATCH-26
    let world = World::new();
    world.run(world.layer(), || {
        let _span = info_span!("span").entered();
        error!(target: "otlp::tls", "of the client");
        drop(tracing::span!(target: "otlp_transport::pool", Level::ERROR, "of the client"));
        info!(target: "otlp_like", "of the application");
    });
    let spans = world.spans();
    assert_eq!((spans.len(), spans[0].events.len()), (1, 1));
    assert!(spans[0].status.is_none());
}
