//! Scripts: which call gets which reply.

use crate::client::{JSON, channel, export, post, post_spans, spans};
use otlp_model::Signal;
use otlp_testkit::{Collector, Reply, Script};

async fn statuses(collector: &Collector, paths: &[&str]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in paths {
        statuses.push(post(collector, path, &[JSON], "{}").await.unwrap().status.as_u16());
    }
    statuses
}

async fn collector(script: Script) -> Collector {
    Collector::builder().reply(script).start().await.unwrap()
}

fn steps() -> Script {
    Script::new()
        .first(2, Reply::unavailable())
        .next(1, Reply::http_status(429))
        .then(Reply::http_status(418))
}

#[tokio::test]
async fn steps_are_used_up_over_both_protocols_and_all_signals() {
    let collector = collector(steps()).await;
    export(&channel(&collector), spans(1)).await.unwrap_err();
    assert_eq!(
        statuses(&collector, &["/v1/logs", "/v1/traces", "/v1/metrics", "/v1/logs"]).await,
        [503, 429, 418, 418]
    );
}

#[tokio::test]
async fn steps_can_be_counted_for_each_signal() {
    let collector = collector(steps().per_signal()).await;
    let paths = ["/v1/logs", "/v1/traces", "/v1/logs", "/v1/logs", "/v1/traces", "/v1/traces"];
    assert_eq!(statuses(&collector, &paths).await, [503, 503, 503, 429, 503, 429]);
}

#[tokio::test]
async fn a_signal_can_have_a_script_of_its_own() {
    // conf: SURV-12
    let script =
        Script::new().first(1, Reply::unavailable()).on(Signal::Logs, Script::always(Reply::status(12)));
    let collector = collector(script).await;
    let paths = ["/v1/logs", "/v1/logs", "/v1/traces", "/v1/traces"];
    assert_eq!(statuses(&collector, &paths).await, [404, 404, 503, 200]);
}

#[tokio::test]
async fn a_function_sees_the_call() {
    let script = Script::from_fn(|call| match (call.number, call.items) {
        (_, 5) => Reply::http_status(413),
        (2, _) => Reply::unavailable(),
        _ => Reply::ok(),
    });
    let collector = collector(script).await;
    let mut seen = Vec::new();
    for items in [1, 1, 5, 2] {
        seen.push(post_spans(&collector, items).await.unwrap().status.as_u16());
    }
    assert_eq!(seen, [200, 503, 413, 200]);
    assert_eq!((collector.received().items(), collector.refused().items()), (3, 6));
}

#[tokio::test]
async fn a_new_script_starts_counting_again() {
    let collector = collector(steps()).await;
    assert_eq!(statuses(&collector, &["/v1/logs", "/v1/logs", "/v1/logs"]).await, [503, 503, 429]);
    collector.set_script(steps());
    assert_eq!(statuses(&collector, &["/v1/logs"]).await, [503]);
    collector.set_script(Reply::ok());
    assert_eq!(statuses(&collector, &["/v1/logs"]).await, [200]);
}

#[tokio::test]
async fn a_panicking_function_breaks_the_call_and_not_the_collector() {
    let collector = collector(Script::from_fn(|call| {
        assert_ne!(call.number, 1, "scripted panic");
        Reply::ok()
    }))
    .await;
    post_spans(&collector, 1).await.unwrap_err();
    assert_eq!(post_spans(&collector, 1).await.unwrap().status, 200);
}
