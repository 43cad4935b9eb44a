//! Parenting: explicit contexts, the current context of a thread, and of a future.

use crate::support::{all_delivered, client, grpc};
use otlp::{ContextGuard, FutureExt, Span, SpanKind, TraceContext, Tracer};
use otlp_testkit::Collector;
use std::cell::RefCell;

fn parent_of(collector: &Collector, child: &str) -> String {
    let received = collector.received();
    let parent_id = received.span_named(child).unwrap().span.parent_span_id;
    let parent = received.spans().into_iter().find(|span| span.span.span_id == parent_id);
    parent.map_or(String::from("none"), |parent| parent.span.name)
}

#[tokio::test]
async fn starting_a_span_makes_nothing_current() {
    // conf: SPAN-02
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let first = tracer.start("first");
    let second = tracer.start("second");
    assert_ne!(first.context().trace_id(), second.context().trace_id());
    drop((first, second));
    all_delivered(&client, &collector, 2).await;
}

#[tokio::test]
async fn an_attached_context_is_the_parent_of_what_starts_on_the_thread() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let outer = tracer.start("outer");
    {
        let _outer = outer.context().attach();
        let inner = tracer.start("inner");
        let _inner = inner.context().attach();
        tracer.start("innermost").end();
        tracer.span("root").root().start().end();
    }
    tracer.start("unrelated").end();
    drop(outer);
    all_delivered(&client, &collector, 5).await;
    let parents = ["inner", "innermost", "root", "unrelated"].map(|child| parent_of(&collector, child));
    assert_eq!(parents, ["outer", "inner", "none", "none"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_travels_with_a_future_and_into_threads() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let root = tracer.start("root");
    let (for_task, for_thread) = (tracer.clone(), tracer.clone());
    let task = async move {
        let first = for_task.start("in task");
        tokio::task::yield_now().await;
        for_task.start_with_context("in task, below", SpanKind::Internal, &first.context());
    };
    tokio::spawn(task.with_context(root.context())).await.unwrap();
    let context = root.context();
    std::thread::spawn(move || {
        let _current = context.attach();
        for_thread.start("in thread");
    })
    .join()
    .unwrap();
    drop(root);
    all_delivered(&client, &collector, 4).await;
    let parents = ["in task", "in task, below", "in thread"].map(|child| parent_of(&collector, child));
    assert_eq!(parents, ["root", "in task", "root"]);
}

#[tokio::test]
async fn scopes_make_a_span_current_and_end_it() {
    // conf: SPAN-02
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let sum = tracer.in_span("outer", |outer| {
        outer.set_attribute("k", 1);
        assert_eq!(TraceContext::current(), Some(outer.context()));
        let built = tracer.span("built").kind(SpanKind::Client).in_span(|span| {
            tracer.start("leaf").end();
            span.is_recording()
        });
        assert!(built);
        outer.set_attribute("k", 2);
        40 + 2
    });
    assert_eq!((sum, TraceContext::current()), (42, None));

    let mut entered = tracer.start("entered");
    let current = entered.enter();
    entered.set_attribute("still", "mine");
    entered.in_span(|| tracer.start("in entered").end());
    drop(current);
    tracer.start("after").end();
    drop(entered);

    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        tracer.in_span("panics", |_| -> () { panic!("in a span") });
    }));
    assert!(panicked.is_err() && TraceContext::current().is_none());
    all_delivered(&client, &collector, 7).await;
    let parents =
        ["built", "leaf", "in entered", "after", "panics"].map(|child| parent_of(&collector, child));
    assert_eq!(parents, ["outer", "built", "entered", "none", "none"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_ends_with_its_future_ready_or_dropped() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let work = {
        let tracer = tracer.clone();
        async move {
            tokio::task::yield_now().await;
            tracer.start("in ready").end();
            7
        }
    };
    let mut ready = Box::pin(work.with_span(tracer.start("ready")));
    assert_eq!((&mut ready).await, 7);
    assert_eq!(
        client.stats(otlp::Signal::Traces).accepted,
        2,
        "it has ended, though the future is still there"
    );
    drop(ready);

    // Cancelled in the middle: what its locals do at their end is still the span's.
    struct Last(Tracer);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.start("in dropped").end();
        }
    }
    let last = Last(tracer.clone());
    let never = async move {
        let _last = last;
        std::future::pending::<()>().await;
    };
    let mut never = Box::pin(never.with_span(tracer.start("dropped")));
    assert!(futures_util::poll!(&mut never).is_pending());
    drop(never);
    // Never polled at all.
    drop(std::future::ready(()).with_span(tracer.start("not polled")));
    assert_eq!(TraceContext::current(), None);
    all_delivered(&client, &collector, 5).await;
    let parents = ["in ready", "in dropped", "dropped"].map(|child| parent_of(&collector, child));
    assert_eq!(parents, ["ready", "dropped", "none"]);
}

/// Traces while the thread is being torn down.
struct AtExit {
    tracer: Tracer,
    span: Span,
    _attached: Option<ContextGuard>,
}

impl Drop for AtExit {
    fn drop(&mut self) {
        self.span.set_attribute("exit", true);
        self.tracer.in_span("at exit", |span| {
            span.add_event("still here", &[]);
            let _ = (TraceContext::current(), span.enter(), self.span.enter());
        });
        let _leaked = self.tracer.start("a guard outlives the rest").enter();
    }
}

thread_local! {
    static FIRST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
    static LAST: RefCell<Option<AtExit>> = const { RefCell::new(None) };
}

#[tokio::test]
async fn a_thread_may_trace_until_its_very_end() {
    let collector = grpc().await;
    let client = client(&collector).await;
    for attach in [false, true] {
        let tracer = client.tracer("t");
        let exit = move |attach: bool| {
            let span = tracer.start("held");
            let attached = attach.then(|| span.enter());
            AtExit { tracer: tracer.clone(), span, _attached: attached }
        };
        // One is torn down before whatever the client keeps for the thread, the other after.
        let thread = std::thread::spawn(move || {
            FIRST.with(|_| {});
            let inner = exit(attach);
            LAST.set(Some(exit(attach)));
            FIRST.set(Some(inner));
        });
        thread.join().unwrap();
    }
    // Two threads, two holders, three spans each.
    all_delivered(&client, &collector, 12).await;
}
