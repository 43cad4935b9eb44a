//! Row 2: the collector goes away under load, listener and connections, and comes back on the same port. Nothing is lost; what
//! was taken but not confirmed arrives again, and is counted.

use crate::attempts::Attempts;
use crate::support::{PATIENCE, batch_soon, books, claim, endpoint, insistent, offer};
use otlp::Protocol;
use otlp_testkit::{Collector, Ledger, Reply, Script};

const SPANS: u64 = 500;

async fn nothing_is_lost(protocol: Protocol) {
    let collector = Collector::builder().start().await.unwrap();
    let attempts = Attempts::default();
    let client = insistent(endpoint(&collector, protocol))
        .with_protocol(protocol)
        .with_batch_config(batch_soon())
        .with_attempt_layer(attempts.layer())
        .build()
        .await
        .unwrap();
    let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
    offer(SPANS, &tracer, &mut ledger);
    assert_eq!(client.flush().await.unwrap().delivered(), SPANS);

    // These it takes, and dies before it can say so.
    collector.set_script(Script::new().first(1, Reply::accept_then_hang()).then(Reply::ok()));
    tracer.start("unconfirmed").end();
    let unconfirmed = collector.wait_for(SPANS + 1, PATIENCE).await.unwrap();
    let id = unconfirmed.span_named("unconfirmed").unwrap().to_model().unwrap().context.span_id();
    ledger.offered(id);
    for outage in 1..=3 {
        collector.kill().await.unwrap();
        let before = collector.tally().calls();
        offer(SPANS, &tracer, &mut ledger);
        attempts.fail(3 * outage).await;
        assert_eq!(collector.tally().calls(), before, "nothing could have been received");
        collector.restart().await.unwrap();
        offer(SPANS, &tracer, &mut ledger);
    }
    let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
    assert_eq!(report.delivered(), 7 * SPANS + 1, "{report}");
    let balance = ledger.check(claim(&report), &collector.received()).unwrap();
    assert_eq!(balance.received, 7 * SPANS + 1);
    assert!(balance.duplicates >= 1, "what was not confirmed came again");
}

#[tokio::test]
async fn over_grpc_outages_lose_nothing() {
    // conf: SURV-15, GRPC-29, RETRY-12
    nothing_is_lost(Protocol::Grpc).await;
}

#[tokio::test]
async fn over_http_outages_lose_nothing() {
    // conf: SURV-15, RETRY-12
    nothing_is_lost(Protocol::Http).await;
}
