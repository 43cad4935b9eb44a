//! Parenting: explicit contexts, the current context of a thread, and of a future.

use crate::support::{all_delivered, client, grpc};
use otlp::{FutureExt, SpanKind};
use otlp_testkit::Collector;

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
