//! Row 37: spans that end twice, after the shutdown, never, or after their parent. Each is counted as what it is, and no call
//! panics.

use crate::support::{PATIENCE, all_delivered, books, client, grpc};
use otlp::{DropReason, SpanKind, StatusCode};
use proptest::prelude::*;
use std::time::UNIX_EPOCH;

#[tokio::test]
async fn a_span_ended_twice_is_one_span() {
    // conf: SPAN-10
    let collector = grpc().await;
    let client = client(&collector).await;
    let mut span = client.tracer("t").start("s");
    span.end();
    span.end();
    span.end_at(UNIX_EPOCH);
    drop(span);
    all_delivered(&client, &collector, 1).await;
}

#[tokio::test]
async fn a_span_that_ends_after_the_shutdown_is_lost_and_counted() {
    // conf: BATCH-14
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let mut early = tracer.start("started before");
    client.shutdown(PATIENCE).await.unwrap();
    early.set_attribute("late", true).end();
    tracer.start("started after").end();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.dropped().get(DropReason::ShutDown)), (2, 2));
    // Also when no client is left.
    drop(client);
    tracer.start("orphan").set_attribute("k", 1).end();
    assert_eq!(collector.received().items(), 0);
}

#[tokio::test]
async fn a_span_that_never_ends_holds_up_nobody() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    std::mem::forget(tracer.start("forgotten"));
    let open = tracer.start("open");
    tracer.start("ended").end();
    all_delivered(&client, &collector, 1).await;
    drop(open);
}

#[tokio::test]
async fn a_child_may_start_and_end_after_its_parent() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let mut parent = tracer.start("parent");
    let child = tracer.start_with_context("child", SpanKind::Internal, &parent.context());
    parent.end();
    client.flush().await.unwrap();
    tracer.start_with_context("late child", SpanKind::Internal, &parent.context()).end();
    drop(child);
    all_delivered(&client, &collector, 3).await;
    let received = collector.received();
    let parent = received.span_named("parent").unwrap().span;
    for child in ["child", "late child"] {
        let child = received.span_named(child).unwrap().span;
        assert_eq!((child.trace_id, child.parent_span_id), (parent.trace_id.clone(), parent.span_id.clone()));
    }
}

/// A call on a span.
#[derive(Debug, Clone)]
enum Act {
    Attribute(String, i64),
    Event(String),
    Link,
    Status(u8, String),
    Name(String),
    End,
    EndAt(u64),
    Child,
    Shutdown,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let text = || "\\PC{0,20}";
    let act = prop_oneof![
        (text(), any::<i64>()).prop_map(|(key, value)| Act::Attribute(key, value)),
        text().prop_map(Act::Event),
        Just(Act::Link),
        (0..3u8, text()).prop_map(|(code, text)| Act::Status(code, text)),
        text().prop_map(Act::Name),
        Just(Act::End),
        (0..=u64::MAX / 2).prop_map(Act::EndAt),
        Just(Act::Child),
    ];
    let rare = prop_oneof![20 => act, 1 => Just(Act::Shutdown)];
    prop::collection::vec(rare, 0..30)
}

proptest! {
    // Every case is a collector and a client on real sockets.
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_calls_makes_each_span_once(acts in acts()) {
        // conf: SPAN-10, BATCH-14
        let collector = otlp_testkit::Collector::builder().grpc().start_blocking().unwrap();
        let client = crate::support::builder(collector.grpc_endpoint()).build_blocking().unwrap();
        let tracer = client.tracer("t");
        let (mut span, mut started) = (tracer.start("s"), 1);
        for act in acts {
            match act {
                Act::Attribute(key, value) => drop(span.set_attribute(key, value)),
                Act::Event(name) => drop(span.add_event(name, &[])),
                Act::Link => drop(span.add_link(&span.context(), &[])),
                Act::Status(code, text) => {
                    let codes = [StatusCode::Unset, StatusCode::Ok, StatusCode::Error];
                    span.set_status(codes[usize::from(code)], text);
                }
                Act::Name(name) => drop(span.update_name(name)),
                Act::End => span.end(),
                Act::EndAt(nanos) => span.end_at(UNIX_EPOCH + std::time::Duration::from_nanos(nanos)),
                Act::Child => {
                    let child = tracer.start_with_context("child", SpanKind::Internal, &span.context());
                    span = child;
                    started += 1;
                }
                Act::Shutdown => drop(client.shutdown_blocking(PATIENCE)),
            }
        }
        drop(span);
        let report = books(client.shutdown_blocking(PATIENCE));
        prop_assert_eq!(report.accepted(), started);
        prop_assert_eq!(report.delivered() + report.dropped().get(DropReason::ShutDown), started);
        prop_assert_eq!(collector.received().items(), report.delivered());
    }
}
