//! Row 1: the collector is down when the application starts. `build()` never touches the network, and the first data is
//! kept until there is a receiver.

use crate::attempts::Attempts;
use crate::support::{all_delivered, batch_soon, endpoint, insistent};
use otlp::{Protocol, Signal};
use otlp_testkit::Collector;

#[tokio::test]
async fn the_first_data_waits_for_the_collector() {
    // conf: SURV-23, SURV-15, RETRY-12
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::builder().start().await.unwrap();
        // Its port stays reserved, so that nobody else answers, but whoever connects is refused.
        collector.kill().await.unwrap();
        let attempts = Attempts::default();
        let client = insistent(endpoint(&collector, protocol))
            .with_protocol(protocol)
            .with_batch_config(batch_soon())
            .with_attempt_layer(attempts.layer())
            .build()
            .await
            .expect("a receiver that is down is no reason to fail");
        assert_eq!(attempts.count(), Default::default(), "building connects nothing");

        let tracer = client.tracer("t");
        (0..1_000).for_each(|_| tracer.start("early").end());
        attempts.fail(5).await;
        let stats = client.stats(Signal::Traces);
        assert!(stats.is_balanced(), "{stats:?}");
        assert_eq!((stats.pending(), stats.dropped.total()), (1_000, 0), "all is kept: {stats:?}");
        assert_eq!(collector.tally().calls(), 0, "nothing could have been received");

        collector.restart().await.unwrap();
        all_delivered(&client, &collector, 1_000).await;
    }
}
