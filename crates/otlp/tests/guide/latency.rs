//! 性能问题, 高延迟: where the time goes, and what saves some.

use super::stage::{EnhancedOtlpClient, Free, Outcome, all_delivered, collector, do_work, until};
use otlp::{BatchConfig, BatchStrategy, Client, Compression, ConnectionPoolConfig, Signal, Tracer};
use otlp_model::Encoding;
use otlp_testkit::Reply;
use std::time::Duration;

use std::time::Instant;

#[rustfmt::skip]
async fn end_to_end(tracer: &Tracer) -> Outcome<Duration> {
    // 1. 测量端到端延迟
    let start = Instant::now();

    let mut span = tracer.start("operation");
    span.set_attribute("test.id", "latency-test");

    // 执行操作
    do_work().await?;

    span.end();

    let elapsed = start.elapsed();
    println!("总延迟: {:?}", elapsed);
    Ok(elapsed)
}

mod step_by_step {
    use super::*;

    pub(super) static tracer: Free<Tracer> = Free::new();
    pub(super) static client: Free<Client> = Free::new();

    #[rustfmt::skip]
    pub(super) async fn run() -> Result<(), Box<dyn std::error::Error>> {
        // 2. 分段测量
        async fn diagnose_latency() -> Result<(), Box<dyn std::error::Error>> {
            let mut timings = Vec::new();

            // 测量 Span 创建时间
            let t1 = Instant::now();
            let mut span = tracer.start("test");
            timings.push(("span_creation", t1.elapsed()));

            // 测量属性设置时间
            let t2 = Instant::now();
            for i in 0..100 {
                span.set_attribute(format!("attr_{}", i), i);
            }
            timings.push(("attribute_setting", t2.elapsed()));

            // 测量 Span 结束时间
            let t3 = Instant::now();
            span.end();
            timings.push(("span_ending", t3.elapsed()));

            // 测量导出时间
            let t4 = Instant::now();
            client.flush().await?;
            timings.push(("export", t4.elapsed()));

            // 打印结果
            for (name, duration) in timings {
                println!("{}: {:?}", name, duration);
            }

            Ok(())
        }
        diagnose_latency().await
    }
}

#[rustfmt::skip]
async fn batched() -> Outcome<Client> {
    // 1. 启用批处理
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_batch_config(BatchConfig {
            max_batch_size: 1000,
            batch_timeout: Duration::from_millis(100),
            max_queue_size: 10000,
            strategy: BatchStrategy::Hybrid,
        })
        .build()
        .await?;
    Ok(client)
}

#[rustfmt::skip]
async fn compressed() -> Outcome<Client> {
    // 2. 启用压缩
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_compression(Compression::Gzip)
        .build()
        .await?;
    Ok(client)
}

#[rustfmt::skip]
async fn pooled() -> Outcome<Client> {
    // 3. 使用连接池
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_connection_pool_config(ConnectionPoolConfig {
            max_connections: 100,
            min_connections: 10,
            keep_alive: true,
            ..Default::default()
        })
        .build()
        .await?;
    Ok(client)
}

#[rustfmt::skip]
async fn asynchronous() -> Outcome<Client> {
    // 4. 异步导出
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_async_export(true)
        .build()
        .await?;
    Ok(client)
}

#[tokio::test]
async fn what_is_measured_is_what_is_sent() {
    let collector = collector();
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    let elapsed = end_to_end(&client.tracer("t")).await.unwrap();
    all_delivered(&client, &collector, 1).await;
    let span = &collector.received().spans()[0];
    assert_eq!(span.to_model().unwrap().attributes[0].key, "test.id");
    let duration = Duration::from_nanos(span.span.end_time_unix_nano - span.span.start_time_unix_nano);
    assert!(duration <= elapsed, "{duration:?} within {elapsed:?}");
}

#[tokio::test]
async fn a_flush_ends_when_the_collector_has_it_with_all_100_attributes() {
    let collector = collector();
    step_by_step::client.set(EnhancedOtlpClient::builder().build().await.unwrap());
    step_by_step::tracer.set(step_by_step::client.tracer("t"));
    step_by_step::run().await.unwrap();
    let received = collector.received();
    let attributes = &received.span_named("test").unwrap().to_model().unwrap().attributes;
    assert_eq!(attributes.len(), 100);
    for (number, attribute) in (0..).zip(attributes) {
        assert_eq!(
            (attribute.key.as_ref(), &attribute.value),
            (format!("attr_{number}").as_str(), &number.into())
        );
    }
    all_delivered(&step_by_step::client, &collector, 1).await;
}

#[tokio::test]
async fn batches_of_1000_go_when_they_are_full() {
    let collector = collector();
    let client = batched().await.unwrap();
    let tracer = client.tracer("t");
    (0..5_000).for_each(|_| tracer.start("s").end());
    all_delivered(&client, &collector, 5_000).await;
    let sizes: Vec<_> = collector.received().calls().map(|call| call.items).collect();
    assert!(sizes.iter().all(|&items| items <= 1000) && sizes.contains(&1000), "{sizes:?}");
}

#[tokio::test]
async fn gzip_arrives_as_gzip() {
    // conf: GRPC-07
    let collector = collector();
    let client = compressed().await.unwrap();
    let tracer = client.tracer("t");
    (0..1_000).for_each(|_| tracer.start("the same again and again").end());
    all_delivered(&client, &collector, 1_000).await;
    let received = collector.received();
    for call in received.calls() {
        assert_eq!((call.encoding, call.header("grpc-encoding")), (Encoding::Gzip, Some("gzip")));
    }
}

#[tokio::test]
async fn connections_are_open_before_they_are_needed() {
    let collector = collector();
    let client = pooled().await.unwrap();
    until("10 idle", async || client.get_connection_pool_stats().await.unwrap().idle_connections == 10).await;
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;
    assert_eq!(client.get_connection_pool_stats().await.unwrap().connections_opened, 10);
}

#[tokio::test]
async fn end_does_not_wait_unless_it_was_told_to() {
    // A collector that never answers holds nobody up.
    let silent = collector();
    silent.set_script(Reply::hang());
    let client = asynchronous().await.unwrap();
    client.tracer("t").start("s").end();
    assert_eq!(client.stats(Signal::Traces).pending(), 1);
    client.shutdown(Duration::ZERO).await.expect_err("lost, and told");

    let collector = collector();
    let client = EnhancedOtlpClient::builder().with_async_export(false).build().await.unwrap();
    let mut span = client.tracer("t").start("s");
    assert_eq!(collector.received().items(), 0);
    span.end();
    assert_eq!(collector.received().items(), 1, "delivered before `end` returns");
    all_delivered(&client, &collector, 1).await;
}
