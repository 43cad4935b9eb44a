//! The current context of the client follows the spans of `tracing`.

use crate::support::{World, parent, remote};
use otlp::{FutureExt, TraceContext};
use otlp_tracing::OtlpSpanExt;
use tracing::{Instrument, Span, info_span};

#[test]
fn spans_of_both_kinds_are_parents_of_each_other() {
    let world = World::new();
    let tracer = world.client.tracer("own");
    world.run(world.layer(), || {
        let outer = info_span!("outer").entered();
        let middle = tracer.start("middle");
        {
            let _middle = middle.context().attach();
            let inner = info_span!("inner").entered();
            tracer.start("innermost").end();
            drop(inner);
            tracer.start("beside").end();
        }
        assert_eq!(TraceContext::current(), Some(outer.context()));
        drop(outer);
        assert_eq!(TraceContext::current(), None);
    });
    let spans = world.spans();
    let parents = ["outer", "middle", "inner", "innermost", "beside"].map(|name| parent(&spans, name));
    assert_eq!(parents, [None, Some("outer"), Some("middle"), Some("inner"), Some("middle")]);
}

#[test]
fn spans_left_in_another_order_leave_no_context_behind() {
    let world = World::new();
    world.run(world.layer(), || {
        let (a, b, c) = (info_span!("a"), info_span!("b"), info_span!("c"));
        let (in_a, in_b) = (a.enter(), b.enter());
        drop(in_a);
        assert_eq!(TraceContext::current(), Some(b.context()));
        let in_c = c.enter();
        drop(in_b);
        drop(in_c);
        assert_eq!(TraceContext::current(), None);
        a.in_scope(|| a.in_scope(|| assert_eq!(TraceContext::current(), Some(a.context()))));
        assert_eq!(TraceContext::current(), None);
    });
    world.spans();
}

#[test]
fn instrumented_futures_carry_their_context_across_threads_and_leak_none() {
    let world = World::new();
    let tracer = world.client.tracer("own");
    let dispatch = {
        use tracing_subscriber::layer::SubscriberExt;
        tracing::Dispatch::new(tracing_subscriber::registry().with(world.layer()))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        use tracing::instrument::WithSubscriber;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let tracer = tracer.clone();
                let work = async move {
                    let task = async {
                        for _ in 0..10 {
                            tokio::task::yield_now().await;
                            assert_eq!(TraceContext::current(), Some(Span::current().context()));
                        }
                        tracer.start("in task").end();
                    };
                    task.instrument(info_span!("task")).await;
                    assert_eq!(TraceContext::current(), Some(remote(true)));
                };
                tokio::spawn(work.with_context(remote(true)).with_subscriber(dispatch.clone()))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    drop(dispatch);
    let spans = world.spans();
    assert_eq!(spans.len(), 16);
    assert!(spans.iter().all(|span| span.trace_id == [7; 16]));
    for child in spans.iter().filter(|span| span.name == "in task") {
        assert!(spans.iter().any(|span| span.name == "task" && span.span_id == child.parent_span_id));
    }
}

#[test]
fn without_activation_only_spans_of_tracing_are_told() {
    let world = World::new();
    let tracer = world.client.tracer("own");
    world.run(world.layer().with_context_activation(false), || {
        let _remote = remote(true).attach();
        let _outer = info_span!("outer").entered();
        assert_eq!(TraceContext::current(), Some(remote(true)));
        let other = tracer.start("other");
        let _other = other.context().attach();
        drop(info_span!("inner"));
    });
    let spans = world.spans();
    assert_eq!(parent(&spans, "inner"), Some("outer"));
    assert!(spans.iter().all(|span| span.trace_id == [7; 16]));
    assert_eq!(parent(&spans, "other"), None, "its parent is remote");
}

#[test]
fn a_span_that_the_layer_does_not_record_tells_what_is_current() {
    let world = World::new();
    world.run(world.layer(), || {
        let _remote = remote(true).attach();
        assert_eq!(Span::none().context(), remote(true));
        assert_eq!(info_span!("span").context().trace_id(), remote(true).trace_id());
    });
    world.spans();
    let _remote = remote(true).attach();
    assert_eq!(info_span!("there is no layer").context(), remote(true));
}

#[test]
fn another_layer_finds_the_context_by_the_id() {
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};
    struct Finder(
        std::sync::Mutex<Option<tracing::dispatcher::WeakDispatch>>,
        std::sync::mpsc::Sender<TraceContext>,
    );
    impl<S: tracing::Subscriber> Layer<S> for Finder {
        fn on_register_dispatch(&self, dispatch: &tracing::Dispatch) {
            *self.0.lock().unwrap() = Some(dispatch.downgrade());
        }

        fn on_enter(&self, id: &tracing::span::Id, _: Context<'_, S>) {
            let dispatch = self.0.lock().unwrap().as_ref().unwrap().upgrade().unwrap();
            self.1.send(otlp_tracing::context_of(&dispatch, id).unwrap()).unwrap();
        }
    }
    let world = World::new();
    let (sender, found) = std::sync::mpsc::channel();
    let subscriber = tracing_subscriber::registry().with(world.layer()).with(Finder(None.into(), sender));
    tracing::subscriber::with_default(subscriber, || {
        let span = info_span!("span").entered();
        assert_eq!(found.recv().unwrap(), span.context());
    });
    world.spans();
}
