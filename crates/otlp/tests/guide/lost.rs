//! 数据丢失问题, Span 丢失: what keeps spans from being lost.

use super::child::{self, Program};
use super::stage::{
    EnhancedOtlpClient, Outcome, PATIENCE, all_delivered, at, books, collector, scene, scene_at, until,
};
use otlp::{BatchConfig, BatchStrategy, Client, DropReason, ErrorType, RetryConfig, Signal};
use otlp_testkit::{Collector, Reply, Script};
use std::time::Duration;

#[rustfmt::skip]
async fn larger_queue() -> Outcome<Client> {
    // 1. 增大队列大小
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_batch_config(BatchConfig {
            max_batch_size: 1000,
            batch_timeout: Duration::from_millis(100),
            max_queue_size: 50000,  // 增大队列
            strategy: BatchStrategy::Hybrid,
        })
        .build()
        .await?;
    Ok(client)
}

#[rustfmt::skip]
async fn retried() -> Outcome<Client> {
    // 2. 启用重试
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_retry_config(RetryConfig {
            max_attempts: 5,  // 增加重试次数
            initial_interval: Duration::from_millis(100),
            max_interval: Duration::from_secs(10),
            multiplier: 2.0,
            randomization_factor: 0.1,
            retryable_errors: vec![
                ErrorType::Network,
                ErrorType::Timeout,
                ErrorType::Unavailable,
            ],
        })
        .build()
        .await?;
    Ok(client)
}

/// A program of its own. `create_client` brings a reference that is `Copy`, since the snippet uses its client after it has
/// moved it into a task.
#[cfg(unix)]
mod graceful {
    use super::*;
    use tokio::signal::unix::{SignalKind, signal};

    type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

    async fn create_client() -> Outcome<&'static Client> {
        scene_at(child::endpoint().unwrap());
        // Nothing goes by itself.
        let waiting = BatchConfig { strategy: BatchStrategy::Size, ..BatchConfig::default() };
        let client = EnhancedOtlpClient::builder().with_batch_config(waiting).build().await?;
        let client = &*Box::leak(Box::new(client));
        let tracer = client.tracer("t");
        (0..3).for_each(|_| tracer.start("s").end());
        Ok(client)
    }

    async fn run_application() -> Outcome<()> {
        if std::env::var("OTLP_GUIDE_ENDS").is_ok() {
            return Ok(());
        }
        // From here on a signal that comes before the snippet's task listens does no harm.
        let _caught = signal(SignalKind::interrupt())?;
        println!("the application runs");
        std::future::pending().await
    }

    #[rustfmt::skip]
    pub(super) fn program() {
// 3. 优雅关闭
use tokio::signal;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = create_client().await?;

    // 设置信号处理
    tokio::spawn(async move {
        signal::ctrl_c().await.expect("Failed to listen for Ctrl+C");

        println!("收到关闭信号，刷新数据...");
        if let Err(e) = client.flush().await {
            eprintln!("刷新失败: {}", e);
        }

        println!("优雅关闭完成");
        std::process::exit(0);
    });

    // 应用逻辑
    run_application().await?;

    // 确保刷新
    client.flush().await?;

    Ok(())
}
        main().unwrap();
    }
}

#[rustfmt::skip]
fn flushed_now_and_then(client: Client) {
    // 4. 定期刷新
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_secs(30));
        loop {
            interval.tick().await;
            if let Err(e) = client.flush().await {
                eprintln!("定期刷新失败: {}", e);
            }
        }
    });
}

#[tokio::test]
async fn the_queue_takes_50000_and_not_one_more() {
    // conf: BATCH-01
    let collector = collector();
    collector.set_script(Reply::hang());
    let client = larger_queue().await.unwrap();
    let tracer = client.tracer("t");
    let stats = || client.stats(Signal::Traces);
    // Eight requests go out and hang; from then on what comes stays in the queue.
    while stats().in_flight_batches < 8 {
        (0..1_000).for_each(|_| tracer.start("s").end());
        until("taken, or no more requests", async || stats().queued == 0 || stats().in_flight_batches == 8)
            .await;
    }
    while stats().queued < 50_000 {
        tracer.start("s").end();
    }
    assert_eq!(stats().dropped.total(), 0);
    assert_eq!(client.get_queue_size().await.unwrap(), 50_000);
    (0..10).for_each(|_| tracer.start("s").end());
    assert_eq!(client.get_queue_size().await.unwrap(), 50_000);
    assert_eq!((stats().dropped.get(DropReason::QueueFull), stats().dropped.total()), (10, 10));
    books(client.shutdown(Duration::ZERO).await);
}

#[tokio::test]
async fn four_failures_are_made_good_by_the_fifth_attempt() {
    // conf: RETRY-02
    let collector = collector();
    collector.set_script(Script::new().first(4, Reply::unavailable()).then(Reply::ok()));
    let client = retried().await.unwrap();
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;
    assert_eq!(collector.tally().calls(), 5);
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_the_end_of_main_flush() {
    // conf: BATCH-12
    if child::endpoint().is_some() {
        return graceful::program();
    }
    let test = "lost::ctrl_c_and_the_end_of_main_flush";
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let mut program = Program::start(child::command(test, &collector.grpc_endpoint()));
    program.says("the application runs");
    assert_eq!(collector.received().items(), 0);
    while !program.has_ended() {
        program.signal("INT");
    }
    let (status, output, complaints) = program.end();
    assert!(status.success(), "{status} {output} {complaints}");
    assert!(output.contains("收到关闭信号，刷新数据...\n优雅关闭完成"), "{output}");
    assert!(!complaints.contains("刷新失败"), "{complaints}");
    assert_eq!(collector.received().items(), 3);

    let mut command = child::command(test, &collector.grpc_endpoint());
    command.env("OTLP_GUIDE_ENDS", "1");
    let (status, output, complaints) = Program::start(command).end();
    assert!(status.success(), "{status} {output} {complaints}");
    assert_eq!(collector.received().items(), 6);
}

#[tokio::test(start_paused = true)]
async fn every_30_seconds_what_waits_is_sent() {
    let collector = collector();
    let endpoint = collector.grpc_endpoint();
    scene(move |builder| {
        let waiting = BatchConfig { strategy: BatchStrategy::Size, ..BatchConfig::default() };
        at(builder, &endpoint).with_batch_config(waiting)
    });
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    let started = tokio::time::Instant::now();
    flushed_now_and_then(client.clone());
    // The first tick is at once, and this flush is behind it.
    tokio::task::yield_now().await;
    client.flush().await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    client.tracer("t").start("s").end();
    collector.wait_for(1, PATIENCE).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!(client.stats(Signal::Traces).accepted, 1);
}
