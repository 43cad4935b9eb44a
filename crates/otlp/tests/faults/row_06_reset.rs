//! Row 6: the receiver resets streams. A refused one is sent again for free; of the others, each code has its meaning, and
//! the connection stays.

use crate::attempts::Attempts;
use crate::support::{PATIENCE, batch_soon, books, claim, insistent, offer};
use otlp::DropReason;
use otlp_testkit::{Collector, Fault, FaultProxy, FaultScript, Http2, Ledger};

#[tokio::test]
async fn every_code_of_a_reset_stream_has_its_outcome() {
    // conf: GRPC-08, GRPC-22
    const REFUSED_STREAM: u32 = 7;
    const CANCEL: u32 = 8;
    for code in 0..=13 {
        let collector = Collector::builder().grpc().start().await.unwrap();
        let script = FaultScript::always(Fault::http2(Http2::pass().reset_stream(1, code)));
        let proxy = FaultProxy::to(collector.grpc_endpoint()).script(script).start().await.unwrap();
        let attempts = Attempts::default();
        let client = insistent(proxy.endpoint())
            .with_batch_config(batch_soon())
            .with_attempt_layer(attempts.layer())
            .build()
            .await
            .unwrap();
        let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
        for _ in 0..3 {
            offer(1, &tracer, &mut ledger);
            // What was lost is told by the report at the end, too.
            let _ = client.flush().await;
        }
        let report = books(client.shutdown(PATIENCE).await);
        ledger.check(claim(&report), &collector.received()).unwrap();
        let lost = report.dropped().get(DropReason::NotRetryable);
        let (losses, failures) = match code {
            REFUSED_STREAM => (0, 0),
            CANCEL => (0, 1),
            _ => (1, 1),
        };
        assert_eq!((lost, attempts.count().failed), (losses, failures), "code {code}: {report}");
        assert_eq!(proxy.tally().opened, 1, "code {code}: the connection stays");
    }
}
