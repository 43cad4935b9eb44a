//! What a log record looks like when it arrives: the rules of the logs API, as another decoder sees them.

use crate::support::{PATIENCE, all_delivered, books, builder, client, grpc};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord as Received;
use otlp::{
    AlwaysOffSampler, AnyValue, Client, ClientBuilder, DropReason, InstrumentationScope, Key, KeyValue,
    Limits, LogRecord, Logger, OverflowPolicy, Severity, Signal, SignalConfig, SpanContext, SpanId,
    TraceContext, TraceFlags, TraceId,
};
use otlp_testkit::ReceivedLog;
use std::error::Error;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// What the collector got of the records that `make` made, in order of arrival.
async fn received_by(
    options: impl FnOnce(ClientBuilder) -> ClientBuilder,
    make: impl FnOnce(&Client),
) -> Vec<ReceivedLog> {
    let collector = grpc().await;
    let client = options(builder(collector.grpc_endpoint())).build().await.unwrap();
    make(&client);
    let report = client.shutdown(PATIENCE).await.unwrap();
    assert!(report.is_balanced() && report.is_complete(), "{report:?}");
    collector.received().logs()
}

async fn received(make: impl FnOnce(&Logger)) -> Vec<Received> {
    let logs = received_by(|builder| builder, |client| make(&client.logger("logs"))).await;
    logs.into_iter().map(|received| received.record).collect()
}

async fn one(make: impl FnOnce(&Logger)) -> Received {
    let mut records = received(make).await;
    assert_eq!(records.len(), 1);
    records.remove(0)
}

fn text(record: &Received, key: &str) -> Option<String> {
    let found = record.attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        other => Some(format!("{other:?}")),
    }
}

fn body(record: &Received) -> Option<Value> {
    record.body.clone().and_then(|body| body.value)
}

fn said(text: &str) -> Option<Value> {
    Some(Value::StringValue(text.into()))
}

fn context(flags: TraceFlags) -> TraceContext {
    SpanContext::new(TraceId::from_bytes([7; 16]), SpanId::from_bytes([8; 8]), flags).into()
}

#[tokio::test]
async fn all_that_can_be_said_arrives() {
    // conf: LOG-01, LOG-03, LOG-05, LOG-06, MODEL-07
    static PREPARED: Key = Key::new("cart.id");
    let (happened, seen) =
        (UNIX_EPOCH + Duration::from_nanos(1_000), UNIX_EPOCH + Duration::from_nanos(2_000));
    let record = one(|logger| {
        logger
            .record(Severity::Warn2)
            .body("the cart is locked")
            .attribute(&PREPARED, "c-17")
            .attribute("cart.items", 3)
            .attribute("cart.items", 4)
            .attribute_text("cart.owner", format_args!("user {}", 7))
            .severity_text("warning")
            .event_name("cart.locked")
            .time(happened)
            .observed_time(seen)
            .context(&context(TraceFlags::SAMPLED))
            .emit();
    })
    .await;
    assert_eq!((record.severity_number, &*record.severity_text), (14, "warning"));
    assert_eq!((record.time_unix_nano, record.observed_time_unix_nano), (1_000, 2_000));
    assert_eq!((body(&record), &*record.event_name), (said("the cart is locked"), "cart.locked"));
    assert_eq!(text(&record, "cart.id").as_deref(), Some("c-17"));
    assert_eq!(text(&record, "cart.items").as_deref(), Some("IntValue(4)"));
    assert_eq!(text(&record, "cart.owner").as_deref(), Some("user 7"));
    assert_eq!((record.trace_id, record.span_id, record.flags), (vec![7; 16], vec![8; 8], 1));
}

#[tokio::test]
async fn what_is_not_said_is_not_invented_but_for_the_time_of_observation() {
    // conf: LOG-01, LOG-02, LOG-03
    for record in [
        one(|logger| logger.record(Severity::Unspecified).emit()).await,
        one(|logger| logger.emit(LogRecord::default())).await,
    ] {
        assert_eq!(record.time_unix_nano, 0);
        assert!(record.observed_time_unix_nano > 1_700_000_000_000_000_000);
        let bare =
            Received { observed_time_unix_nano: record.observed_time_unix_nano, ..Received::default() };
        assert_eq!(record, bare);
    }
}

#[tokio::test]
async fn a_record_belongs_to_the_current_span_unless_told_otherwise() {
    // conf: LOG-03, LOG-16
    let records = received(|logger| {
        let _current = context(TraceFlags::SAMPLED).attach();
        logger.record(Severity::Info).body("current").emit();
        logger.record(Severity::Info).body("none").context(&TraceContext::default()).emit();
        logger.emit(LogRecord::new(0, Severity::Info, "typed"));
        let own =
            LogRecord { trace_id: TraceId::from_bytes([1; 16]), ..LogRecord::new(0, Severity::Info, "own") };
        logger.emit(own);
    })
    .await;
    let ids = |record: &Received| (record.trace_id.clone(), record.span_id.clone(), record.flags);
    let current = (vec![7; 16], vec![8; 8], 1);
    let nobody = (Vec::new(), Vec::new(), 0);
    assert_eq!(
        records.iter().map(ids).collect::<Vec<_>>(),
        [current.clone(), nobody, current, (vec![1; 16], Vec::new(), 0)]
    );
}

#[tokio::test]
async fn a_body_is_any_value_and_whole() {
    // conf: LOG-06, LIM-13
    let inner = AnyValue::Array(vec![AnyValue::Empty, 1.into(), "x".into()]);
    let order = AnyValue::Map(vec![KeyValue::new("id", 7), KeyValue::new("lines", inner)]);
    let limits = Limits { attribute_value_length: Some(2), attribute_value_depth: 1, ..Limits::default() };
    let logs = received_by(
        |builder| builder.with_limits(limits),
        |client| {
            let logger = client.logger("bodies");
            logger.record(Severity::Info).body(&order).emit();
            logger.record(Severity::Info).body("long enough").attribute("a", "abc").emit();
            logger.record(Severity::Info).body_text(format_args!("{} of {}", 3, 4)).emit();
            logger.record(Severity::Info).body("first").body(2.5).emit();
        },
    )
    .await;
    assert_eq!(logs[0].to_model().unwrap().body, Some(order));
    assert_eq!((body(&logs[1].record), text(&logs[1].record, "a")), (said("long enough"), Some("ab".into())));
    assert_eq!(body(&logs[2].record), said("3 of 4"));
    assert_eq!(body(&logs[3].record), Some(Value::DoubleValue(2.5)));
}

#[tokio::test]
async fn limits_discard_and_count() {
    // conf: LOG-07, LIM-04, LIM-10
    let records = received(|logger| {
        let mut record = logger.record(Severity::Info);
        for number in 0..130 {
            record = record.attribute(format!("attribute {number}"), number);
        }
        record.attribute("attribute 0", "overwritten at the limit").attribute("", "no key").emit();
        let attributes =
            (0..130).map(|number| KeyValue::new(format!("attribute {number}"), number)).collect();
        logger.emit(LogRecord { attributes, dropped_attributes_count: 1, ..LogRecord::default() });
    })
    .await;
    for record in &records {
        assert_eq!((record.attributes.len(), record.dropped_attributes_count), (128, 3));
    }
    assert_eq!(text(&records[0], "attribute 0").as_deref(), Some("overwritten at the limit"));
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);
impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such cart")
    }
}
impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test]
async fn an_exception_is_described_with_its_chain_and_the_users_attributes_win() {
    // conf: LOG-01, LOG-08
    let parse = || "x".parse::<u8>().unwrap_err();
    let records = received(|logger| {
        let record = |severity| logger.record(severity);
        record(Severity::Error).exception(&Outer(parse())).emit();
        let unknown: Box<dyn Error + Send + Sync> = parse().into();
        record(Severity::Error).exception(&*unknown).emit();
        record(Severity::Error).attribute("exception.message", "mine").exception(&parse()).emit();
        record(Severity::Error).exception(&parse()).attribute("exception.message", "mine").emit();
    })
    .await;
    let all =
        |record| ["exception.type", "exception.message", "exception.stacktrace"].map(|key| text(record, key));
    let some = |text: &str| Some(text.to_owned());
    let parse_error = "invalid digit found in string";
    let chain = some("no such cart\nCaused by: invalid digit found in string");
    assert!(text(&records[0], "exception.type").unwrap().ends_with("logs::Outer"));
    assert_eq!(all(&records[0])[1..], [some("no such cart"), chain]);
    assert_eq!(all(&records[1]), [None, some(parse_error), None]);
    for record in &records[2..] {
        let name = "core::num::error::ParseIntError";
        assert_eq!(all(record), [some(name), some("mine"), None]);
        assert_eq!(record.attributes.len(), 2);
    }
}

#[tokio::test]
async fn a_display_that_panics_or_logs_harms_nothing() {
    // conf: BATCH-24
    struct Bomb;
    impl fmt::Display for Bomb {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in a Display");
        }
    }
    struct Logs<'a>(&'a Logger);
    impl fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.record(Severity::Debug).body("inner").emit();
            f.write_str("outer")
        }
    }
    let records = received(|logger| {
        let bomb = Bomb;
        logger.record(Severity::Info).attribute("kept", 1).body_text(format_args!("{bomb}")).emit();
        logger.record(Severity::Info).attribute_text("text", format_args!("a{bomb}")).emit();
        logger.record(Severity::Info).body_text(format_args!("{}", Logs(logger))).emit();
    })
    .await;
    assert_eq!((body(&records[0]), records[0].attributes.len()), (said("(its Display panicked)"), 1));
    assert_eq!(text(&records[1], "text").as_deref(), Some("(its Display panicked)"));
    assert_eq!((body(&records[2]), body(&records[3])), (said("inner"), said("outer")));
}

#[tokio::test]
async fn the_threshold_leaves_out_what_is_less_severe() {
    // conf: LOG-10, LOG-12
    let logs = received_by(
        |builder| builder.with_log_severity_threshold(Severity::Info),
        |client| {
            let logger = client.logger("filtered");
            assert!(logger.enabled(Severity::Info) && logger.enabled(Severity::Unspecified));
            assert!(!logger.enabled(Severity::Debug4));
            for severity in [Severity::Debug4, Severity::Info, Severity::Unspecified] {
                logger.record(severity).body("live").emit();
                logger.emit(LogRecord::new(0, severity, "typed"));
            }
            let chatty = logger.with_severity_threshold(Severity::Fatal);
            assert!(!chatty.enabled(Severity::Error4));
            chatty.record(Severity::Error4).body("left out").emit();
            let open = logger.with_severity_threshold(Severity::Trace);
            open.record(Severity::Trace).body("taken").emit();
            let off = open.with_enabled(false);
            assert!(!off.enabled(Severity::Fatal));
            off.record(Severity::Fatal).body("left out").emit();
            assert!(off.with_enabled(true).enabled(Severity::Trace));
        },
    )
    .await;
    let numbers: Vec<_> = logs.iter().map(|log| log.record.severity_number).collect();
    assert_eq!(numbers, [9, 9, 0, 0, 1]);
}

#[tokio::test]
async fn where_logs_are_off_no_logger_is_enabled_and_none_enters_the_books() {
    // conf: LOG-10
    let off = SignalConfig { enabled: Some(false), ..SignalConfig::default() };
    let logs = received_by(
        |builder| builder.with_signal_config(Signal::Logs, off),
        |client| {
            let logger = client.logger("off").with_severity_threshold(Severity::Trace);
            assert!(!logger.enabled(Severity::Fatal4) && !logger.enabled(Severity::Unspecified));
            logger.record(Severity::Fatal4).body("live").emit();
            logger.emit(LogRecord::new(0, Severity::Fatal4, "typed"));
            assert_eq!(client.stats(Signal::Logs).accepted, 0);
        },
    )
    .await;
    assert!(logs.is_empty());
}

#[tokio::test]
async fn logs_of_unsampled_spans_are_left_out_when_asked() {
    // conf: LOG-10, LOG-11, LOG-12
    let (sampled, unsampled) = (context(TraceFlags::SAMPLED), context(TraceFlags::NONE));
    let make = |logger: &Logger, enabled: bool| {
        let guard = unsampled.attach();
        assert_eq!(logger.enabled(Severity::Info), enabled);
        logger.record(Severity::Info).body("of an unsampled span").emit();
        logger.emit(LogRecord::new(0, Severity::Info, "of an unsampled span, typed"));
        logger.record(Severity::Info).body("of a sampled span").context(&sampled).emit();
        logger.record(Severity::Info).body("of none").context(&TraceContext::default()).emit();
        drop(guard);
        assert!(logger.enabled(Severity::Info));
        logger.record(Severity::Info).body("outside").emit();
    };
    let logs = received_by(
        |builder| builder.with_trace_based_logs(true).with_sampler(AlwaysOffSampler),
        |client| {
            let logger = client.logger("trace based");
            make(&logger, false);
            let span = client.tracer("t").start("unsampled");
            let _current = span.context().attach();
            logger.record(Severity::Info).body("of the client's own unsampled span").emit();
        },
    )
    .await;
    let bodies: Vec<_> = logs.iter().map(|log| body(&log.record)).collect();
    assert_eq!(bodies, [said("of a sampled span"), said("of none"), said("outside")]);
    let all = received_by(
        |builder| builder.with_trace_based_logs(true),
        |client| make(&client.logger("all").with_trace_based(false), true),
    )
    .await;
    assert_eq!(all.len(), 5);
}

#[tokio::test]
async fn a_logger_is_known_by_its_whole_scope_and_works_without_a_name() {
    // conf: LOG-13, MODEL-14
    let mut scope = InstrumentationScope::new("shop").with_version("1.2.3");
    scope.attributes.push(KeyValue::new("shop.kind", "books"));
    let logs = received_by(
        |builder| builder,
        |client| {
            client.logger_with_scope(&scope).record(Severity::Info).emit();
            client.logger("").record(Severity::Info).emit();
        },
    )
    .await;
    let scopes: Vec<_> = logs.iter().map(ReceivedLog::scope_model).collect();
    assert_eq!(scopes, [scope, InstrumentationScope::new("")]);
    assert_eq!(logs[0].service_name(), "test");
}

#[tokio::test]
async fn logs_have_the_queues_guarantees() {
    // conf: LOG-14, BATCH-01, BATCH-10, BATCH-12
    let collector = grpc().await;
    let client = client(&collector).await;
    let logger = client.logger("books");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1_000).for_each(|n| logger.record(Severity::Info).body(n).emit()));
        }
    });
    assert_eq!(client.flush().await.unwrap().logs.total.delivered, 4_000);
    all_delivered(&client, &collector, 4_000).await;
    logger.record(Severity::Info).body("late").emit();
    logger.emit(LogRecord::new(0, Severity::Info, "late, too"));
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!(report.logs.total.dropped.get(DropReason::ShutDown), 2);
    assert_eq!(collector.received().items(), 4_000);
}

#[tokio::test]
async fn a_full_queue_drops_and_counts_and_emitting_never_waits() {
    // conf: BATCH-01, BATCH-07
    let batch = otlp::BatchConfig {
        max_queue_size: 10,
        max_batch_size: 10,
        batch_timeout: Duration::from_secs(3_600),
        ..otlp::BatchConfig::default()
    };
    // Nobody is there, so nothing leaves but what may be in flight.
    let client = builder("http://127.0.0.1:1")
        .with_batch_config(batch)
        .with_overflow_policy(OverflowPolicy::DropNewest)
        .build()
        .await
        .unwrap();
    let logger = client.logger("flood");
    (0..10_000).for_each(|n| logger.record(Severity::Info).body(n).emit());
    let stats = client.stats(Signal::Logs);
    assert_eq!(stats.accepted, 10_000);
    assert!(stats.dropped.get(DropReason::QueueFull) > 9_000, "{stats:?}");
    assert!(books(client.shutdown(Duration::ZERO).await).is_balanced());
}

#[tokio::test]
async fn synchronous_export_waits_for_delivery() {
    // conf: BATCH-27
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).with_async_export(false).build().await.unwrap();
    let logger = client.logger("synchronous");
    tokio::task::spawn_blocking(move || logger.record(Severity::Info).body("here").emit()).await.unwrap();
    assert_eq!(collector.received().logs().len(), 1, "before any flush");
    all_delivered(&client, &collector, 1).await;
}
