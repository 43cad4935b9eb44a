//! Many threads of `tracing` against a receiver that fails: the books balance, and no span or log record is lost in silence.

use crate::support::PATIENCE;
use otlp::{
    BatchConfig, CircuitBreakerConfig, Client, OverflowPolicy, RetryBudgetConfig, RetryConfig, Signal,
};
use otlp_testkit::{Claim, Collector, Ledger, ReceivedLog, Reply, Script};
use otlp_tracing::OtlpSpanExt;
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;
use tracing::{info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt;

const THREADS: u64 = 6;
const TRACES: u64 = 150;

#[test]
fn the_books_balance_through_the_layer_whatever_the_receiver_does() {
    // conf: SURV-21, BATCH-20
    let replies = Script::new()
        .first(2, Reply::unavailable())
        .next(1, Reply::ok())
        .next(1, Reply::accept_then_close())
        .next(2, Reply::partial_success(2, "two are refused"))
        .next(1, Reply::invalid_argument())
        .next(1, Reply::resource_exhausted().retry_info(Duration::from_millis(1)))
        .then(Reply::ok());
    let collector = Collector::builder().grpc().reply(replies).start_blocking().unwrap();
    let soon = Duration::from_millis(1);
    let client = Client::builder()
        .with_endpoint(collector.grpc_endpoint())
        .with_overflow_policy(OverflowPolicy::DropNewest)
        .with_batch_config(BatchConfig { batch_timeout: soon, max_batch_size: 64, ..BatchConfig::default() })
        .with_retry_config(RetryConfig {
            initial_interval: soon,
            max_interval: soon,
            ..RetryConfig::default()
        })
        .with_retry_budget(RetryBudgetConfig { ratio: 1.0, min_per_second: 10_000.0 })
        .with_circuit_breaker(CircuitBreakerConfig {
            initial_interval: soon,
            max_interval: soon,
            ..CircuitBreakerConfig::default()
        })
        .build_blocking()
        .unwrap();
    let layer = otlp_tracing::layer(&client).with_logs(client.logger("shop"));
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(layer));
    let ledger = Mutex::new(Ledger::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (dispatch, ledger) = (&dispatch, &ledger);
            scope.spawn(move || tracing::dispatcher::with_default(dispatch, || trace(thread, ledger)));
        }
    });
    drop(dispatch);
    let result = client.shutdown_blocking(PATIENCE);
    let report = result.unwrap_or_else(|error| error.report().unwrap().clone());
    assert!(report.is_balanced(), "{report}");
    let claim = |signal| {
        let stats = client.stats(signal);
        assert_eq!(stats.pending(), 0, "{report}");
        Claim {
            accepted: stats.accepted,
            delivered: stats.delivered,
            rejected: stats.rejected,
            dropped: stats.dropped.total(),
            pending: 0,
        }
    };
    let received = collector.received();
    let spans = claim(Signal::Traces);
    let balance = ledger.into_inner().unwrap().check(spans, &received).unwrap();
    assert_eq!(spans.accepted, THREADS * TRACES * 3);
    assert!(balance.received > 0);

    let logs = claim(Signal::Logs);
    assert_eq!(logs.accepted, THREADS * TRACES * 2);
    // Each record is one of its kind: what is told to be delivered is there, and what is not there was told.
    let told = |log: &ReceivedLog| format!("{:?} {:?}", log.record.body, log.record.attributes);
    let distinct = received.logs().iter().map(told).collect::<HashSet<_>>().len() as u64;
    assert!((logs.delivered..=logs.accepted).contains(&distinct), "{distinct} records: {report}");
    assert!(logs.accepted - distinct <= logs.rejected + logs.dropped, "{distinct} records: {report}");
}

fn trace(thread: u64, ledger: &Mutex<Ledger>) {
    for number in 0..TRACES {
        let root = info_span!("root", thread, number).entered();
        let child = info_span!("child", late = tracing::field::Empty);
        child.in_scope(|| {
            info!(thread, number, "inside");
            child.record("late", number);
        });
        let detached = info_span!(parent: &child, "detached");
        warn!(parent: &detached, thread, number, "explicit");
        let ids = [&*root, &child, &detached].map(|span| span.context().span_id());
        let mut ledger = ledger.lock().unwrap();
        for id in ids {
            ledger.offered(id);
        }
    }
}
