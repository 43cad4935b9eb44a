//! 内存问题, 内存泄漏: what holds memory, and how much.
//!
//! Left out: jemalloc as the global allocator, among the commands of the section. A binary can have one, and that of these
//! tests belongs to `allocation-counter`; the client's own part is `tests/memory.rs`.

use super::stage::{EnhancedOtlpClient, Outcome, all_delivered, books, collector};
use otlp::{Client, DropReason, MemoryPoolConfig, Signal, Span, Tracer};
use otlp_testkit::Reply;
use std::sync::Arc;
use std::time::Duration;

#[rustfmt::skip]
fn not_ended(tracer: &Tracer) {
    // 1. Span 未结束
    // 错误：
    let span = tracer.start("operation");
    // 忘记调用 span.end()

    // 正确：
    {
        let mut span = tracer.start("operation");
        // 操作
        span.end();  // 或使用 Drop trait 自动结束
    }
}

/// A module for each of the two types of one name.
#[rustfmt::skip]
mod wrong {
    use super::*;

    // 2. 循环引用
    // 错误：
    struct Service {
        client: Arc<Client>,
        spans: Vec<Span>,  // Span 持有 Client 的引用
    }

    pub(super) fn service(client: Arc<Client>, spans: Vec<Span>) -> impl Sized {
        Service { client, spans }
    }
}

#[rustfmt::skip]
mod right {
    use super::*;

    // 正确：
    struct Service {
        client: Arc<Client>,
        span_ids: Vec<String>,  // 只存储 ID
    }

    pub(super) fn service(client: Arc<Client>, span_ids: Vec<String>) -> impl Sized {
        Service { client, span_ids }
    }
}

#[rustfmt::skip]
async fn queue_size(client: &Client) -> Outcome<usize> {
    // 3. 队列积压
    // 监控队列大小
    let queue_size = client.get_queue_size().await?;
    if queue_size > 40000 {
        eprintln!("⚠️ 队列积压严重: {}", queue_size);
        // 触发刷新或降低采样率
    }
    Ok(queue_size)
}

#[rustfmt::skip]
async fn pooled() -> Outcome<Client> {
    // 4. 使用内存池
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_memory_pool_config(MemoryPoolConfig {
            initial_size: 1024 * 1024,
            max_size: 100 * 1024 * 1024,
            chunk_size: 64 * 1024,
            growth_factor: 2.0,
            gc_threshold: 0.8,
        })
        .build()
        .await?;
    Ok(client)
}

#[tokio::test]
async fn a_span_that_nobody_ends_ends_by_itself() {
    // conf: SPAN-10
    let collector = collector();
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    not_ended(&client.tracer("t"));
    all_delivered(&client, &collector, 2).await;
}

/// What the guide fears cannot be: a span holds its tracer, but no tracer holds spans, so both services go away whole.
#[tokio::test]
async fn spans_that_are_kept_go_with_their_keeper() {
    let collector = collector();
    let client = Arc::new(EnhancedOtlpClient::builder().build().await.unwrap());
    let tracer = client.tracer("t");
    let spans: Vec<_> = (0..10).map(|_| tracer.start("kept")).collect();
    let span_ids: Vec<_> = spans.iter().map(|span| span.context().span_id().to_string()).collect();
    drop(wrong::service(Arc::clone(&client), spans));
    drop(right::service(Arc::clone(&client), span_ids.clone()));
    assert_eq!(Arc::strong_count(&client), 1);
    all_delivered(&client, &collector, 10).await;
    let sent: Vec<_> = collector.received().spans().iter().map(|span| span.to_model().unwrap()).collect();
    let sent: Vec<_> = sent.iter().map(|span| span.context.span_id().to_string()).collect();
    assert_eq!(sent, span_ids);
}

#[tokio::test]
async fn the_memory_pool_holds_its_limit() {
    // conf: SURV-17
    let collector = collector();
    collector.set_script(Reply::hang());
    let client = pooled().await.unwrap();
    assert_eq!(queue_size(&client).await.unwrap(), 0);
    let tracer = client.tracer("t");
    let payload = "x".repeat(10_000);
    let mut most = 0;
    // Half as much again as fits.
    for _ in 0..15_000 {
        tracer.start("s").set_attribute("payload", payload.as_str());
        most = most.max(client.stats(Signal::Traces).queued_bytes);
    }
    let stats = client.stats(Signal::Traces);
    assert!(most <= 100 * 1024 * 1024, "{most} bytes");
    assert!(most > 50 * 1024 * 1024, "{most} bytes: the limit is not a smaller one");
    assert!(stats.dropped.get(DropReason::QueueFull) >= 4_000, "{stats:?}");
    books(client.shutdown(Duration::ZERO).await);
}
