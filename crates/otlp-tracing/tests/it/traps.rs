//! What went wrong in tracing-opentelemetry once, by the numbers of its issues. Those of code that runs inside of the layer
//! and calls it again are in `reentrant.rs`.

use crate::support::{World, named, spans_of};
use otlp::{EndedSpan, SpanHook};
use otlp_tracing::OtlpSpanExt;
use std::sync::{Arc, Barrier};
use tracing::{Dispatch, Span, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Issue 94, which the first mending of 59 caused and 95 mended: events of many threads on one span were lost.
#[test]
fn issue_95_events_and_values_of_many_threads_on_one_span_are_all_there() {
    const THREADS: usize = 8;
    const EVENTS: usize = 12;
    let world = World::new();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(world.layer()));
    tracing::dispatcher::with_default(&dispatch, || {
        let span = info_span!("span");
        let start = Arc::new(Barrier::new(THREADS));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (span, start, dispatch) = (span.clone(), Arc::clone(&start), &dispatch);
                scope.spawn(move || {
                    tracing::dispatcher::with_default(dispatch, || {
                        start.wait();
                        let _entered = span.enter();
                        for event in 0..EVENTS {
                            info!(thread, event, "event");
                            span.set_attribute(format!("{thread}.{event}"), true);
                        }
                    });
                });
            }
        });
    });
    drop(dispatch);
    let spans = world.spans();
    assert_eq!((spans[0].events.len(), spans[0].attributes.len()), (THREADS * EVENTS, THREADS * EVENTS));
}

#[test]
fn issue_14_a_span_that_follows_from_a_closed_one() {
    let spans = spans_of(|| {
        let closed = info_span!("closed");
        let id = closed.id();
        drop(closed);
        let span = info_span!("span");
        span.follows_from(id.clone());
        let _entered = span.enter();
        Span::current().follows_from(id);
    });
    assert!(named(&spans, "span").links.is_empty(), "what is closed is not known any more");
    assert_eq!(spans.len(), 2);
}

/// The same where other layers still hold the closed one: it is in the registry, but not in this layer.
#[test]
fn issue_14_a_span_that_follows_from_one_that_is_just_closing() {
    struct FollowsClosing;
    impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for FollowsClosing {
        fn on_close(&self, id: tracing::span::Id, registry: Context<'_, S>) {
            if registry.metadata(&id).is_some_and(|metadata| metadata.name() == "closing") {
                let span = info_span!("follower");
                span.follows_from(id);
            }
        }
    }
    let world = World::new();
    let subscriber = tracing_subscriber::registry().with(world.layer()).with(FollowsClosing);
    tracing::subscriber::with_default(subscriber, || drop(info_span!("closing")));
    let spans = world.spans();
    assert!(named(&spans, "follower").links.is_empty());
}

/// Makes a span at each end.
struct AtTheEnd {
    /// Whether it is a root.
    apart: bool,
}

impl SpanHook for AtTheEnd {
    fn on_end(&self, _: &mut EndedSpan<'_>) {
        match self.apart {
            true => drop(info_span!(parent: None, "of a hook")),
            false => drop(info_span!("of a hook")),
        }
    }
}

/// The registry removes only the outermost of spans that are closed in each other, so what a hook makes at an end stays, and keeps
/// its parent open.
#[test]
fn a_span_that_a_hook_makes_at_an_end_must_be_a_root_or_its_parent_never_ends() {
    for (apart, ended) in [(true, &["child", "parent"][..]), (false, &["child"])] {
        let world = World::with(|builder| builder.with_span_hook(AtTheEnd { apart }));
        // Kept, as everybody's subscriber is: with the registry the parent would end, too.
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(world.layer()));
        tracing::dispatcher::with_default(&dispatch, || {
            let _parent = info_span!("parent").entered();
            drop(info_span!("child"));
        });
        let spans = world.spans();
        assert_eq!(spans.iter().map(|span| &*span.name).collect::<Vec<_>>(), ended);
    }
}
