//! Row 16: the receiver takes a part. What it rejects is counted exactly and never sent again; its message is in the report,
//! also when it is only a warning.

use crate::attempts::{Attempts, Count};
use crate::support::{books, builder};
use otlp::{InstrumentationScope, LogRecord, Protocol, Signal};
use otlp_testkit::{Collector, Reply, Script};

async fn counted_and_never_retried(protocol: Protocol) {
    let script = Script::new()
        .next(1, Reply::partial_success(2, "2 are too old"))
        .next(1, Reply::partial_success(0, "slow down"))
        .next(1, Reply::partial_success(7, "more than there were"))
        .then(Reply::ok());
    let collector = Collector::builder().reply(script).start().await.unwrap();
    let endpoint = match protocol {
        Protocol::Grpc => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    };
    let attempts = Attempts::default();
    let client = builder(endpoint).with_protocol(protocol).with_attempt_layer(attempts.layer());
    let client = client.build().await.unwrap();
    let tracer = client.tracer("t");
    let five = || (0..5).for_each(|_| tracer.start("s").end());

    five();
    let report = books(Ok(client.flush().await.expect("what the receiver rejects is not lost by us")));
    assert_eq!((report.delivered(), report.rejected(), report.dropped().total()), (3, 2, 0));
    assert_eq!(report.last_message.as_deref(), Some("2 are too old"));

    five();
    let report = books(Ok(client.flush().await.unwrap()));
    assert_eq!((report.delivered(), report.rejected()), (8, 2), "a warning rejects nothing");
    assert_eq!(report.last_message.as_deref(), Some("slow down"));

    client.export_logs(&InstrumentationScope::default(), [LogRecord::default()]).unwrap();
    let report = books(Ok(client.flush().await.unwrap()));
    assert_eq!(report.signal(Signal::Logs).total.rejected, 1, "no more than were sent");

    five();
    let report = books(client.flush().await);
    assert_eq!((report.accepted(), report.delivered(), report.rejected()), (16, 13, 3));
    assert_eq!(report.last_message, None, "each message is told once");
    assert_eq!(attempts.count(), Count { succeeded: 4, failed: 0 });
    assert_eq!(collector.tally().calls(), 4, "one call for each batch");
}

#[tokio::test]
async fn over_grpc() {
    // conf: PART-01, PART-02, PART-04, PART-05, RETRY-17
    counted_and_never_retried(Protocol::Grpc).await;
}

#[tokio::test]
async fn over_http() {
    // conf: PART-01, PART-02, PART-04, PART-05, RETRY-17
    counted_and_never_retried(Protocol::Http).await;
}
