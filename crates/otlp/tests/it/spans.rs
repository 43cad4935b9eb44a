//! What a span looks like when it arrives: the rules of the span API, as another decoder sees them.

use crate::support::{PATIENCE, client, grpc};
use opentelemetry_proto::tonic::trace::v1::Span as Received;
use otlp::{
    AlwaysOffSampler, Link, Span, SpanContext, SpanId, SpanKind, StatusCode, TraceContext, TraceFlags,
    TraceId, TraceState, Tracer,
};
use std::time::{Duration, UNIX_EPOCH};

/// What the collector got of the spans that `make` made, in order of arrival.
async fn received(make: impl FnOnce(&Tracer)) -> Vec<Received> {
    let collector = grpc().await;
    let client = client(&collector).await;
    make(&client.tracer("spans"));
    let report = client.shutdown(PATIENCE).await.unwrap();
    assert!(report.is_balanced() && report.is_complete(), "{report:?}");
    collector.received().spans().into_iter().map(|received| received.span).collect()
}

async fn one(make: impl FnOnce(&Tracer)) -> Received {
    let mut spans = received(make).await;
    assert_eq!(spans.len(), 1);
    spans.remove(0)
}

fn keys(span: &Received) -> Vec<&str> {
    span.attributes.iter().map(|attribute| attribute.key.as_str()).collect()
}

#[tokio::test]
async fn a_root_span_has_a_new_trace_and_no_parent() {
    // conf: SPAN-03, SPAN-06, MODEL-03, MODEL-04, MODEL-15, LIM-02, SAMP-31
    let span = one(|tracer| tracer.start("root").end()).await;
    assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
    assert!(span.parent_span_id.is_empty());
    assert_eq!(span.kind, 1);
    assert_eq!(span.flags, 0x100 | 0x03, "sampled, random, parent known not to be remote");
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.start_time_unix_nano > 0);
}

#[tokio::test]
async fn a_child_continues_its_parents_trace() {
    // conf: SPAN-03, SPAN-09, MODEL-04
    let spans = received(|tracer| {
        let mut parent = tracer.start("parent");
        tracer.start_with_context("child", SpanKind::Client, &parent.context()).end();
        parent.end();
    })
    .await;
    let [child, parent] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(child.trace_id, parent.trace_id);
    assert_eq!(child.parent_span_id, parent.span_id);
    assert_eq!(child.flags & 0x300, 0x100);
}

#[tokio::test]
async fn a_remote_parent_shows_in_the_flags_and_its_trace_state_is_kept() {
    // conf: MODEL-04, MODEL-19, SPAN-03, SPAN-09
    let state = TraceState::parse("vendor=value").unwrap();
    let remote =
        SpanContext::new(TraceId::from_bytes([7; 16]), SpanId::from_bytes([8; 8]), TraceFlags::SAMPLED)
            .with_remote(true)
            .with_trace_state(state);
    let span = one(|tracer| {
        let mut span = tracer.start_with_context("server", SpanKind::Server, &remote.clone().into());
        assert!(!span.context().is_remote());
        span.end();
    })
    .await;
    assert_eq!(span.trace_id, [7; 16]);
    assert_eq!(span.flags, 0x301);
    assert_eq!(span.trace_state, "vendor=value");
}

#[tokio::test]
async fn an_invalid_parent_makes_a_root() {
    // conf: SPAN-05
    let span = one(|tracer| {
        tracer.start_with_context("s", SpanKind::Internal, &TraceContext::default()).end();
    })
    .await;
    assert!(span.parent_span_id.is_empty());
    assert_ne!(span.trace_id, [0; 16]);
}

#[tokio::test]
async fn attributes_are_unique_and_the_last_one_wins() {
    // conf: MODEL-08, MODEL-09, SPAN-13
    let span = one(|tracer| {
        let mut span = tracer.start("s");
        span.set_attribute("key", 1).set_attribute("Key", 2).set_attribute("key", "three");
        span.set_attribute("", "no key");
    })
    .await;
    assert_eq!(keys(&span), ["Key", "key"].map(|k| k).iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(span.dropped_attributes_count, 1);
}

#[tokio::test]
async fn limits_discard_and_count() {
    // conf: LIM-04, LIM-09, LIM-10, MODEL-18
    let span = one(|tracer| {
        let mut span = tracer.start("s");
        for number in 0..130 {
            span.set_attribute(format!("attribute {number}"), number);
            span.add_event("event", &[]);
            span.add_link(&span.context(), &[]);
        }
        span.set_attribute("attribute 0", "overwritten at the limit");
    })
    .await;
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (128, 2));
    assert_eq!((span.events.len(), span.dropped_events_count), (128, 2));
    assert_eq!((span.links.len(), span.dropped_links_count), (128, 2));
}

#[tokio::test]
async fn status_follows_its_order() {
    // conf: SPAN-14, SPAN-15, MODEL-16
    let set = async |codes: &[(StatusCode, &str)]| {
        let span = one(|tracer| {
            let mut span = tracer.start("s");
            for (code, description) in codes {
                span.set_status(*code, description);
            }
        });
        span.await.status.map_or((0, String::new()), |status| (status.code, status.message))
    };
    assert_eq!(set(&[]).await, (0, String::new()));
    assert_eq!(set(&[(StatusCode::Error, "a"), (StatusCode::Error, "b")]).await, (2, "b".into()));
    assert_eq!(set(&[(StatusCode::Error, "a"), (StatusCode::Unset, "")]).await, (2, "a".into()));
    assert_eq!(set(&[(StatusCode::Error, "a"), (StatusCode::Ok, "fine")]).await, (1, String::new()));
    assert_eq!(set(&[(StatusCode::Ok, ""), (StatusCode::Error, "late")]).await, (1, String::new()));
}

#[tokio::test]
async fn after_the_end_nothing_changes() {
    // conf: SPAN-07, SPAN-10, SPAN-11
    let span = one(|tracer| {
        let mut span = tracer.start("s");
        let context = span.context();
        span.set_attribute("before", 1).end();
        assert!(!span.is_recording());
        span.set_attribute("after", 1).add_event("after", &[]).update_name("after");
        span.set_status(StatusCode::Error, "after");
        span.end();
        assert_eq!(span.context(), context);
    })
    .await;
    assert_eq!((span.name.as_str(), keys(&span)), ("s", vec!["before"]));
    assert!(span.events.is_empty() && span.status.is_none_or(|status| status.code == 0));
}

#[tokio::test]
async fn a_dropped_span_has_ended() {
    let span = one(|tracer| {
        let _span = tracer.start("raii");
    })
    .await;
    assert_eq!(span.name, "raii");
}

#[tokio::test]
async fn events_and_links_keep_order_and_times() {
    // conf: SPAN-16, SPAN-17, MODEL-05, SPAN-28
    let linked: TraceContext =
        SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED)
            .with_remote(true)
            .into();
    let long_ago = UNIX_EPOCH + Duration::from_nanos(42);
    let span = one(|tracer| {
        let link = Link { context: linked.span_context().clone(), ..Link::default() };
        let mut span = tracer.span("s").link(link).start();
        span.add_event_at("first", long_ago, &[]);
        span.add_event("second", &[("n", 1.into()), ("text", "x".into()), ("n", 2.into())]);
        span.add_link(&linked, &[("late", true.into())]);
    })
    .await;
    let [first, second] = &span.events[..] else { panic!("{:?}", span.events) };
    assert_eq!((first.name.as_str(), first.time_unix_nano), ("first", 42));
    assert!(second.time_unix_nano >= span.start_time_unix_nano);
    assert_eq!(second.attributes.len(), 2, "unique keys");
    assert_eq!(span.links.len(), 2);
    assert_eq!(span.links[0].flags, 0x301);
    assert_eq!(span.links[1].attributes.len(), 1);
}

#[tokio::test]
async fn errors_become_exception_events_and_set_no_status() {
    // conf: SPAN-19
    let span = one(|tracer| {
        tracer.start("s").record_error(&"x".parse::<u8>().unwrap_err());
    })
    .await;
    assert_eq!(span.events[0].name, "exception");
    let keys: Vec<_> = span.events[0].attributes.iter().map(|a| a.key.as_str()).collect();
    assert_eq!(keys, ["exception.type", "exception.message"]);
    assert!(span.status.is_none_or(|status| status.code == 0));
}

#[derive(Debug)]
struct Failed(Option<Box<Failed>>, &'static str);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert_ne!(self.1, "panic");
        f.write_str(self.1)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_deref().map(|source| source as _)
    }
}

#[tokio::test]
async fn an_error_tells_its_sources_and_what_the_caller_says_takes_precedence() {
    // conf: SPAN-19
    let error = Failed(Some(Box::new(Failed(Some(Box::new(Failed(None, "disk full"))), "write"))), "save");
    let hidden: &dyn std::error::Error = &error;
    let told = Failed(Some(Box::new(Failed(None, "panic"))), "save");
    let span = one(|tracer| {
        let mut span = tracer.start("s");
        let own = [
            ("exception.type", "mine".into()),
            ("exception.escaped", true.into()),
            ("exception.stacktrace", "here".into()),
        ];
        span.record_error(&error).record_error(hidden).record_error_with(hidden, &own);
        span.record_error(&Failed(None, "panic")).record_error(&told);
    })
    .await;
    let events: Vec<Vec<(&str, String)>> = span
        .events
        .iter()
        .map(|event| event.attributes.iter().map(|a| (a.key.as_str(), text(a.value.as_ref()))).collect())
        .collect();
    let (kind, message) =
        (("exception.type", std::any::type_name::<Failed>().into()), ("exception.message", "save".into()));
    let trace = ("exception.stacktrace", "save\nCaused by: write\nCaused by: disk full".into());
    assert_eq!(events[0], [kind.clone(), message.clone(), trace.clone()]);
    assert_eq!(events[1], [message.clone(), trace], "a `dyn` has no name");
    let mut own = events[2].clone();
    own.sort();
    assert_eq!(
        own,
        [
            ("exception.escaped", "true".into()),
            message.clone(),
            ("exception.stacktrace", "here".into()),
            ("exception.type", "mine".into())
        ]
    );
    assert_eq!(events[3][1].1, "the error's Display panicked");
    assert_eq!(events[4][..2], [kind, message], "nor do its sources do harm");
}

fn text(value: Option<&opentelemetry_proto::tonic::common::v1::AnyValue>) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn the_name_can_change_and_times_can_be_given() {
    // conf: SPAN-20, SPAN-11
    let span = one(|tracer| {
        let mut span = tracer.span("before").start_time(UNIX_EPOCH + Duration::from_secs(5)).start();
        span.set_attribute("a", 1).update_name("after, and longer").set_attribute("b", 2);
        span.end_at(UNIX_EPOCH + Duration::from_secs(4));
    })
    .await;
    assert_eq!(span.name, "after, and longer");
    assert_eq!(span.start_time_unix_nano, 5_000_000_000);
    assert_eq!(span.end_time_unix_nano, 4_000_000_000, "conf: MODEL-17: given times are not rewritten");
    assert_eq!(keys(&span), ["a", "b"]);
}

#[tokio::test]
async fn unsampled_spans_are_inert_but_have_a_context() {
    // conf: SAMP-02, SAMP-07, SPAN-04, BATCH-09
    let collector = grpc().await;
    let client = crate::support::builder(collector.grpc_endpoint()).with_sampler(AlwaysOffSampler);
    let client = client.build().await.unwrap();
    let mut span = client.tracer("t").start("s");
    assert!(!span.is_recording());
    assert!(span.context().is_valid() && !span.context().is_sampled());
    span.set_attribute("k", 1).end();
    let report = client.shutdown(PATIENCE).await.unwrap();
    assert_eq!(report.accepted(), 0);
    assert!(collector.received().is_empty());
}

#[test]
fn a_context_can_be_carried_without_recording() {
    // conf: SPAN-21
    let context: TraceContext =
        SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED)
            .into();
    let mut span = Span::non_recording(&context);
    span.set_attribute("k", 1).end();
    assert_eq!(span.context(), context);
}
