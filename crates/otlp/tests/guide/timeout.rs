//! 常见问题, Q2: requests that time out.

use super::stage::{EnhancedOtlpClient, Outcome, PATIENCE, all_delivered, at, books, collector, scene};
use otlp::{
    BatchConfig, BatchStrategy, BoxExportService, Client, DropReason, ErrorType, ExportRequest, RetryConfig,
};
use otlp_testkit::{Collector, Reply, Script};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tower::ServiceExt;

#[rustfmt::skip]
async fn longer() -> Outcome<Client> {
    // 1. 增加超时时间
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_request_timeout(Duration::from_secs(60))  // 增加到 60 秒
        .build()
        .await?;
    Ok(client)
}

#[rustfmt::skip]
async fn smaller() -> Outcome<Client> {
    // 2. 减小批次大小
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_batch_config(BatchConfig {
            max_batch_size: 500,  // 从 1000 减少到 500
            batch_timeout: Duration::from_millis(100),
            max_queue_size: 10000,
            strategy: BatchStrategy::Hybrid,
        })
        .build()
        .await?;
    Ok(client)
}

#[rustfmt::skip]
async fn again() -> Outcome<Client> {
    // 3. 启用重试机制
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_retry_config(RetryConfig {
            max_attempts: 3,
            initial_interval: Duration::from_millis(100),
            max_interval: Duration::from_secs(5),
            multiplier: 2.0,
            randomization_factor: 0.1,
            retryable_errors: vec![ErrorType::Timeout],
        })
        .build()
        .await?;
    Ok(client)
}

/// A minute passes at once: as soon as the collector has the request, the clock of the client's runtime is paused, and jumps
/// to whatever it waits for. How long the attempt took, by that clock, is kept.
#[tokio::test]
async fn the_timeout_fires_at_its_time_and_says_so() {
    // conf: TIME-02
    let arrived = Arc::new(Semaphore::new(0));
    let tell = Arc::clone(&arrived);
    let collector = Collector::builder()
        .grpc()
        .reply(Script::from_fn(move |_| {
            tell.add_permits(1);
            Reply::hang()
        }))
        .start_blocking()
        .unwrap();
    let took = Arc::new(Mutex::new(Duration::ZERO));
    let (endpoint, kept) = (collector.grpc_endpoint(), Arc::clone(&took));
    scene(move |builder| {
        let (arrived, kept) = (Arc::clone(&arrived), Arc::clone(&kept));
        at(builder, &endpoint).with_attempt_layer(tower::layer::layer_fn(move |inner: BoxExportService| {
            let (arrived, kept) = (Arc::clone(&arrived), Arc::clone(&kept));
            BoxExportService::new(tower::service_fn(move |request: ExportRequest| {
                let (arrived, kept, inner) = (Arc::clone(&arrived), Arc::clone(&kept), inner.clone());
                async move {
                    let started = tokio::time::Instant::now();
                    let answer = tokio::spawn(inner.oneshot(request));
                    arrived.acquire().await?.forget();
                    tokio::time::pause();
                    let answer = answer.await?;
                    *kept.lock().unwrap() = started.elapsed();
                    tokio::time::resume();
                    answer
                }
            }))
        }))
    });
    let client = longer().await.unwrap();
    let error = client.health_check().await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), "request timeout after 60s (see docs/troubleshooting.md#timeout)");
    let took = *took.lock().unwrap();
    assert!(took >= Duration::from_secs(60) && took < 2 * PATIENCE, "{took:?}");
}

#[tokio::test]
async fn no_batch_is_larger_than_500() {
    // conf: BATCH-02
    let collector = collector();
    let client = smaller().await.unwrap();
    let tracer = client.tracer("t");
    (0..2_300).for_each(|_| tracer.start("s").end());
    // The rest goes after its 100 ms, without a flush.
    let received = collector.wait_for(2_300, PATIENCE).await.unwrap();
    let sizes: Vec<_> = received.calls().map(|call| call.items).collect();
    assert!(sizes.iter().all(|&items| items <= 500) && sizes.contains(&500), "{sizes:?}");
    all_delivered(&client, &collector, 2_300).await;
}

#[tokio::test]
async fn timeouts_are_tried_three_times_and_nothing_else_is() {
    // conf: RETRY-05
    let deadline = || Reply::status(4);
    let cases = [
        (Script::new().first(2, deadline()).then(Reply::ok()), 3, None),
        (Script::always(deadline()), 3, Some(DropReason::RetriesExhausted)),
        (Script::always(Reply::unavailable()), 1, Some(DropReason::NotRetryable)),
    ];
    for (script, attempts, lost) in cases {
        let collector = collector();
        collector.set_script(script);
        let client = again().await.unwrap();
        client.tracer("t").start("s").end();
        let report = books(client.flush_within(PATIENCE).await);
        assert_eq!(collector.tally().calls(), attempts);
        assert_eq!(report.delivered(), u64::from(lost.is_none()), "{report}");
        assert!(lost.is_none_or(|reason| report.dropped().get(reason) == 1), "{report}");
    }
}

/// The failures that belong to each type. `Network` is an answer that breaks off.
fn failures() -> [(ErrorType, Reply); 5] {
    [
        (ErrorType::Network, Reply::close()),
        (ErrorType::Timeout, Reply::status(4)),
        (ErrorType::Unavailable, Reply::unavailable()),
        (ErrorType::RateLimited, Reply::resource_exhausted().retry_info(Duration::from_millis(1))),
        (ErrorType::Aborted, Reply::status(10)),
    ]
}

#[tokio::test]
async fn each_type_of_error_is_retried_if_it_is_named_and_only_then() {
    // conf: RETRY-02, RETRY-05
    assert_eq!(failures().map(|(error_type, _)| error_type), ErrorType::ALL, "each has its failure");
    for named in ErrorType::ALL {
        for (met, reply) in failures() {
            let collector = collector();
            collector.set_script(Script::new().first(1, reply).then(Reply::ok()));
            let client = EnhancedOtlpClient::builder()
                .with_retry_config(RetryConfig {
                    initial_interval: Duration::from_millis(1),
                    retryable_errors: vec![named],
                    ..RetryConfig::default()
                })
                .build()
                .await
                .unwrap();
            client.tracer("t").start("s").end();
            let report = books(client.flush_within(PATIENCE).await);
            let (delivered, lost) = (report.delivered(), report.dropped().get(DropReason::NotRetryable));
            let wanted = if named == met { (1, 0) } else { (0, 1) };
            assert_eq!((delivered, lost), wanted, "{named} named, {met} met: {report}");
        }
    }
}
