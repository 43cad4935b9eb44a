//! What the options add to spans and events.

use crate::support::{World, event, int, keys, spans_with, text};
use tracing::{info, info_span};

#[test]
fn by_default_spans_say_where_and_on_which_thread_they_were_made_and_their_target() {
    let world = World::new();
    let layer = otlp_tracing::layer(&world.client);
    let line = std::thread::Builder::new().name("worker".to_owned());
    let line = line.spawn({
        let dispatch = {
            use tracing_subscriber::layer::SubscriberExt;
            tracing::Dispatch::new(tracing_subscriber::registry().with(layer))
        };
        move || {
            tracing::dispatcher::with_default(&dispatch, || {
                let span = info_span!(target: "shop", "span", own = 1);
                span.in_scope(|| info!("event"));
                line!() - 2
            })
        }
    });
    let line = line.unwrap().join().unwrap();
    let spans = world.spans();
    let attributes = &spans[0].attributes;
    let expected = [
        "code.file.path",
        "code.module.name",
        "code.line.number",
        "target",
        "thread.id",
        "thread.name",
        "own",
    ];
    assert_eq!(keys(attributes), expected);
    assert_eq!(text(attributes, "code.file.path").as_deref(), Some(file!()));
    assert_eq!(text(attributes, "code.module.name").as_deref(), Some(module_path!()));
    assert_eq!(int(attributes, "code.line.number"), Some(i64::from(line)));
    assert!(int(attributes, "thread.id").unwrap() > 0);
    assert_eq!(text(attributes, "thread.name").as_deref(), Some("worker"));
    assert_eq!(text(attributes, "target").as_deref(), Some("shop"));
    let event = event(&spans[0], "event");
    assert_eq!(
        keys(&event.attributes),
        ["level", "target", "code.file.path", "code.module.name", "code.line.number"]
    );
}

#[test]
fn a_level_is_added_when_asked() {
    let spans = spans_with(|layer| layer.with_level(true), || drop(info_span!("span")));
    assert_eq!(keys(&spans[0].attributes), ["level"]);
    assert_eq!(text(&spans[0].attributes, "level").as_deref(), Some("INFO"));
}

#[test]
fn a_field_of_the_same_name_wins() {
    // conf: MODEL-08
    let spans = spans_with(
        |layer| layer.with_target(true).with_level(true),
        || drop(info_span!("span", target = "moon", level = 3)),
    );
    assert_eq!(text(&spans[0].attributes, "target").as_deref(), Some("moon"));
    assert_eq!(int(&spans[0].attributes, "level"), Some(3));
}

#[test]
fn busy_and_idle_time_add_up_to_the_span_when_asked() {
    let spans = spans_with(
        |layer| layer.with_tracked_inactivity(true),
        || {
            let span = info_span!("entered");
            span.in_scope(|| span.in_scope(|| drop(info_span!("never entered"))));
            span.in_scope(|| {});
        },
    );
    for span in &spans {
        let (busy, idle) =
            (int(&span.attributes, "busy_ns").unwrap(), int(&span.attributes, "idle_ns").unwrap());
        let whole = i64::try_from(span.end_time_unix_nano - span.start_time_unix_nano).unwrap();
        // One that was entered ends when it is left last, to the nanosecond; the end of another is read after its idle time.
        if span.name == "entered" {
            assert!(busy >= 0 && idle >= 0 && busy + idle == whole, "{busy} + {idle} of {whole}");
        } else {
            assert!(busy == 0 && (0..=whole).contains(&idle), "{busy} + {idle} of {whole}");
        }
    }
    assert_eq!(spans.len(), 2);
}

#[test]
fn what_passes_before_a_span_is_entered_is_idle_time_with_and_without_activated_contexts() {
    for activation in [true, false] {
        let spans = spans_with(
            |layer| layer.with_tracked_inactivity(true).with_context_activation(activation),
            || {
                let span = info_span!("span");
                let made = tokio::time::Instant::now();
                while made.elapsed().is_zero() {}
                span.in_scope(|| {});
            },
        );
        assert!(int(&spans[0].attributes, "idle_ns").unwrap() > 0, "activation: {activation}");
    }
}

#[test]
fn a_scope_of_ones_own_is_that_of_the_tracer() {
    let world = World::new();
    let tracer = world.client.tracer("shop");
    world.run(otlp_tracing::OtlpLayer::new(tracer), || drop(info_span!("own")));
    world.run(world.layer(), || drop(info_span!("default")));
    world.client.flush_blocking().unwrap();
    let received = world.collector.received();
    assert_eq!(received.span_named("own").unwrap().scope.name, "shop");
    let scope = received.span_named("default").unwrap().scope;
    assert_eq!((&*scope.name, &*scope.version), ("otlp-tracing", env!("CARGO_PKG_VERSION")));
}
