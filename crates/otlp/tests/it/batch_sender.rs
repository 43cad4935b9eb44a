//! Whole batches past the queue: each has an answer of its own, with the reason, and the books know it.

use crate::support::{PATIENCE, all_delivered, books, client, insistent};
use otlp::{
    BatchSender, CircuitBreakerConfig, DropReason, EncodedRecords, InstrumentationScope, Outcome, Resource,
    Signal, SignalConfig, SpanContext, SpanData, SpanId, SpanWriter, TraceFlags, TraceId,
};
use otlp_testkit::{Collector, Reply, Script};
use std::time::Duration;

fn batch(sender: &BatchSender, spans: u8) -> EncodedRecords {
    let resource = Resource::new().with("service.name", "another");
    let group = sender.group(&resource, &InstrumentationScope::new("adapter"));
    let (mut records, mut writer) = (EncodedRecords::new(), SpanWriter::new());
    for id in 1..=spans {
        let ids = (TraceId::from_bytes([id; 16]), SpanId::from_bytes([id; 8]));
        let span = SpanData::new(SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED), "adapted", 1, 2);
        records.push(group, 1, writer.encode(&span, sender.limits()));
    }
    records
}

#[tokio::test]
async fn a_batch_arrives_under_its_own_resource() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let client = client(&collector).await;
    let sender = client.batch_sender(Signal::Traces);
    let report = sender.send(batch(&sender, 3), None).await;
    assert!(report.is_delivered(), "{report}");
    assert_eq!(report.to_string(), "of 3 items 3 were delivered");
    let received = collector.received().spans();
    assert_eq!((received[0].service_name(), &*received[0].scope.name), ("another", "adapter"));
    assert!(sender.settle_blocking(PATIENCE));
    all_delivered(&client, &collector, 3).await;
    let late = sender.send(batch(&sender, 1), None).await;
    assert_eq!(late.outcome, Outcome::lost(DropReason::ShutDown, 1));
}

#[tokio::test]
async fn what_was_rejected_or_refused_is_told_with_the_reason() {
    // conf: PART-04
    let script = Script::new()
        .first(1, Reply::partial_success(2, "two of them are bad"))
        .next(1, Reply::invalid_argument().with_message("none of this"))
        .then(Reply::ok());
    let collector = Collector::builder().grpc().reply(script).start().await.unwrap();
    let client = client(&collector).await;
    let sender = client.batch_sender(Signal::Traces);
    let report = sender.send(batch(&sender, 3), None).await;
    let said = "of 3 items 1 were delivered, 2 rejected by the receiver; last message of a receiver: two of them are bad";
    assert_eq!(report.to_string(), said);
    let report = sender.send(batch(&sender, 3), None).await;
    assert_eq!(report.outcome, Outcome::lost(DropReason::NotRetryable, 3));
    assert!(report.to_string().contains("none of this"), "{report}");
    assert!(sender.send(batch(&sender, 1), None).await.is_delivered());
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.delivered(), report.rejected(), report.dropped().total()), (2, 2, 3));
}

#[tokio::test]
async fn without_a_time_of_its_own_a_batch_has_the_clients_also_while_the_receiver_is_down() {
    // conf: TIME-01, TIME-02
    let collector = Collector::builder().grpc().reply(Reply::unavailable()).start().await.unwrap();
    let circuit =
        CircuitBreakerConfig { failure_threshold: 1, initial_interval: PATIENCE, max_interval: PATIENCE };
    let client = insistent(collector.grpc_endpoint())
        .with_circuit_breaker(circuit)
        .with_export_timeout(Duration::from_millis(50))
        .build()
        .await
        .unwrap();
    let sender = client.batch_sender(Signal::Traces);
    // The first opens the circuit, the others find it open.
    for _ in 0..3 {
        let report = sender.send(batch(&sender, 1), None).await;
        assert_eq!(report.outcome.dropped.total(), 1, "{report}");
    }
    books(client.shutdown(PATIENCE).await);
}

#[tokio::test]
async fn a_signal_that_is_off_takes_nothing() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let off = SignalConfig { enabled: Some(false), ..SignalConfig::default() };
    let client =
        insistent(collector.grpc_endpoint()).with_signal_config(Signal::Traces, off).build().await.unwrap();
    let sender = client.batch_sender(Signal::Traces);
    assert_eq!(sender.send(batch(&sender, 1), None).await.outcome, Outcome::default());
    assert_eq!(books(client.shutdown(PATIENCE).await).accepted(), 0);
}

#[tokio::test]
async fn a_receiver_that_is_down_costs_no_more_than_the_time_given() {
    // conf: TIME-04
    let collector = Collector::builder().grpc().reply(Reply::unavailable()).start().await.unwrap();
    let client = insistent(collector.grpc_endpoint()).build().await.unwrap();
    let sender = client.batch_sender(Signal::Traces);
    let report = sender.send(batch(&sender, 2), Some(Duration::from_millis(50))).await;
    assert_eq!(report.outcome, Outcome::lost(DropReason::Deadline, 2));
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!(report.dropped().get(DropReason::Deadline), 2);
}
