//! Row 5: the receiver closes connections in peace. What is under way ends, what it has not looked at is sent again on
//! another connection for free, and no export fails.

use crate::attempts::Attempts;
use crate::support::{PATIENCE, batch_soon, books, builder, claim, offer};
use otlp::Client;
use otlp_testkit::{Collector, Fault, FaultProxy, FaultScript, Goaway, Http2, Ledger};

const NO_ERROR: u32 = 0;

async fn client(proxy: &FaultProxy, attempts: &Attempts) -> Client {
    builder(proxy.endpoint())
        .with_batch_config(batch_soon())
        .with_attempt_layer(attempts.layer())
        .build()
        .await
        .unwrap()
}

/// Sends spans one batch at a time, over connections that say goodbye as told, and wants every attempt to succeed.
async fn nothing_fails(goaway: Goaway) {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let goodbye = Fault::http2(Http2::pass().goaway_at_stream(3, goaway));
    let script = FaultScript::always(goodbye);
    let proxy = FaultProxy::to(collector.grpc_endpoint()).script(script).start().await.unwrap();
    let attempts = Attempts::default();
    let client = client(&proxy, &attempts).await;
    let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
    for _ in 0..20 {
        offer(1, &tracer, &mut ledger);
        client.flush().await.unwrap();
    }
    let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
    assert_eq!((report.accepted(), report.delivered()), (20, 20), "{report}");
    ledger.check(claim(&report), &collector.received()).unwrap();
    assert_eq!(collector.received().items(), 20, "nothing twice");
    assert_eq!(attempts.count().failed, 0, "a goodbye costs no attempt");
    assert!(proxy.tally().opened >= 7, "{}", proxy.tally());
}

#[tokio::test]
async fn a_goodbye_after_the_last_stream_costs_nothing() {
    // conf: GRPC-22, SURV-15, GRPC-29
    nothing_fails(Goaway::new(NO_ERROR)).await;
}

#[tokio::test]
async fn streams_above_the_line_are_sent_again_for_free() {
    // conf: GRPC-22, SURV-15
    // The third stream of a connection has the id 5; the server has looked at those up to 3.
    nothing_fails(Goaway::new(NO_ERROR).last_stream(3)).await;
}
