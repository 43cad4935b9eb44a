//! Spans that learn of their parent after they are made: what is said before counts, the sampler is asked once.

use crate::support::{all_delivered, books, builder, grpc};
use otlp::{
    AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, Sampler, SamplingDecision, SamplingParameters,
    SamplingResult, SpanContext, SpanDraft, SpanId, SpanKind, TraceContext, TraceFlags, TraceId, Tracer,
};
use std::borrow::Cow;
use std::sync::{Arc, Mutex};

fn remote(sampled: bool) -> TraceContext {
    let flags = TraceFlags::NONE.with_sampled(sampled);
    SpanContext::new(TraceId::from_bytes([7; 16]), SpanId::from_bytes([9; 8]), flags)
        .with_trace_state("vendor=1".parse().unwrap())
        .with_remote(true)
        .into()
}

/// Remembers what it was asked, and says no to the name `no`.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<String>>>);

impl Sampler for Asked {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let SamplingParameters { name, kind, attributes, links, .. } = span;
        let parent = span.parent().map(SpanContext::span_id);
        let line = format!("{name} {kind:?} {} {} {}", attributes.len(), links.len(), parent.is_some());
        self.0.lock().unwrap().push(line);
        let decision =
            if span.name == "no" { SamplingDecision::Drop } else { SamplingDecision::RecordAndSample };
        let mut result = SamplingResult::new(decision, "rule=1".parse().unwrap());
        result.attributes.push(otlp::KeyValue::new("rule", "checkout"));
        result
    }

    fn description(&self) -> Cow<'_, str> {
        "Asked".into()
    }
}

fn root(tracer: &Tracer, name: &str) -> SpanDraft {
    tracer.draft(name, SpanKind::Internal, &TraceContext::default())
}

#[tokio::test]
async fn what_is_said_before_the_parent_is_known_arrives_under_it() {
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).build().await.unwrap();
    let tracer = client.tracer("t");
    let mut draft = root(&tracer, "first name");
    draft.span_mut().set_attribute("early", 1).update_name("request");
    let id = draft.span_mut().context().span_id();
    draft.set_kind(SpanKind::Server);
    assert!(draft.set_parent(&remote(true)));
    let mut span = draft.start();
    span.set_attribute("late", 2).set_attribute("early", 3);
    assert_eq!((span.context().trace_id(), span.context().span_id()), (remote(true).trace_id(), id));
    span.end();
    all_delivered(&client, &collector, 1).await;
    let received = collector.received().span_named("request").unwrap();
    assert_eq!(received.span.trace_id, [7; 16]);
    assert_eq!(received.span.parent_span_id, [9; 8]);
    assert_eq!(received.span.trace_state, "vendor=1");
    assert_eq!(received.span.flags & 0x300, 0x300, "the parent is remote");
    assert_eq!(received.span.kind, 2);
    assert_eq!(received.span.attributes.len(), 2);
}

#[tokio::test]
async fn a_parent_that_is_not_sampled_undoes_what_was_recorded() {
    // conf: SAMP-05, SAMP-11
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).build().await.unwrap();
    let tracer = client.tracer("t");
    let mut draft = root(&tracer, "request");
    assert!(draft.is_recording());
    assert!(draft.set_parent(&remote(false)));
    let context = draft.settle();
    assert!(!draft.is_recording() && !context.is_sampled());
    assert_eq!((context.trace_id(), context.trace_state().as_str()), (remote(false).trace_id(), "vendor=1"));
    assert!(!draft.set_parent(&remote(true)), "it is settled");
    drop(draft);

    // Below a parent that is not sampled nothing is recorded in the first place; a draft that is dropped was never there.
    assert!(!tracer.draft("child", SpanKind::Internal, &remote(false)).is_recording());
    drop(root(&tracer, "dropped"));
    all_delivered(&client, &collector, 0).await;
}

#[tokio::test]
async fn a_sampler_is_asked_once_and_sees_all_that_was_said_until_then() {
    // conf: SAMP-01, SAMP-04, SPAN-04
    let collector = grpc().await;
    let asked = Asked::default();
    let client = builder(collector.grpc_endpoint()).with_sampler(asked.clone()).build().await.unwrap();
    let tracer = client.tracer("t");
    let mut draft = root(&tracer, "yes");
    draft.span_mut().set_attribute("a", 1).add_link(&remote(true), &[]);
    draft.set_kind(SpanKind::Server);
    draft.set_parent(&remote(false));
    let question = draft.question().unwrap();
    let (first, second) = (question.ask(), question.ask());
    draft.answer(first);
    draft.answer(second);
    assert!(draft.is_settled() && draft.question().is_none());
    drop(draft.start());
    drop(root(&tracer, "no").start());
    assert_eq!(
        *asked.0.lock().unwrap(),
        ["yes Server 1 1 true", "yes Server 1 1 true", "no Internal 0 0 false"]
    );
    all_delivered(&client, &collector, 1).await;
    let received = collector.received().span_named("yes").unwrap();
    assert_eq!(received.span.trace_state, "rule=1");
    assert_eq!(received.span.parent_span_id, [9; 8]);
    assert_eq!(received.span.attributes.len(), 2);
}

#[tokio::test]
async fn a_sampler_that_looks_at_the_parent_only_is_asked_at_once_below_an_unsampled_one() {
    let collector = grpc().await;
    let off_for_locals = ParentBasedSampler::default().with_remote_parent_not_sampled(AlwaysOnSampler);
    let client = builder(collector.grpc_endpoint()).with_sampler(off_for_locals).build().await.unwrap();
    let tracer = client.tracer("t");
    let local = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::NONE);
    let mut draft = tracer.draft("local", SpanKind::Internal, &local.into());
    assert!(draft.is_settled() && !draft.is_recording() && draft.question().is_none());
    assert!(tracer.draft("remote", SpanKind::Internal, &remote(false)).start().is_recording());
    let report = books(client.shutdown(crate::support::PATIENCE).await);
    assert_eq!(report.delivered(), 1);
}

#[tokio::test]
async fn with_sampling_off_the_place_in_the_trace_still_follows_the_parent() {
    // conf: SAMP-07
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).with_sampler(AlwaysOffSampler).build().await.unwrap();
    let mut draft = root(&client.tracer("t"), "request");
    assert!(!draft.is_recording() && draft.set_parent(&remote(true)));
    let context = draft.settle();
    assert_eq!((context.trace_id(), context.is_sampled()), (remote(true).trace_id(), false));
    all_delivered(&client, &collector, 0).await;
}

#[tokio::test]
async fn a_draft_in_a_place_drops_what_was_there_and_is_a_draft_like_any_other() {
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).build().await.unwrap();
    let tracer = client.tracer("t");
    let mut place = Some(root(&tracer, "given up"));
    let draft = tracer.draft_in(&mut place, "kept", SpanKind::Server, &remote(true));
    assert_eq!(draft.settle().trace_id(), remote(true).trace_id());
    drop(place.map(SpanDraft::start));
    all_delivered(&client, &collector, 1).await;
    let kept = collector.received().span_named("kept").unwrap();
    assert_eq!((kept.span.kind, &kept.span.parent_span_id[..]), (2, &[9; 8][..]));
}

#[tokio::test]
async fn a_span_whose_end_is_taken_ends_with_that() {
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).build().await.unwrap();
    let tracer = client.tracer("t");
    let (mut now, mut then) = (tracer.start("now"), tracer.start("then"));
    let clock = now.clock().unwrap();
    let (end, end_at) = (now.take_end().unwrap(), then.take_end().unwrap());
    assert!(!now.is_recording() && now.take_end().is_none());
    now.set_attribute("late", true).end();
    assert_eq!(client.stats(otlp::Signal::Traces).accepted, 0, "they have not ended");
    end.end();
    end_at.end_at(otlp::Timestamp::from_unix_nano(7));
    all_delivered(&client, &collector, 2).await;
    let received = collector.received();
    let span = |name| received.span_named(name).unwrap().span;
    assert_eq!(span("now").start_time_unix_nano, clock.start().unix_nano());
    assert!(span("now").end_time_unix_nano <= clock.now().unix_nano() && span("now").attributes.is_empty());
    assert_eq!(span("then").end_time_unix_nano, 7);
}
