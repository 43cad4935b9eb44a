//! Row 21: the receiver takes less than the client sends. What is too large arrives in parts; a single item that is too large is
//! dropped alone and counted.

use crate::support::{PATIENCE, all_delivered, books, builder, claim};
use otlp::{BatchConfig, Client, Compression, DropReason, Protocol};
use otlp_testkit::{Collector, Ledger, Reply};
use std::time::Duration;

/// One batch of whatever there is at the flush.
async fn client(endpoint: String, protocol: Protocol, compression: Compression) -> Client {
    let config = BatchConfig { batch_timeout: Duration::from_secs(3_600), ..BatchConfig::default() };
    builder(endpoint)
        .with_protocol(protocol)
        .with_compression(compression)
        .with_batch_config(config)
        .build()
        .await
        .unwrap()
}

fn endpoint(collector: &Collector, protocol: Protocol) -> String {
    match protocol {
        Protocol::Grpc => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    }
}

#[tokio::test]
async fn a_batch_that_is_too_large_arrives_in_parts_whatever_the_protocol() {
    // conf: DEC-19, SURV-01, SURV-02, SURV-03
    for protocol in [Protocol::Grpc, Protocol::Http] {
        for compression in [Compression::None, Compression::Gzip] {
            let collector = Collector::builder().max_request_bytes(20_000).start().await.unwrap();
            let client = client(endpoint(&collector, protocol), protocol, compression).await;
            let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
            for number in 0..1_000 {
                let mut span = tracer.start("s");
                span.set_attribute("text", "x".repeat(number % 200));
                ledger.offered(span.context().span_id());
                span.end();
            }
            let report = books(client.shutdown(PATIENCE).await);
            assert_eq!((report.delivered(), report.lost().total()), (1_000, 0), "{report}");
            let balance = ledger.check(claim(&report), &collector.received()).unwrap();
            assert_eq!((balance.received, balance.duplicates), (1_000, 0));
        }
    }
}

#[tokio::test]
async fn a_single_span_that_is_too_large_is_dropped_alone() {
    // conf: DEC-19, SURV-02, SURV-03, RETRY-04
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::builder().max_request_bytes(10_000).start().await.unwrap();
        let client = client(endpoint(&collector, protocol), protocol, Compression::None).await;
        let tracer = client.tracer("t");
        for number in 0..100 {
            let mut span = tracer.start("s");
            if number % 40 == 20 {
                span.set_attribute("blob", "x".repeat(20_000));
            }
            span.end();
        }
        let error = client.shutdown(PATIENCE).await.expect_err("two were lost");
        let text = error.to_string();
        assert!(text.contains("2 too_large"), "{text}");
        let report = books(Err(error));
        assert_eq!((report.delivered(), report.dropped().get(DropReason::TooLarge)), (98, 2), "{report}");
        assert_eq!(collector.received().items(), 98);
    }
}

#[tokio::test]
async fn the_size_is_remembered_for_the_batches_that_follow() {
    let collector = Collector::builder().grpc().max_request_bytes(20_000).start().await.unwrap();
    let client = client(collector.grpc_endpoint(), Protocol::Grpc, Compression::None).await;
    let tracer = client.tracer("t");
    for _ in 0..5 {
        (0..500).for_each(|_| tracer.start("s").end());
        books(Ok(client.flush_within(PATIENCE).await.unwrap()));
    }
    // The first batch, in its sizes on the way down; had it been forgotten, there were five times as many.
    let refused = collector.malformed().len();
    assert!((1..=7).contains(&refused), "{refused}");
    all_delivered(&client, &collector, 2_500).await;
}

#[tokio::test]
async fn json_and_413_from_a_proxy_are_split_too() {
    // conf: SURV-03, SURV-18
    let collector = Collector::builder().http().start().await.unwrap();
    collector.set_script(otlp_testkit::Script::from_fn(|call| {
        if call.items > 30 { Reply::http_status(413).with_message("<html>nginx</html>") } else { Reply::ok() }
    }));
    let config = BatchConfig { batch_timeout: Duration::from_secs(3_600), ..BatchConfig::default() };
    let client = builder(collector.http_endpoint())
        .with_serialization_format(otlp::SerializationFormat::Json)
        .with_batch_config(config)
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    (0..200).for_each(|_| tracer.start("s").end());
    all_delivered(&client, &collector, 200).await;
}
