//! The conservation law under random programs and random faults: whatever happens, the books balance, and the
//! collector agrees with them.

use crate::support::builder;
use otlp::{BatchConfig, BatchStrategy, RetryConfig};
use otlp_testkit::{Claim, Collector, Ledger, Reply, Script};
use proptest::prelude::*;
use std::time::Duration;

/// One thing that an application does.
#[derive(Debug, Clone)]
enum Step {
    Spans(u8),
    Flush,
    Yield,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..60u8).prop_map(Step::Spans),
        1 => Just(Step::Flush),
        1 => Just(Step::Yield),
    ];
    prop::collection::vec(step, 1..12)
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        4 => Just(Reply::ok()),
        2 => Just(Reply::unavailable()),
        1 => Just(Reply::unavailable().retry_info(Duration::from_millis(3))),
        1 => Just(Reply::resource_exhausted()),
        1 => Just(Reply::invalid_argument()),
        1 => (0..20i64).prop_map(|rejected| Reply::partial_success(rejected, "some")),
        1 => Just(Reply::close()),
        1 => Just(Reply::accept_then_close()),
        1 => Just(Reply::hang()),
        1 => Just(Reply::accept_then_hang()),
        1 => (1..10u64).prop_map(|ms| Reply::ok().delay(Duration::from_millis(ms))),
    ]
}

/// Replies in turn, then success.
fn script(replies: Vec<Reply>) -> Script {
    replies.into_iter().fold(Script::new(), |script, reply| script.next(1, reply)).then(Reply::ok())
}

async fn run(
    steps: Vec<Step>,
    replies: Vec<Reply>,
    queue: usize,
    patience: Duration,
) -> Result<(), TestCaseError> {
    let collector = Collector::builder().grpc().reply(script(replies)).start().await.unwrap();
    let client = builder(collector.grpc_endpoint())
        .with_batch_config(BatchConfig {
            max_batch_size: 16,
            batch_timeout: Duration::from_millis(2),
            max_queue_size: queue,
            strategy: BatchStrategy::Hybrid,
        })
        .with_retry_config(RetryConfig {
            max_attempts: 3,
            initial_interval: Duration::from_millis(1),
            max_interval: Duration::from_millis(4),
            ..RetryConfig::default()
        })
        .with_request_timeout(Duration::from_millis(40))
        .with_max_in_flight(2)
        .build()
        .await
        .unwrap();
    let (tracer, mut ledger) = (client.tracer("law"), Ledger::new());
    for step in steps {
        match step {
            Step::Spans(count) => (0..count).for_each(|_| {
                let mut span = tracer.start("s");
                ledger.offered(span.context().span_id());
                span.end();
            }),
            // What it says is checked at the end, with everything else.
            Step::Flush => drop(client.flush_within(Duration::from_millis(20)).await),
            Step::Yield => tokio::task::yield_now().await,
        }
        prop_assert!(client.stats(otlp::Signal::Traces).is_balanced());
    }
    let result = client.shutdown(patience).await;
    let failed = result.is_err();
    let report = crate::support::books(result);
    prop_assert_eq!(report.pending(), 0, "{}", report);
    prop_assert_eq!(
        failed,
        report.lost().total() > 0,
        "an error exactly when something was lost: {}",
        report
    );
    let claim = Claim {
        accepted: report.accepted(),
        delivered: report.delivered(),
        rejected: report.rejected(),
        dropped: report.dropped().total(),
        pending: report.pending(),
    };
    let checked = ledger.check(claim, &collector.received());
    prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
    Ok(())
}

proptest! {
    // Every case is a collector and a client on real sockets.
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance_whatever_happens(
        steps in steps(),
        replies in prop::collection::vec(reply(), 0..12),
        queue in prop_oneof![Just(16usize), Just(100), Just(10_000)],
        patience in prop_oneof![Just(0u64), 1..80u64, Just(10_000)],
    ) {
        // conf: RETRY-12, SURV-21, BATCH-13, BATCH-21
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps, replies, queue, Duration::from_millis(patience)))?;
    }
}
