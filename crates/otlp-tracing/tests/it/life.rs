//! Where and when spans end: on other threads, late, never.

use crate::support::{PATIENCE, World, int, keys, named, spans_with, text};
use otlp_tracing::OtlpSpanExt;
use std::sync::mpsc;
use tracing::field::Empty;
use tracing::{Span, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::{Identity, SubscriberExt};

#[test]
fn a_span_may_close_on_another_thread() {
    let world = World::new();
    world.run(world.layer(), || {
        let span = info_span!("span");
        span.in_scope(|| {});
        std::thread::spawn(move || {
            span.set_attribute("there", 1);
            drop(span);
        })
        .join()
        .unwrap();
    });
    assert_eq!(int(&world.spans()[0].attributes, "there"), Some(1));
}

#[test]
fn a_span_ends_when_it_was_left_last_not_when_its_last_handle_goes() {
    // conf: SPAN-32
    for activation in [true, false] {
        let spans = spans_with(
            |layer| layer.with_context_activation(activation),
            || {
                let parent = info_span!("parent");
                let child = parent.in_scope(|| info_span!("child"));
                drop(parent);
                // The child keeps its parent in the registry.
                child.in_scope(|| info!("later"));
                drop(child);
                drop(info_span!("never entered"));
            },
        );
        let (parent, child) = (named(&spans, "parent"), named(&spans, "child"));
        assert!(parent.end_time_unix_nano <= child.events[0].time_unix_nano, "{activation}");
        assert!(child.events[0].time_unix_nano <= child.end_time_unix_nano);
        assert!(spans.iter().all(|span| span.start_time_unix_nano <= span.end_time_unix_nano));
    }
}

#[test]
fn spans_of_two_registries_on_one_thread_are_told_apart_by_more_than_their_ids() {
    let world = World::new();
    let open = ["one", "two"].map(|name| world.run(world.layer(), || info_span!("span", name, late = Empty)));
    assert_eq!(open[0].id(), open[1].id());
    for (span, name) in open.iter().zip(["one", "two"]) {
        span.in_scope(|| span.record("late", name));
    }
    let [one, two] = open;
    two.in_scope(|| drop(one));
    drop(two);
    let spans = world.spans();
    let texts = |key| spans.iter().map(|span| text(&span.attributes, key)).collect::<Vec<_>>();
    assert_eq!(texts("name"), [Some("one".to_owned()), Some("two".to_owned())]);
    assert_eq!(texts("name"), texts("late"));
}

#[test]
fn a_thread_that_knew_a_span_knows_a_later_one_with_the_same_id_for_what_it_is() {
    let world = World::new();
    let layer = world.layer().with_filter(filter_fn(|metadata| metadata.name() != "between"));
    // What nobody wants would not be made at all.
    let all = Identity::new().with_filter(LevelFilter::TRACE);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer).with(all), || {
        let (give, given) = mpsc::channel::<Span>();
        let (give_back, given_back) = mpsc::channel();
        std::thread::spawn(move || {
            for span in given {
                span.record("late", true);
                let _ = give_back.send(span);
            }
        });
        let there = |span| {
            give.send(span).unwrap();
            given_back.recv().unwrap()
        };
        let first = there(info_span!("first", late = Empty));
        let id = first.id();
        drop(first);
        // An id comes again after so many spans in the same place.
        let turn = (1..1 << 20).find(|_| info_span!("between").id() == id).unwrap();
        (1..turn).for_each(|_| drop(info_span!("between")));
        assert_eq!(there(info_span!("again", late = Empty)).id(), id);
    });
    let spans = world.spans();
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["first", "again"]);
    assert!(spans.iter().all(|span| keys(&span.attributes) == ["late"]));
}

#[test]
fn a_span_that_is_never_closed_is_not_sent_and_not_counted() {
    let world = World::new();
    world.run(world.layer(), || {
        std::mem::forget(info_span!("forgotten"));
        drop(info_span!("closed"));
    });
    let spans = world.spans();
    assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ["closed"]);
}

#[test]
fn what_ends_after_the_shutdown_is_counted() {
    let world = World::new();
    let client = world.client.clone();
    let span = world.run(world.layer(), || info_span!("late"));
    assert!(client.shutdown_blocking(PATIENCE).is_ok());
    drop(span);
    let error = client.shutdown_blocking(PATIENCE).unwrap_err();
    let report = error.report().unwrap();
    assert_eq!(report.dropped().get(otlp::DropReason::ShutDown), 1, "{report}");
}

#[test]
fn spans_in_destructors_at_the_end_of_a_thread_do_no_harm() {
    struct Last;
    impl Drop for Last {
        fn drop(&mut self) {
            info_span!("last").in_scope(|| info!("last words"));
        }
    }
    thread_local! {
        static LAST: Last = const { Last };
    }
    let world = World::new();
    let dispatch =
        tracing::Dispatch::new(tracing_subscriber::registry().with(otlp_tracing::layer(&world.client)));
    std::thread::spawn(move || {
        LAST.with(|_| {});
        let _default = tracing::dispatcher::set_default(&dispatch);
        info_span!("span").in_scope(|| info!("event"));
        // The guard goes with this closure; whether the destructor still finds a subscriber is tracing's affair.
    })
    .join()
    .unwrap();
    assert!(!world.spans().is_empty());
}

#[test]
fn without_a_layer_and_without_a_span_everything_is_harmless() {
    Span::current().set_attribute("a", 1);
    assert!(!Span::current().context().is_valid());
    let world = World::new();
    world.run(world.layer(), || {
        assert!(!Span::none().context().is_valid());
        Span::none().follows_from(info_span!("cause").id());
        Span::none().in_scope(|| drop(info_span!(parent: &Span::none(), "root")));
    });
    assert_eq!(world.spans().len(), 2);
}
