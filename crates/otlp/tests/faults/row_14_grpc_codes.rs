//! Row 14: every gRPC code with and without `RetryInfo`, through the whole client: sent again exactly when OTLP allows it.

use crate::support::{PATIENCE, batch_soon, books, builder, retry_soon};
use otlp::{DropReason, Signal};
use otlp_testkit::{Collector, Reply, Script};
use std::time::Duration;

#[tokio::test]
async fn every_code_is_retried_or_not_as_the_table_says() {
    // conf: RETRY-02, RETRY-03, RETRY-04, RETRY-05, RETRY-06, RETRY-07, DEC-03
    let collector = Collector::builder().grpc().start().await.unwrap();
    let client = builder(collector.grpc_endpoint())
        .with_batch_config(batch_soon())
        .with_retry_config(retry_soon())
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    let (mut delivered, mut lost) = (0, 0);
    for code in 1..=16 {
        for info in [None, Some(Duration::ZERO), Some(Duration::from_millis(20))] {
            let refusal = match info {
                None => Reply::status(code),
                Some(delay) => Reply::status(code).retry_info(delay),
            };
            // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS; RESOURCE_EXHAUSTED with information.
            let is_retried = matches!(code, 1 | 4 | 10 | 11 | 14 | 15) || (code == 8 && info.is_some());
            collector.set_script(Script::new().first(1, refusal).then(Reply::ok()));
            let before = collector.tally().calls();
            tracer.start("s").end();
            let report = books(client.flush_within(PATIENCE).await);
            let calls = collector.tally().calls() - before;
            delivered += u64::from(is_retried);
            lost += u64::from(!is_retried);
            assert_eq!(calls, if is_retried { 2 } else { 1 }, "{code} {info:?}");
            assert_eq!(
                (report.delivered(), report.dropped().get(DropReason::NotRetryable)),
                (delivered, lost),
                "{code} {info:?}"
            );
        }
    }
    assert_eq!((delivered, lost), (6 * 3 + 2, 10 * 3 - 2));
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.pending()), (48, 0));
    assert_eq!(collector.received().items(), delivered);
    assert!(client.stats(Signal::Traces).is_balanced());
}
