//! Events among log records, on the spans they were emitted in: `with_events_on_spans`.

use crate::support::{PATIENCE, books, builder, grpc};
use otlp::{
    Client, ClientBuilder, EmittedLog, EndedSpan, FutureExt, Limits, LogHook, Redaction, Severity, SpanData,
    SpanHook, SpanKind, TraceContext,
};
use otlp_testkit::Received;
use std::thread;
use std::time::{Duration, SystemTime};

fn on(builder: ClientBuilder) -> ClientBuilder {
    builder.with_events_on_spans(true)
}

async fn received(options: fn(ClientBuilder) -> ClientBuilder, make: impl FnOnce(&Client)) -> Received {
    let collector = grpc().await;
    let client = options(builder(collector.grpc_endpoint())).build().await.unwrap();
    make(&client);
    books(client.shutdown(PATIENCE).await);
    collector.received()
}

fn span(received: &Received, name: &str) -> SpanData {
    received.span_named(name).unwrap().to_model().unwrap()
}

fn emit(client: &Client, event: &str) {
    client.logger("l").record(Severity::Info).body("text").event_name(event).attribute("k", "v").emit();
}

#[tokio::test]
async fn an_event_is_copied_to_the_span_it_was_emitted_in_and_sent_as_a_log_record_too() {
    // conf: LOG-15
    let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(7);
    let received = received(on, |client| {
        client.tracer("t").in_span("s", |span| {
            span.set_attribute("a", 1).add_event("own", &[]);
            client.logger("l").record(Severity::Info).event_name("timed").time(time).emit();
            emit(client, "observed");
        });
    })
    .await;
    assert_eq!(received.logs().len(), 2);
    let span = span(&received, "s");
    let names: Vec<_> = span.events.iter().map(|event| &*event.name).collect();
    assert_eq!((names, span.attributes.len()), (vec!["own", "timed", "observed"], 1));
    assert_eq!(span.events[1].time_unix_nano, 7);
    let log = received.logs()[1].to_model().unwrap();
    assert_eq!(
        span.events[2].time_unix_nano, log.observed_time_unix_nano,
        "when nobody says when it happened"
    );
    assert_eq!(span.events[2].attributes, log.attributes, "and not the body");
}

#[tokio::test]
async fn whatever_is_no_event_of_the_current_span_is_a_log_record_only() {
    // conf: LOG-15
    let received = received(on, |client| {
        let tracer = client.tracer("t");
        emit(client, "outside");
        let other = tracer.start("other");
        tracer.in_span("s", |span| {
            client.logger("l").record(Severity::Info).body("no event").emit();
            client
                .logger("l")
                .record(Severity::Info)
                .event_name("of none")
                .context(&TraceContext::default())
                .emit();
            client
                .logger("l")
                .record(Severity::Info)
                .event_name("of another")
                .context(&other.context())
                .emit();
            tracer.in_span("inner", |_| emit(client, "inside"));
            span.end();
            emit(client, "afterwards");
        });
    })
    .await;
    assert_eq!(received.logs().len(), 6);
    assert_eq!((span(&received, "s").events, span(&received, "other").events), (vec![], vec![]));
    assert_eq!(span(&received, "inner").events.len(), 1);
}

#[tokio::test]
async fn without_being_asked_for_nothing_is_copied() {
    // conf: LOG-15
    let received =
        received(|builder| builder, |client| client.tracer("t").in_span("s", |_| emit(client, "e"))).await;
    assert_eq!((span(&received, "s").events.len(), received.logs().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_follows_a_future_from_thread_to_thread() {
    // conf: LOG-15
    let collector = grpc().await;
    let client = on(builder(collector.grpc_endpoint())).build().await.unwrap();
    let tasks = (0..8).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            let span = client.tracer("t").start("s");
            let context = span.context();
            async {
                for _ in 0..4 {
                    emit(&client, "e");
                    tokio::task::yield_now().await;
                }
            }
            .with_context(context)
            .await;
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    books(client.shutdown(PATIENCE).await);
    let received = collector.received();
    let events = received.spans().into_iter().map(|span| span.to_model().unwrap().events.len());
    assert_eq!(events.collect::<Vec<_>>(), [4; 8]);
}

#[tokio::test]
async fn a_span_may_end_on_another_thread_than_it_started_on() {
    // conf: LOG-15
    let received = received(on, |client| {
        let span = client.tracer("t").start("s");
        span.in_span(|| emit(client, "here"));
        thread::scope(|scope| {
            scope.spawn(|| {
                span.in_span(|| emit(client, "there"));
                drop(span);
            });
        });
    })
    .await;
    let names: Vec<_> = span(&received, "s").events.into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["here", "there"]);
}

#[tokio::test]
async fn copies_count_among_the_events_of_a_span() {
    // conf: LOG-15, LIM-09
    let two = |builder| on(builder).with_limits(Limits { events: 2, ..Limits::default() });
    let received = received(two, |client| {
        client.tracer("t").in_span("s", |span| {
            span.add_event("own", &[]);
            ["a", "b", "c"].into_iter().for_each(|event| emit(client, event));
        });
    })
    .await;
    let span = span(&received, "s");
    let names: Vec<_> = span.events.iter().map(|event| &*event.name).collect();
    assert_eq!((names, span.dropped_events_count), (vec!["own", "a"], 2));
}

#[tokio::test]
async fn a_draft_that_is_given_up_leaves_its_place_to_others() {
    // conf: LOG-15
    let received = received(on, |client| {
        let tracer = client.tracer("t");
        // More than may be open at once.
        for _ in 0..100_000 {
            drop(tracer.draft("given up", SpanKind::Internal, &TraceContext::default()));
        }
        tracer.in_span("s", |_| emit(client, "e"));
    })
    .await;
    assert_eq!(span(&received, "s").events.len(), 1);
}

struct Hides(&'static str);

impl LogHook for Hides {
    fn on_emit(&self, log: &mut EmittedLog<'_>) {
        log.redact(|key, _| if key == self.0 { Redaction::Remove } else { Redaction::Keep });
    }
}

impl SpanHook for Hides {
    fn on_end(&self, span: &mut EndedSpan<'_>) {
        span.redact(|key, _| if key == self.0 { Redaction::Remove } else { Redaction::Keep });
    }
}

#[tokio::test]
async fn hooks_of_logs_come_before_the_copy_and_hooks_of_spans_after() {
    // conf: LOG-15, BATCH-08
    let hooks = |builder: ClientBuilder| {
        on(builder.with_span_hook(Hides("of spans"))).with_log_hook(Hides("of logs"))
    };
    let received = received(hooks, |client| {
        client.tracer("t").in_span("s", |_| {
            let logger = client.logger("l");
            let record = logger.record(Severity::Info).event_name("e");
            record.attribute("of logs", 1).attribute("of spans", 2).attribute("of both", 3).emit();
        });
    })
    .await;
    let keys: Vec<_> =
        span(&received, "s").events[0].attributes.iter().map(|kept| kept.key.to_string()).collect();
    assert_eq!(keys, ["of both"]);
}
