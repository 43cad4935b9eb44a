//! Waiting: wakes when the items are there, and says what was there when they are not.

use crate::client::{JSON, LONG, channel, export, post, post_spans, spans};
use otlp_model::Signal;
use otlp_testkit::{Collector, Error, Reply};
use std::time::Duration;

#[tokio::test]
async fn a_wait_wakes_on_the_last_item() {
    let collector = Collector::builder().start().await.unwrap();
    let (waited, ()) = tokio::join!(collector.wait_for(3, LONG), async {
        post_spans(&collector, 1).await.unwrap();
        export(&channel(&collector), spans(2)).await.unwrap();
    });
    assert_eq!(waited.unwrap().spans().len(), 3);
    collector.wait_for_signal(Signal::Traces, 3, LONG).await.unwrap();
    collector.wait_for_calls(2, LONG).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timeout_says_what_had_arrived() {
    let collector = Collector::builder().start().await.unwrap();
    post_spans(&collector, 2).await.unwrap();
    post(&collector, "/nowhere", &[JSON], "{}").await.unwrap();
    collector.set_script(Reply::unavailable());
    post_spans(&collector, 7).await.unwrap();
    let told = "2 arrived (2 spans, 0 data points, 0 log records) in 1 accepted calls; \
                refused: 1 calls with 7 items; malformed requests: 1";
    let error = collector.wait_for(3, LONG).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(error.to_string(), format!("waited 60s for 3 items, but {told}"));
    let error = collector.wait_for_signal(Signal::Logs, 1, LONG).await.unwrap_err();
    assert_eq!(error.to_string(), format!("waited 60s for 1 log records, but {told}"));
    let blocking = tokio::task::unconstrained(async { collector.wait_for_blocking(3, LONG) }).await;
    assert!(matches!(blocking, Err(Error::WouldDeadlock { operation: "a blocking wait" })), "{blocking:?}");
}

#[test]
fn threads_wait_without_a_runtime() {
    let collector = Collector::builder().start_blocking().unwrap();
    let error = collector.wait_for_blocking(1, Duration::from_millis(1)).unwrap_err();
    assert!(error.to_string().starts_with("waited 1ms for 1 items, but 0 arrived"), "{error}");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| collector.wait_for_signal_blocking(Signal::Traces, 2, LONG));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(post_spans(&collector, 2)).unwrap();
        assert_eq!(waiting.join().unwrap().unwrap().items(), 2);
    });
}

#[test]
fn a_blocked_current_thread_runtime_is_still_answered_from_an_own_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let collector = Collector::builder().start_blocking().unwrap();
        let address = collector.http_endpoint().trim_start_matches("http://").to_owned();
        // Blocks the only thread of this runtime, as a synchronous flush would.
        let head = "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
        let calls = collector.wait_until_blocking("a call", LONG, |tally| tally.calls() == 1).unwrap();
        assert_eq!(calls.attempts().len(), 1);
        collector.kill_blocking().unwrap();
        collector.restart().await.unwrap();
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_only_worker_of_a_multi_thread_runtime_may_block() {
    let collector = Collector::builder().http().start().await.unwrap();
    let address = collector.http_endpoint().trim_start_matches("http://").to_owned();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
    collector.wait_until_blocking("a call", LONG, |tally| tally.calls() == 1).unwrap();
    collector.stop_blocking().unwrap();
    collector.restart_blocking().unwrap();
}

#[tokio::test]
async fn clear_forgets_and_waits_count_from_there() {
    let collector = Collector::builder().start().await.unwrap();
    post_spans(&collector, 2).await.unwrap();
    collector.clear();
    assert!(collector.received().is_empty());
    assert_eq!(collector.tally().items(), 0);
    post_spans(&collector, 1).await.unwrap();
    assert_eq!(collector.wait_for(1, LONG).await.unwrap().items(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_counted_twice_under_concurrency() {
    let collector = std::sync::Arc::new(Collector::builder().start().await.unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let collector = std::sync::Arc::clone(&collector);
        tasks.spawn(async move {
            let channel = channel(&collector);
            for call in 0..25 {
                let first = 1 + (task * 25 + call) * 4;
                export(&channel, crate::client::spans_from(first, 4)).await.unwrap();
            }
        });
    }
    let received = collector.wait_for(800, LONG).await.unwrap();
    tasks.join_all().await;
    let mut ids: Vec<u64> =
        received.span_ids().map(|id| u64::from_be_bytes(id.try_into().unwrap())).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=800).collect::<Vec<_>>());
    let attempts = collector.attempts();
    assert!(attempts.iter().enumerate().all(|(index, attempt)| attempt.index == index));
    let mut numbers: Vec<_> = attempts.iter().map(|attempt| attempt.call.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
}
