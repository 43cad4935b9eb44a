//! From `tracer.start()` to the collector, over every protocol, format, compression and socket.

use crate::support::{PATIENCE, all_delivered, builder, client, grpc, http};
use otlp::{BatchConfig, BatchStrategy, Client, Compression, Protocol, Resource, SerializationFormat};
use otlp_testkit::Collector;
use std::time::Duration;

async fn sends(client: Client, collector: &Collector) {
    let tracer = client.tracer("pipeline");
    for number in 0..100 {
        tracer.start("operation").set_attribute("number", number);
    }
    all_delivered(&client, collector, 100).await;
    let received = collector.received().span_named("operation").unwrap();
    assert_eq!(received.service_name(), "test");
    assert_eq!(received.scope.name, "pipeline");
}

#[tokio::test]
async fn grpc_delivers() {
    // conf: GRPC-01, GRPC-30, MODEL-01, MODEL-14
    let collector = grpc().await;
    sends(client(&collector).await, &collector).await;
}

#[tokio::test]
async fn grpc_delivers_with_every_compression() {
    // conf: COMP-01, COMP-03
    for (compression, name) in [(Compression::None, "identity"), (Compression::Gzip, "gzip")] {
        let collector = grpc().await;
        let client = builder(collector.grpc_endpoint()).with_compression(compression).build().await.unwrap();
        sends(client, &collector).await;
        let encodings: Vec<_> = collector.received().calls().map(|call| call.encoding.as_str()).collect();
        assert!(encodings.iter().all(|encoding| *encoding == name), "{encodings:?}");
    }
}

#[cfg(feature = "zstd")]
#[tokio::test]
async fn zstd_delivers_over_both_protocols() {
    // conf: COMP-08
    let collector = Collector::builder().start().await.unwrap();
    for (endpoint, protocol) in
        [(collector.grpc_endpoint(), Protocol::Grpc), (collector.http_endpoint(), Protocol::Http)]
    {
        let client = builder(endpoint).with_protocol(protocol).with_compression(Compression::Zstd);
        let client = client.build().await.unwrap();
        client.tracer("zstd").start("compressed").end();
        client.shutdown(PATIENCE).await.unwrap();
    }
    assert_eq!(collector.received().items(), 2);
}

#[tokio::test]
async fn http_protobuf_delivers() {
    // conf: HTTP-01, HTTP-02, HTTP-04, COMP-02
    for compression in [Compression::None, Compression::Gzip] {
        let collector = http().await;
        let client =
            builder(collector.http_endpoint()).with_protocol(Protocol::Http).with_compression(compression);
        sends(client.build().await.unwrap(), &collector).await;
    }
}

#[tokio::test]
async fn json_needs_no_protocol_to_be_named() {
    // conf: JSON-01
    let collector = http().await;
    let client = builder(collector.http_endpoint()).with_serialization_format(SerializationFormat::Json);
    sends(client.build().await.unwrap(), &collector).await;
}

#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_deliver() {
    let path = std::env::temp_dir().join(format!("otlp-{}-pipeline.sock", std::process::id()));
    let collector = Collector::builder().unix(&path).start().await.unwrap();
    let client = builder(format!("unix://{}", path.display())).build().await.unwrap();
    sends(client, &collector).await;
}

#[tokio::test]
async fn the_resource_is_used_as_given_and_the_service_name_set_on_top() {
    // conf: RES-09, RES-10, RES-14
    let collector = grpc().await;
    let resource = Resource::new().with("service.name", "given").with("host.name", "a");
    let client = builder(collector.grpc_endpoint()).with_resource(resource).build().await.unwrap();
    client.tracer("t").start("s").end();
    client.shutdown(PATIENCE).await.unwrap();
    let received = collector.received().span_named("s").unwrap();
    assert_eq!(received.service_name(), "test");
    assert_eq!(received.resource.attributes.len(), 2);
}

#[tokio::test]
async fn a_full_batch_does_not_wait_for_the_timer() {
    // conf: BATCH-02
    let collector = grpc().await;
    let config = BatchConfig {
        max_batch_size: 10,
        batch_timeout: Duration::from_secs(3_600),
        max_queue_size: 1_000,
        strategy: BatchStrategy::Hybrid,
    };
    let client = builder(collector.grpc_endpoint()).with_batch_config(config).build().await.unwrap();
    let tracer = client.tracer("t");
    for _ in 0..30 {
        tracer.start("s").end();
    }
    collector.wait_for(30, PATIENCE).await.unwrap();
    assert!(collector.received().calls().all(|call| call.items <= 10));
    all_delivered(&client, &collector, 30).await;
}

#[tokio::test]
async fn a_lone_span_goes_when_its_time_is_up() {
    // conf: BATCH-03
    let collector = grpc().await;
    let config = BatchConfig { batch_timeout: Duration::from_millis(20), ..BatchConfig::default() };
    let client = builder(collector.grpc_endpoint()).with_batch_config(config).build().await.unwrap();
    client.tracer("t").start("s").end();
    collector.wait_for(1, PATIENCE).await.unwrap();
    all_delivered(&client, &collector, 1).await;
}

#[tokio::test]
async fn requests_are_split_by_bytes() {
    // conf: SURV-01
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).with_max_request_bytes(4_096).build().await.unwrap();
    let tracer = client.tracer("t");
    for _ in 0..100 {
        tracer.start("s").set_attribute("padding", "x".repeat(500));
    }
    all_delivered(&client, &collector, 100).await;
    let received = collector.received();
    let sizes: Vec<_> = received.calls().map(|call| call.wire_bytes).collect();
    assert!(sizes.len() >= 13 && sizes.iter().all(|size| *size <= 4_096 + 5), "{sizes:?}");
    let small = sizes.iter().filter(|size| **size < 2_048).count();
    assert!(small <= 2, "a full batch fits into one request, headers and all: {sizes:?}");
}

#[tokio::test]
async fn tracers_of_one_name_share_a_scope_and_others_do_not() {
    // conf: MODEL-14
    let collector = grpc().await;
    let client = client(&collector).await;
    for name in ["a", "b", "a"] {
        client.tracer(name).start("s").end();
    }
    all_delivered(&client, &collector, 3).await;
    let received = collector.received().spans();
    let mut scopes: Vec<_> = received.iter().map(|span| span.scope.name.clone()).collect();
    scopes.sort();
    assert_eq!(scopes, ["a", "a", "b"]);
}
