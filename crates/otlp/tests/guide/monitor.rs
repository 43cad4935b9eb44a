//! 数据丢失问题, 监控数据丢失: the share of what was lost.

use super::stage::{EnhancedOtlpClient, PATIENCE, books, collector};
use otlp::Signal;
use otlp_testkit::{Reply, Script};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[rustfmt::skip]
// 实现丢失监控
struct LossMonitor {
    sent_count: AtomicU64,
    success_count: AtomicU64,
    failure_count: AtomicU64,
}

#[rustfmt::skip]
impl LossMonitor {
    fn record_sent(&self) {
        self.sent_count.fetch_add(1, Ordering::Relaxed);
    }

    fn record_success(&self) {
        self.success_count.fetch_add(1, Ordering::Relaxed);
    }

    fn record_failure(&self) {
        self.failure_count.fetch_add(1, Ordering::Relaxed);
    }

    fn get_loss_rate(&self) -> f64 {
        let sent = self.sent_count.load(Ordering::Relaxed);
        let failed = self.failure_count.load(Ordering::Relaxed);

        if sent == 0 {
            0.0
        } else {
            failed as f64 / sent as f64
        }
    }
}

/// Left out by the guide.
impl LossMonitor {
    fn new() -> Self {
        let [sent_count, success_count, failure_count] = [0; 3].map(AtomicU64::new);
        Self { sent_count, success_count, failure_count }
    }
}

#[rustfmt::skip]
fn watched() -> Arc<LossMonitor> {
    // 使用监控
    let monitor = Arc::new(LossMonitor::new());

    let mon = Arc::clone(&monitor);
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_secs(60));
        loop {
            interval.tick().await;
            let loss_rate = mon.get_loss_rate();

            if loss_rate > 0.01 {  // 超过 1% 丢失率
                eprintln!("⚠️ 数据丢失率过高: {:.2}%", loss_rate * 100.0);
            }
        }
    });
    monitor
}

/// The client counts for itself: what the guide's monitor would say if it were told of each span, `stats` says.
#[tokio::test]
async fn the_client_knows_the_loss_rate_itself() {
    let collector = collector();
    collector.set_script(Script::new().first(1, Reply::invalid_argument()).then(Reply::ok()));
    let client = EnhancedOtlpClient::builder().build().await.unwrap();
    let tracer = client.tracer("t");
    let monitor = watched();
    for failed in [true, false, false, false] {
        tracer.start("s").end();
        monitor.record_sent();
        books(client.flush().await);
        if failed { monitor.record_failure() } else { monitor.record_success() }
    }
    let stats = client.stats(Signal::Traces);
    assert_eq!((stats.accepted, stats.delivered, stats.lost()), (4, 3, 1));
    assert!((stats.loss_rate() - monitor.get_loss_rate()).abs() < f64::EPSILON, "{}", stats.loss_rate());
    assert!((stats.loss_rate() - 0.25).abs() < f64::EPSILON);
}

/// Built in: told once per window, from the client's thread.
#[tokio::test]
async fn a_loss_beyond_the_threshold_is_told() {
    let collector = collector();
    collector.set_script(Script::new().first(1, Reply::invalid_argument()).then(Reply::ok()));
    let (sender, told) = std::sync::mpsc::channel();
    let client = EnhancedOtlpClient::builder()
        .with_loss_threshold(0.01, Duration::from_millis(50))
        .with_loss_callback(move |loss| {
            let thread = std::thread::current().name().map(str::to_owned);
            sender.send((loss.clone(), thread)).unwrap();
            panic!("of the application");
        })
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    for spans in [3, 5] {
        (0..spans).for_each(|_| tracer.start("s").end());
        books(client.flush().await);
    }
    let (loss, thread) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(
        (loss.lost(), loss.dropped.total(), loss.rejected, thread.as_deref()),
        (3, 3, 0, Some("otlp"))
    );
    assert!(loss.to_string().contains("(3 not_retryable)"), "{loss}");
    client.shutdown(PATIENCE).await.unwrap();
    assert!(told.recv_timeout(PATIENCE).is_err(), "told once, and by nobody when the client is gone");
}
