//! Row 4: the receiver is killed and restarted under load. Nothing is lost, duplicates are counted, and the client goes on
//! with new connections.

use crate::support::{PATIENCE, batch_soon, books, claim, endpoint, insistent, offer};
use otlp::Protocol;
use otlp_testkit::{Collector, Ledger};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_nothing() {
    // conf: HTTP-15, HTTP-26, SURV-15, SURV-16, GRPC-29
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::builder().start().await.unwrap();
        let client = insistent(endpoint(&collector, protocol))
            .with_protocol(protocol)
            .with_batch_config(batch_soon())
            .build()
            .await
            .unwrap();
        let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
        for _ in 0..3 {
            offer(2_000, &tracer, &mut ledger);
            // Some of it has arrived, and more is on its way.
            collector
                .wait_until("the first spans of this life", PATIENCE, |tally| tally.items() > 0)
                .await
                .unwrap();
            collector.kill().await.unwrap();
            collector.restart().await.unwrap();
        }
        let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
        assert_eq!((report.accepted(), report.delivered()), (6_000, 6_000), "{report}");
        ledger.check(claim(&report), &collector.received()).unwrap();
        let stats = client.get_connection_pool_stats().await.unwrap();
        assert_eq!(stats.connections_opened, stats.connections_closed, "{stats:?}");
    }
}
