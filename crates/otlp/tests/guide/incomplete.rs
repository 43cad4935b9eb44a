//! 常见问题, Q3: spans that lack something.

use super::stage::{EnhancedOtlpClient, Free, Outcome, all_delivered, collector, do_work};
use otlp::{AnyValue, SpanKind, StatusCode, TraceContext, Tracer};
use otlp_testkit::ReceivedSpan;

/// The guide's first way, for a result that `risky_operation` brings.
#[rustfmt::skip]
async fn ends_on_all_ways(tracer: &Tracer, risky: Result<u32, &'static str>) -> Result<u32, &'static str> {
    let risky_operation = async || risky;
    // 1. 确保 Span 正确结束
    let mut span = tracer.start("my-operation");
    span.set_attribute("key", "value");

    // 确保在所有代码路径中都调用 end()
    let result = risky_operation().await;

    match result {
        Ok(v) => {
            span.set_status(StatusCode::Ok, "Success".to_string());
            span.end();  // 成功路径
            Ok(v)
        }
        Err(e) => {
            span.set_status(StatusCode::Error, e.to_string());
            span.end();  // 错误路径
            Err(e)
        }
    }
}

#[rustfmt::skip]
async fn ends_by_itself(tracer: &Tracer) -> Outcome<()> {
    // 2. 使用 RAII 模式自动结束 Span
    {
        let _span = tracer.start("auto-end-operation");
        // Span 在作用域结束时自动调用 end()
        do_work().await?;
    } // _span 在这里自动结束
    Ok(())
}

mod parent_and_child {
    use super::*;

    pub(super) static tracer: Free<Tracer> = Free::new();

    #[rustfmt::skip]
    pub(super) async fn run() {
        // 3. 正确传播上下文
        async fn parent_function() {
            let mut parent_span = tracer.start("parent");
            let context = parent_span.context();

            // 传递上下文给子函数
            child_function(&context).await;

            parent_span.end();
        }

        async fn child_function(parent_context: &TraceContext) {
            let mut child_span = tracer.start_with_context(
                "child",
                SpanKind::Internal,
                parent_context
            );

            // 子操作
            child_span.end();
        }
        parent_function().await;
    }
}

#[rustfmt::skip]
fn clock() -> u64 {
    // 4. 同步系统时钟
    // Linux/Mac:
    // sudo ntpdate -s time.nist.gov
    // 或使用 chrony/systemd-timesyncd

    // 在代码中使用统一的时间源
    use chrono::Utc;
    let timestamp = Utc::now().timestamp_nanos() as u64;
    timestamp
}

fn status(span: &ReceivedSpan) -> (i32, &str) {
    let status = span.span.status.as_ref().unwrap();
    (status.code, &status.message)
}

#[tokio::test]
async fn a_span_that_ends_is_sent_with_all_it_has() {
    // conf: SPAN-14, SPAN-15
    let collector = collector();
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    let tracer = client.tracer("t");
    assert_eq!(ends_on_all_ways(&tracer, Ok(7)).await, Ok(7));
    assert_eq!(ends_on_all_ways(&tracer, Err("no luck")).await, Err("no luck"));
    all_delivered(&client, &collector, 2).await;
    let spans = collector.received().spans();
    // Only an error has a text (the specification of OpenTelemetry).
    assert_eq!([status(&spans[0]), status(&spans[1])], [(1, ""), (2, "no luck")]);
    for span in &spans {
        assert_eq!(span.span.name, "my-operation");
        assert_eq!(span.to_model().unwrap().attributes[0].value, AnyValue::from("value"));
    }
}

#[tokio::test]
async fn a_span_that_is_dropped_without_end_is_sent() {
    // conf: SPAN-10
    let collector = collector();
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    ends_by_itself(&client.tracer("t")).await.unwrap();
    all_delivered(&client, &collector, 1).await;
    let received = collector.received();
    let span = &received.span_named("auto-end-operation").unwrap().span;
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.start_time_unix_nano > 0);
}

#[tokio::test]
async fn the_context_makes_a_child() {
    // conf: SPAN-05
    let collector = collector();
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    parent_and_child::tracer.set(client.tracer("t"));
    parent_and_child::run().await;
    all_delivered(&client, &collector, 2).await;
    let received = collector.received();
    let [parent, child] = ["parent", "child"].map(|name| received.span_named(name).unwrap().span);
    assert_eq!((&child.trace_id, &child.parent_span_id), (&parent.trace_id, &parent.span_id));
    assert!(parent.parent_span_id.is_empty());
}

/// Where chrono reads the clock, the spans' times are of the same.
#[tokio::test]
async fn times_are_of_one_clock() {
    let collector = collector();
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    let mut span = client.tracer("t").start("s");
    let between = clock();
    span.end();
    all_delivered(&client, &collector, 1).await;
    let span = &collector.received().spans()[0].span;
    // The wall clock and the monotonic one, read one after the other, are apart by less than this.
    const APART: u64 = 50_000_000;
    assert!(span.start_time_unix_nano <= between + APART, "{} {between}", span.start_time_unix_nano);
    assert!(span.end_time_unix_nano + APART >= between, "{} {between}", span.end_time_unix_nano);
}
