//! 调试技巧, 使用调试工具: looking inside.

use super::stage::{EnhancedOtlpClient, Outcome, all_delivered, collector};
use otlp::{Client, Span};
use std::io::Write;
use std::sync::{Arc, Mutex};

#[rustfmt::skip]
async fn debug_output(client: &Client, span: &Span) -> Outcome<()> {
    // 1. 添加调试输出
    #[cfg(debug_assertions)]
    {
        println!("DEBUG: Span created: {:?}", span);
        println!("DEBUG: Queue size: {}", client.get_queue_size().await?);
    }

    // 2. 使用条件断点
    // 在 VS Code 中设置断点条件
    // span.name == "slow-operation"
    Ok(())
}

#[rustfmt::skip]
mod with_tracing {
    // 3. 使用 tracing 库
    use tracing::{debug, info, warn, error, instrument};

    #[instrument]
    async fn traced_function(param: &str) {
        debug!("Function called with: {}", param);
        // 自动记录函数调用和参数
    }

    pub(super) async fn call() {
        traced_function("value").await;
    }
}

static DEBUG_LOGGING: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

fn enable_debug_logging() {
    DEBUG_LOGGING.store(true, std::sync::atomic::Ordering::SeqCst);
}

#[rustfmt::skip]
fn by_environment() {
    // 4. 环境变量控制调试
    if std::env::var("OTLP_DEBUG").is_ok() {
        // 启用详细日志
        enable_debug_logging();
    }
}

#[tokio::test]
async fn a_span_and_the_queue_can_be_looked_at() {
    let collector = collector();
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    let mut span = client.tracer("t").start("slow-operation");
    debug_output(&client, &span).await.unwrap();
    let text = format!("{span:?}");
    let id = span.context().span_id().to_string();
    assert!(text.contains("slow-operation") && text.contains(&id), "{text}");
    span.end();
    all_delivered(&client, &collector, 1).await;
    by_environment();
    let asked = std::env::var("OTLP_DEBUG").is_ok();
    assert_eq!(DEBUG_LOGGING.load(std::sync::atomic::Ordering::SeqCst), asked);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn tracing_records_the_call_and_its_argument() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    with_tracing::call().await;
    drop(guard);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains(r#"traced_function{param="value"}"#), "{text}");
    assert!(text.contains("Function called with: value"), "{text}");
}
