//! Bursts, full queues, absent receivers: what can't be kept is counted, and nothing else is lost.

use crate::support::{PATIENCE, Warnings, all_delivered, books, builder, claim, client, grpc, offer};
use otlp::{
    BatchConfig, BatchStrategy, DropReason, EndedSpan, MemoryPoolConfig, OverflowPolicy, Severity, Signal,
    SpanHook,
};
use otlp_testkit::{Collector, Ledger, Reply};
use std::io;
use std::sync::mpsc;
use std::time::Duration;

fn span_of_the_benchmarks(tracer: &otlp::Tracer, number: i64) {
    let mut span = tracer.start("GET /api/users/{id}");
    span.set_attribute("http.request.method", "GET")
        .set_attribute("http.route", "/api/users/{id}")
        .set_attribute("server.address", "users.internal")
        .set_attribute("http.response.status_code", 200)
        .set_attribute("user.id", number)
        .set_attribute("server.port", 8080)
        .set_attribute("cache.hit", true)
        .set_attribute("queue.share", 0.25);
    span.add_event("authorized", &[("role", "reader".into())]);
    span.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_100_000_spans_at_a_healthy_collector_loses_none() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("burst");
    tokio::task::spawn_blocking(move || {
        (0..100_000).for_each(|number| span_of_the_benchmarks(&tracer, number))
    })
    .await
    .unwrap();
    all_delivered(&client, &collector, 100_000).await;
    let ids = collector.received();
    let ids: std::collections::HashSet<_> = ids.span_ids().collect();
    assert_eq!(ids.len(), 100_000, "nothing twice, nothing invented");
}

/// A queue of few items at a receiver that never answers: everything beyond it overflows.
async fn overflow(policy: OverflowPolicy, spans: u64) -> (Collector, otlp::Client) {
    let collector = Collector::builder().grpc().reply(Reply::hang()).start().await.unwrap();
    let config = BatchConfig {
        max_batch_size: 10,
        batch_timeout: Duration::from_secs(3_600),
        max_queue_size: 100,
        strategy: BatchStrategy::Hybrid,
    };
    let client = builder(collector.grpc_endpoint())
        .with_batch_config(config)
        .with_max_in_flight(1)
        .with_overflow_policy(policy)
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    for number in 0..spans {
        tracer.start(format!("{number}")).end();
    }
    (collector, client)
}

#[tokio::test]
async fn a_full_queue_drops_the_newest_and_counts_them() {
    // conf: BATCH-01
    let (collector, client) = overflow(OverflowPolicy::DropNewest, 1_000).await;
    let stats = client.stats(Signal::Traces);
    assert!(stats.queued <= 100 && stats.is_balanced(), "{stats:?}");
    let lost = stats.dropped.get(DropReason::QueueFull);
    assert!((890..=900).contains(&lost), "at most one batch of 10 was in flight: {lost}");
    collector.set_script(Reply::ok());
    let report = books(client.shutdown(Duration::from_secs(1)).await);
    assert_eq!(report.accepted(), 1_000);
}

#[tokio::test]
async fn drop_oldest_keeps_the_newest() {
    let (collector, client) = overflow(OverflowPolicy::DropOldest, 1_000).await;
    let stats = client.stats(Signal::Traces);
    assert!(stats.queued <= 100 && stats.is_balanced(), "{stats:?}");
    collector.set_script(Reply::ok());
    let report = books(client.shutdown(PATIENCE).await);
    assert!(report.delivered() >= 90, "{report}");
    assert!(collector.received().span_named("999").is_some(), "the newest was kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn block_waits_for_room_and_loses_nothing() {
    let collector = grpc().await;
    let config = BatchConfig {
        max_batch_size: 10,
        batch_timeout: Duration::from_millis(10),
        max_queue_size: 20,
        strategy: BatchStrategy::Hybrid,
    };
    let client = builder(collector.grpc_endpoint())
        .with_batch_config(config)
        .with_overflow_policy(OverflowPolicy::Block { timeout: PATIENCE })
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    tokio::task::spawn_blocking(move || (0..2_000).for_each(|_| tracer.start("s").end())).await.unwrap();
    all_delivered(&client, &collector, 2_000).await;
}

#[tokio::test]
async fn a_span_larger_than_a_request_is_dropped_alone() {
    // conf: GRPC-12, DEC-19
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).with_max_request_bytes(4_096).build().await.unwrap();
    let tracer = client.tracer("t");
    tracer.start("small").end();
    let mut large = tracer.start("large");
    for part in 0..5 {
        large.set_attribute(format!("blob {part}"), vec![0u8; 2_000]);
    }
    large.end();
    tracer.start("small").end();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.delivered(), report.dropped().get(DropReason::TooLarge)), (2, 1));
}

#[tokio::test]
async fn waiting_telemetry_stays_within_its_memory() {
    let collector = grpc().await;
    let endpoint = collector.grpc_endpoint();
    collector.kill().await.unwrap();
    let memory = MemoryPoolConfig { initial_size: 0, max_size: 1024 * 1024, ..MemoryPoolConfig::default() };
    let client = builder(endpoint).with_memory_pool_config(memory).build().await.unwrap();
    let tracer = client.tracer("t");
    for number in 0..20_000 {
        span_of_the_benchmarks(&tracer, number);
    }
    let stats = client.stats(Signal::Traces);
    assert!(stats.queued_bytes <= 1024 * 1024, "{stats:?}");
    assert!(stats.dropped.get(DropReason::QueueFull) > 10_000, "{stats:?}");
    let report = books(client.shutdown(Duration::from_millis(100)).await);
    assert_eq!(report.accepted(), 20_000);
}

#[tokio::test]
async fn the_collectors_ledger_agrees_with_the_report() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
    offer(500, &tracer, &mut ledger);
    let report = client.shutdown(PATIENCE).await.unwrap();
    let balance = ledger.check(claim(&report), &collector.received()).unwrap();
    assert_eq!((balance.received, balance.duplicates), (500, 0));
}

struct Panics;

impl SpanHook for Panics {
    fn on_end(&self, _: &mut EndedSpan<'_>) {
        panic!("on purpose");
    }
}

/// Nothing is ever sent: who waits for exports would wait forever.
#[test]
fn losses_that_no_export_shows_are_told_as_well() {
    // conf: BATCH-25
    let (sender, told) = mpsc::channel();
    let warnings = Warnings::default();
    let subscriber = tracing::Dispatch::new(warnings.clone());
    let client = tracing::dispatcher::with_default(&subscriber, || {
        builder("http://localhost:4317")
            .with_span_hook(Panics)
            .with_max_request_bytes(4_096)
            .with_loss_threshold(0.01, Duration::from_millis(1))
            .with_loss_callback(move |loss| sender.send(loss.clone()).unwrap())
            .build_blocking()
            .unwrap()
    });
    let next = || told.recv_timeout(PATIENCE).expect("each is told").dropped;
    client.tracer("t").start("s").end();
    assert_eq!(next().get(DropReason::LayerFailed), 1);
    client.logger("l").record(Severity::Info).body("x".repeat(8_192)).emit();
    assert_eq!(next().get(DropReason::TooLarge), 1);
    let invalid = otlp::SpanData::new(otlp::SpanContext::default(), "without an id", 1, 2);
    client.export_traces(&otlp::InstrumentationScope::new("t"), [invalid]).unwrap_err();
    assert_eq!(next().get(DropReason::EncodeFailed), 1);
    client.batch_sender(Signal::Metrics).refuse(2);
    assert_eq!(next().get(DropReason::EncodeFailed), 2);
    let report = books(client.shutdown_blocking(PATIENCE));
    assert_eq!((report.accepted(), report.dropped().total()), (5, 5));
    let warnings = warnings.0.lock().unwrap();
    assert_eq!(warnings[0], "100.00 % lost in 1ms: 1 of 1 items (1 layer_failed)");
    assert_eq!(warnings.len(), 4, "{warnings:?}");
}

/// Hands on what is logged, as text.
struct Log(mpsc::Sender<String>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let _ = self.0.send(String::from_utf8_lossy(text).into_owned());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_limits_cost_is_told_once_for_each_signal() {
    // conf: LIM-11
    let (sender, told) = mpsc::channel();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || Log(sender.clone())).finish();
    let subscriber = tracing::Dispatch::new(log);
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let client = tracing::dispatcher::with_default(&subscriber, || {
        let one = otlp::Limits { attribute_count: 1, ..otlp::Limits::default() };
        let hour = Duration::from_secs(3_600);
        let builder = builder(collector.grpc_endpoint()).with_limits(one).with_loss_threshold(0.0, hour);
        builder.build_blocking().unwrap()
    });
    // The window of a loss is no reason to wait.
    client.batch_sender(Signal::Metrics).refuse(2);
    let (tracer, logger) = (client.tracer("t"), client.logger("l"));
    tracer.start("within").set_attribute("a", 1);
    let span = || {
        tracer.start("beyond").set_attribute("a", 1).set_attribute("b", 2);
    };
    let record = || logger.record(Severity::Info).attribute("a", 1).attribute("b", 2).emit();
    span();
    let line = told.recv_timeout(PATIENCE).unwrap();
    assert!(line.contains("WARN otlp::limits: limits, or an empty key, cost a span attributes,"), "{line}");
    span();
    record();
    let line = told.recv_timeout(PATIENCE).unwrap();
    assert!(line.contains("cost a log record attributes; such logs say how many"), "{line}");
    record();
    books(client.shutdown_blocking(PATIENCE));
    drop((client, subscriber));
    assert_eq!(told.iter().collect::<Vec<_>>(), [""; 0]);
}

/// With its headers it does not fit into a request, so that no request is made, which somebody could observe.
#[test]
fn a_record_that_is_too_large_only_with_its_headers_is_told_as_well() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    // The first one that is lost is too large with its headers, and not alone.
    for len in (3_900..4_096).step_by(8) {
        let (sender, told) = mpsc::channel();
        let client = builder(collector.grpc_endpoint())
            .with_max_request_bytes(4_096)
            .with_loss_threshold(0.0, Duration::from_millis(1))
            .with_loss_callback(move |loss| sender.send(loss.clone()).unwrap())
            .build_blocking()
            .unwrap();
        client.logger("l").record(Severity::Info).body("x".repeat(len)).emit();
        if books(client.flush_within_blocking(PATIENCE)).dropped().total() > 0 {
            let told = told.recv_timeout(PATIENCE).expect("it is told");
            assert_eq!(told.dropped.get(DropReason::TooLarge), 1);
            return;
        }
    }
    panic!("all fit");
}
