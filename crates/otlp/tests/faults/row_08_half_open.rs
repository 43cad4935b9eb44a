//! Row 8: the receiver's host vanishes without a word. One attempt finds that out, the next takes another connection, and
//! nothing is lost.

use crate::attempts::Attempts;
use crate::support::{PATIENCE, batch_soon, books, claim, endpoint, insistent, offer};
use otlp::Protocol;
use otlp_testkit::{Collector, FaultProxy, Ledger};
use std::time::Duration;

#[tokio::test]
async fn a_vanished_peer_costs_one_attempt() {
    // conf: SURV-21, TIME-03
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::builder().start().await.unwrap();
        let proxy = FaultProxy::to(endpoint(&collector, protocol)).start().await.unwrap();
        let attempts = Attempts::default();
        let client = insistent(proxy.endpoint())
            .with_protocol(protocol)
            .with_batch_config(batch_soon())
            .with_request_timeout(Duration::from_secs(1))
            .with_attempt_layer(attempts.layer())
            .build()
            .await
            .unwrap();
        let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
        let mut span = || offer(1, &tracer, &mut ledger);
        span();
        client.flush().await.unwrap();
        // The connection stands, and nobody is at its other end.
        proxy.vanish();
        span();
        client.flush().await.unwrap();
        assert_eq!(attempts.count().failed, 1);
        let stats = client.get_connection_pool_stats().await.unwrap();
        assert_eq!((stats.connections_opened, stats.active_connections), (2, 0), "{stats:?}");
        let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
        assert_eq!((report.accepted(), report.delivered()), (2, 2), "{report}");
        ledger.check(claim(&report), &collector.received()).unwrap();
    }
}
