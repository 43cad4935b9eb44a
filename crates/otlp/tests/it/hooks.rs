//! Hooks on spans and log records: what they see, what they may do, and what their failures cost.

use crate::support::{PATIENCE, books, builder, grpc};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue as Decoded, KeyValue as Entry};
use otlp::{
    Client, ClientBuilder, DeliveryReport, DropReason, EmittedLog, EndedSpan, ErrorKind,
    InstrumentationScope, KeyValue, LogHook, LogRecord, Redaction, Severity, SpanContext, SpanData, SpanHook,
    SpanId, SpanKind, StartedSpan, TraceContext, TraceFlags, TraceId,
};
use otlp_testkit::Received;

async fn through(
    options: impl FnOnce(ClientBuilder) -> ClientBuilder,
    make: impl FnOnce(&Client),
) -> (Received, DeliveryReport) {
    let collector = grpc().await;
    let client = options(builder(collector.grpc_endpoint())).build().await.unwrap();
    make(&client);
    let report = books(client.shutdown(PATIENCE).await);
    (collector.received(), report)
}

fn text(attributes: &[Entry], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match &found.value {
        Some(Decoded { value: Some(Value::StringValue(text)) }) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}

/// Says at the start what it sees, and removes passwords everywhere at the end.
struct Redacts;

impl SpanHook for Redacts {
    fn on_start(&self, span: &mut StartedSpan<'_>) {
        let seen = format!("{} {:?} {}", span.name(), span.kind(), span.parent().is_some());
        span.set_attribute("seen", seen);
    }

    fn on_end(&self, span: &mut EndedSpan<'_>) {
        span.redact(|key, _| decide(key));
    }
}

impl LogHook for Redacts {
    fn on_emit(&self, log: &mut EmittedLog<'_>) {
        log.redact(|key, _| decide(key));
        log.set_body("redacted");
    }
}

fn decide(key: &str) -> Redaction {
    match key {
        "password" => Redaction::Remove,
        "user.id" => Redaction::Replace("hashed".into()),
        _ => Redaction::Keep,
    }
}

/// Adds what the hooks before it have left.
struct Counts(&'static str);

impl SpanHook for Counts {
    fn on_end(&self, span: &mut EndedSpan<'_>) {
        let left = span.view().unwrap().attributes.iter().count();
        span.redact(|key, _| {
            if key == self.0 { Redaction::Replace(left.to_string().into()) } else { Redaction::Keep }
        });
    }
}

struct Panics;

impl SpanHook for Panics {
    fn on_start(&self, span: &mut StartedSpan<'_>) {
        if span.name() == "panics at the start" {
            span.set_attribute("set", "before");
            panic!("on purpose");
        }
    }

    fn on_end(&self, span: &mut EndedSpan<'_>) {
        assert_ne!(span.view().unwrap().name, "panics at the end");
    }
}

impl LogHook for Panics {
    fn on_emit(&self, log: &mut EmittedLog<'_>) {
        assert_ne!(log.view().unwrap().severity_text, "panics");
    }
}

struct Discards;

impl SpanHook for Discards {
    fn on_end(&self, span: &mut EndedSpan<'_>) {
        if span.view().unwrap().name == "heartbeat" {
            span.discard();
        }
    }
}

impl LogHook for Discards {
    fn on_emit(&self, log: &mut EmittedLog<'_>) {
        if log.view().unwrap().severity_number < 9 {
            log.discard();
        }
    }
}

fn typed(name: &'static str) -> SpanData {
    let context =
        SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
    SpanData { attributes: vec![KeyValue::new("password", "x")], ..SpanData::new(context, name, 1, 2) }
}

#[tokio::test]
async fn a_span_is_shown_at_its_start_and_redacted_at_its_end() {
    // conf: SPAN-26, BATCH-29
    let (received, report) = through(
        |builder| builder.with_span_hook(Redacts),
        |client| {
            let tracer = client.tracer("t");
            let mut span = tracer.start_with_context("login", SpanKind::Server, &TraceContext::default());
            span.set_attribute("user.id", 7).set_attribute("password", "p").set_attribute("kept", "k");
            span.add_event("tried", &[("password", "p".into()), ("kept", "k".into())]);
            span.add_link(&span.context(), &[("user.id", 7.into())]);
            let child = tracer.start_with_context("child", SpanKind::Internal, &span.context());
            drop(child);
            span.end();
            assert_eq!(client.export_traces(&InstrumentationScope::new("t"), [typed("typed")]).unwrap(), 1);
        },
    )
    .await;
    assert_eq!((report.accepted(), report.delivered()), (3, 3));
    let span = received.span_named("login").unwrap().span;
    assert_eq!(text(&span.attributes, "seen").as_deref(), Some("login Server false"));
    assert_eq!(text(&span.attributes, "user.id").as_deref(), Some("hashed"));
    assert_eq!((text(&span.attributes, "password"), span.attributes.len()), (None, 3));
    assert_eq!(span.events[0].attributes.len(), 1);
    assert_eq!(
        (&*span.events[0].name, text(&span.links[0].attributes, "user.id").as_deref()),
        ("tried", Some("hashed"))
    );
    let child = received.span_named("child").unwrap().span;
    assert_eq!(text(&child.attributes, "seen").as_deref(), Some("child Internal true"));
    assert!(received.span_named("typed").unwrap().span.attributes.is_empty(), "typed spans, too");
}

#[tokio::test]
async fn a_log_record_is_redacted_and_its_body_replaced() {
    // conf: LOG-09
    let (received, report) = through(
        |builder| builder.with_log_hook(Redacts),
        |client| {
            let logger = client.logger("l");
            let log = logger.record(Severity::Info).body("the password is p");
            log.attribute("password", "p").attribute("user.id", 7).attribute("kept", 1).emit();
            let attributes = vec![KeyValue::new("password", "p")];
            let record = LogRecord { attributes, ..LogRecord::new(1, Severity::Info, "p") };
            assert_eq!(client.export_logs(&InstrumentationScope::new("l"), [record]).unwrap(), 1);
        },
    )
    .await;
    assert_eq!(report.delivered(), 2);
    let logs = received.logs();
    assert_eq!(text(&logs[0].record.attributes, "user.id").as_deref(), Some("hashed"));
    assert_eq!((logs[0].record.attributes.len(), logs[1].record.attributes.len()), (2, 0));
    for log in logs {
        assert_eq!(log.to_model().unwrap().body, Some("redacted".into()));
    }
}

#[tokio::test]
async fn hooks_run_in_the_order_in_which_they_were_added() {
    // conf: BATCH-08, LOG-09
    let (received, _) = through(
        |builder| {
            builder.with_span_hook(Counts("first")).with_span_hook(Redacts).with_span_hook(Counts("last"))
        },
        |client| {
            let mut span = client.tracer("t").start("s");
            span.set_attribute("first", "").set_attribute("last", "").set_attribute("password", "p");
        },
    )
    .await;
    let span = &received.spans()[0].span;
    // What was seen at the start is one of them.
    assert_eq!(text(&span.attributes, "first").as_deref(), Some("4"));
    assert_eq!(text(&span.attributes, "last").as_deref(), Some("3"));
}

#[tokio::test]
async fn what_a_hook_discards_was_never_there_and_only_recorded_spans_are_shown() {
    // conf: BATCH-09, LOG-11
    let (received, report) = through(
        |builder| builder.with_span_hook(Discards).with_span_hook(Panics).with_log_hook(Discards),
        |client| {
            let tracer = client.tracer("t");
            tracer.start("heartbeat").end();
            tracer.start("work").end();
            // Not sampled: no hook panics over it.
            let unsampled =
                SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::NONE);
            tracer.start_with_context("panics at the end", SpanKind::Internal, &unsampled.into()).end();
            assert_eq!(
                client.export_traces(&InstrumentationScope::new("t"), [typed("heartbeat")]).unwrap(),
                0
            );
            client.logger("l").record(Severity::Debug).emit();
            client.logger("l").record(Severity::Info).emit();
        },
    )
    .await;
    assert_eq!((report.accepted(), report.delivered()), (2, 2), "{report}");
    assert!(received.span_named("work").is_some() && received.logs()[0].record.severity_number == 9);
}

#[tokio::test]
async fn a_hook_that_panics_leaks_nothing_and_is_counted() {
    // conf: BATCH-23, BATCH-24
    let (received, report) = through(
        |builder| builder.with_span_hook(Panics).with_log_hook(Panics),
        |client| {
            let tracer = client.tracer("t");
            tracer.start("panics at the end").end();
            tracer.start("panics at the start").end();
            let error = client
                .export_traces(&InstrumentationScope::new("t"), [typed("panics at the end")])
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Lost);
            client.logger("l").record(Severity::Info).severity_text("panics").emit();
            client.logger("l").record(Severity::Info).severity_text("fine").emit();
        },
    )
    .await;
    assert_eq!((report.accepted(), report.delivered()), (5, 2), "{report}");
    assert_eq!(report.dropped().get(DropReason::LayerFailed), 3);
    let span = &received.spans()[0].span;
    assert_eq!(
        (&*span.name, text(&span.attributes, "set").as_deref()),
        ("panics at the start", Some("before"))
    );
    assert_eq!(received.logs()[0].record.severity_text, "fine");
}
