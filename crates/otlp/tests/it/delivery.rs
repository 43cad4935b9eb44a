//! Flush, shutdown, drop and the books they return; health checks.

use crate::support::{PATIENCE, all_delivered, books, builder, client, grpc};
use otlp::{DropReason, ErrorKind, InstrumentationScope, LogRecord, RetryConfig, Signal};
use otlp_testkit::{Collector, Reply, Script};
use std::time::Duration;

#[tokio::test]
async fn a_flush_delivers_what_was_accepted_before_it() {
    // conf: BATCH-10, BATCH-15, BATCH-20
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    for round in 1..=3 {
        tracer.start("s").end();
        let report = client.flush().await.unwrap();
        assert_eq!((report.delivered(), report.pending()), (round, 0));
        assert_eq!(report.traces.since_last.delivered, 1, "figures since the last report");
        assert_eq!(collector.received().items(), round);
    }
    all_delivered(&client, &collector, 3).await;
}

#[tokio::test]
async fn a_flush_of_nothing_sends_nothing() {
    // conf: BATCH-06, MODEL-32
    let collector = grpc().await;
    let client = client(&collector).await;
    assert!(client.flush().await.unwrap().is_complete());
    all_delivered(&client, &collector, 0).await;
    assert_eq!(collector.received().calls().len(), 0);
}

#[tokio::test]
async fn failures_that_may_pass_are_retried() {
    // conf: RETRY-01, RETRY-02, RETRY-12
    let script = Script::new().first(2, Reply::unavailable()).then(Reply::ok());
    let collector = Collector::builder().grpc().reply(script).start().await.unwrap();
    let retry = RetryConfig { initial_interval: Duration::from_millis(1), ..RetryConfig::default() };
    let client = builder(collector.grpc_endpoint()).with_retry_config(retry).build().await.unwrap();
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;
}

#[tokio::test]
async fn an_order_to_wait_given_to_one_signal_holds_for_the_others() {
    // conf: RETRY-08
    let pause = Duration::from_secs(3);
    let script = Script::new().first(1, Reply::unavailable().retry_info(pause)).then(Reply::ok());
    let collector = Collector::builder().grpc().reply(script).start().await.unwrap();
    let client = client(&collector).await;
    client.tracer("t").start("s").end();
    // Until the client has read the refusal. It sleeps by then: the order is taken in the same turn of its thread.
    while client
        .flush_within(Duration::from_millis(20))
        .await
        .is_err_and(|e| e.report().unwrap().last_error.is_none())
    {}
    assert_eq!(client.stats(Signal::Traces).delivered, 0);
    client.export_logs(&InstrumentationScope::default(), [LogRecord::default()]).unwrap();
    let early = client.flush_within(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(
        early.report().unwrap().logs.total.delivered,
        0,
        "the log waits for the order given to the span"
    );
    assert_eq!(collector.received().items(), 0);
    all_delivered(&client, &collector, 2).await;
}

#[tokio::test]
async fn a_refusal_is_lost_once_and_told_once() {
    // conf: RETRY-03, RETRY-04, GRPC-21
    let script = Script::new().first(1, Reply::invalid_argument()).then(Reply::ok());
    let collector = Collector::builder().grpc().reply(script).start().await.unwrap();
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    tracer.start("refused").end();
    let error = client.flush().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(error.to_string().starts_with("flush lost 1 items (1 not_retryable)"), "{error}");
    tracer.start("accepted").end();
    let report = client.flush().await.expect("the first loss was told already");
    assert_eq!(report.dropped().get(DropReason::NotRetryable), 1);
    assert_eq!(report.lost().total(), 0);
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.delivered()), (2, 1));
}

#[tokio::test]
async fn a_partial_success_counts_what_was_rejected_and_is_not_retried() {
    // conf: PART-01, PART-02, PART-04, RETRY-17
    let collector =
        Collector::builder().grpc().reply(Reply::partial_success(2, "too old")).start().await.unwrap();
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    for _ in 0..5 {
        tracer.start("s").end();
    }
    let report = client.shutdown(PATIENCE).await.expect("rejected is not lost");
    assert_eq!((report.accepted(), report.delivered(), report.rejected()), (5, 3, 2));
    assert_eq!(report.last_message.as_deref(), Some("too old"));
    assert!(report.is_balanced());
    assert_eq!(collector.received().calls().len(), 1);
}

#[tokio::test]
async fn a_warning_is_told_once_and_costs_nothing() {
    // conf: PART-05, PART-07
    let collector =
        Collector::builder().grpc().reply(Reply::partial_success(0, "slow down")).start().await.unwrap();
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    (0..3).for_each(|_| tracer.start("s").end());
    let report = client.flush().await.expect("a warning is no loss");
    assert_eq!((report.delivered(), report.rejected()), (3, 0));
    assert_eq!(report.last_message.as_deref(), Some("slow down"));
    collector.set_script(Reply::ok());
    assert_eq!(client.flush().await.unwrap().last_message, None, "told once");
    all_delivered(&client, &collector, 3).await;
}

#[tokio::test]
async fn a_shutdown_at_a_dead_endpoint_ends_in_time_and_says_what_is_lost() {
    // conf: BATCH-13, RETRY-13, SURV-23, GRPC-20
    let collector = grpc().await;
    let endpoint = collector.grpc_endpoint();
    collector.kill().await.unwrap();
    let client = builder(&endpoint).build().await.expect("a receiver that is down is no reason to fail");
    client.tracer("t").start("s").end();
    let error = client.shutdown(Duration::from_millis(300)).await.unwrap_err();
    assert!(error.is_lost(), "{error}");
    let text = error.to_string();
    assert!(text.contains("last error: ") && text.contains("failed to connect to"), "{text}");
    assert!(text.contains(&endpoint) && text.ends_with("(see docs/troubleshooting.md#lost)"), "{text}");
    let report = books(Err(error));
    assert_eq!((report.accepted(), report.pending(), report.dropped().total()), (1, 0, 1));
}

#[tokio::test]
async fn a_flush_that_times_out_drops_nothing() {
    // conf: BATCH-11
    let collector = Collector::builder().grpc().reply(Reply::hang()).start().await.unwrap();
    let client = builder(collector.grpc_endpoint()).with_request_timeout(Duration::from_millis(100));
    let client = client.build().await.unwrap();
    client.tracer("t").start("s").end();
    let error = client.flush_within(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let report = error.report().unwrap();
    assert_eq!((report.pending(), report.dropped().total()), (1, 0));
    collector.set_script(Reply::ok());
    let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
    assert_eq!((report.accepted(), report.delivered(), report.pending()), (1, 1, 0), "{report}");
    // On a busy machine an attempt that was answered may be given up all the same; then the item comes again.
    assert!(collector.received().items() >= 1);
}

#[tokio::test]
async fn after_the_shutdown_spans_are_counted_and_a_second_shutdown_reports() {
    // conf: BATCH-12, BATCH-14, BATCH-17
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    tracer.start("before").end();
    client.shutdown(PATIENCE).await.unwrap();
    tracer.start("after").end();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!(report.dropped().get(DropReason::ShutDown), 1);
    assert_eq!((report.accepted(), report.delivered()), (2, 1));
    assert_eq!(client.health_check().await.unwrap_err().kind(), ErrorKind::ShutDown);
}

#[tokio::test]
async fn dropping_the_last_handle_delivers() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    tracer.start("s").end();
    let other = client.clone();
    drop(client);
    assert_eq!(other.stats(Signal::Traces).accepted, 1);
    tokio::task::spawn_blocking(move || drop(other)).await.unwrap();
    assert_eq!(collector.received().items(), 1);
}

#[tokio::test]
async fn health_checks_tell_a_working_receiver_from_a_dead_one() {
    // conf: SURV-14
    let collector = Collector::builder().start().await.unwrap();
    let client = client(&collector).await;
    client.health_check().await.unwrap();
    assert_eq!(collector.received().items(), 0);
    collector.set_script(Reply::unavailable());
    assert_eq!(client.health_check().await.unwrap_err().kind(), ErrorKind::Refused);
    collector.kill().await.unwrap();
    let error = client.health_check().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(error.to_string().starts_with("failed to connect to http://127.0.0.1:"), "{error}");
    assert!(error.to_string().ends_with("(see docs/troubleshooting.md#connect)"), "{error}");
}

#[tokio::test]
async fn a_hanging_receiver_is_a_request_timeout() {
    // conf: TIME-02, SURV-21
    let collector = Collector::builder().grpc().reply(Reply::hang()).start().await.unwrap();
    let client = builder(collector.grpc_endpoint()).with_request_timeout(Duration::from_millis(50));
    let client = client.build().await.unwrap();
    let error = client.health_check().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(error.to_string(), "request timeout after 50ms (see docs/troubleshooting.md#timeout)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ending_can_wait_for_delivery() {
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).with_async_export(false).build().await.unwrap();
    let tracer = client.tracer("t");
    for ended in 1..=3 {
        tracer.start("s").end();
        assert_eq!(collector.received().items(), ended);
    }
    all_delivered(&client, &collector, 3).await;
}

#[tokio::test]
async fn a_restart_of_the_receiver_loses_nothing() {
    // conf: GRPC-29, SURV-15
    let collector = grpc().await;
    let retry = RetryConfig { initial_interval: Duration::from_millis(20), ..RetryConfig::default() };
    let client = builder(collector.grpc_endpoint()).with_retry_config(retry).build().await.unwrap();
    let tracer = client.tracer("t");
    tracer.start("before").end();
    client.flush().await.unwrap();
    collector.kill().await.unwrap();
    tracer.start("during").end();
    assert!(client.flush_within(Duration::from_millis(100)).await.unwrap_err().is_timeout());
    collector.restart().await.unwrap();
    tracer.start("after").end();
    all_delivered(&client, &collector, 3).await;
}
