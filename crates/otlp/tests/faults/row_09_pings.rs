//! Row 9: the receiver closes connections because of pings. The client asks half as often on its next ones, and nothing is
//! lost.

use crate::support::{PATIENCE, batch_soon, books, claim, insistent, offer};
use otlp::ConnectionPoolConfig;
use otlp_testkit::{Collector, Fault, FaultProxy, FaultScript, Goaway, Http2, Ledger};
use std::time::Duration;

const ENHANCE_YOUR_CALM: u32 = 11;

#[tokio::test]
async fn a_server_that_complains_is_pinged_less() {
    // conf: GRPC-25
    let collector = Collector::builder().grpc().start().await.unwrap();
    let complaint = Goaway::new(ENHANCE_YOUR_CALM).with_debug("too_many_pings").last_stream(0);
    let script = FaultScript::new()
        .first(2, Fault::http2(Http2::pass().goaway_at_stream(1, complaint)))
        .then(Fault::pass());
    let proxy = FaultProxy::to(collector.grpc_endpoint()).script(script).start().await.unwrap();
    let client = insistent(proxy.endpoint())
        .with_batch_config(batch_soon())
        .with_connection_pool_config(ConnectionPoolConfig {
            keep_alive: true,
            ..ConnectionPoolConfig::default()
        })
        .with_keep_alive_interval(Duration::from_secs(60))
        .build()
        .await
        .unwrap();
    let interval = async || client.get_connection_pool_stats().await.unwrap().keep_alive_interval;
    assert_eq!(interval().await, Some(Duration::from_secs(60)));
    let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
    offer(1, &tracer, &mut ledger);
    client.flush().await.unwrap();
    assert_eq!(interval().await, Some(Duration::from_secs(240)));
    let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
    assert_eq!((report.accepted(), report.delivered()), (1, 1), "{report}");
    ledger.check(claim(&report), &collector.received()).unwrap();
}
