//! Row 11: the collector's certificate is expired, for another host, or from an unknown authority. The error names the
//! cause and the cure; the data is kept, attempts go at the pace of retries, and once the certificate is mended all arrives.

use crate::attempts::Attempts;
use crate::support::{PATIENCE, batch_soon, books, builder, claim, endpoint, offer, retry_soon};
use otlp::{Protocol, Signal};
use otlp_testkit::{Collector, Ledger, ServerTls, TestCa};

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

#[tokio::test]
async fn data_waits_for_a_certificate_that_can_be_trusted() {
    // conf: TLS-01, TLS-08, RETRY-18, HTTP-16, SURV-15
    let ca = TestCa::new("authority").unwrap();
    let stranger = TestCa::new("stranger").unwrap();
    let bad = [
        (ca.expired_server(&NAMES), "expired on Wed, 01 Jan 2020 00:00:00 GMT; renew it"),
        (ca.server(&["elsewhere"]), "is for elsewhere, not for 127.0.0.1; use a name it has"),
        (stranger.server(&NAMES), "is from an authority that is not trusted here; name the certificate"),
    ];
    for (identity, cause) in bad {
        let identity = identity.unwrap();
        for protocol in [Protocol::Grpc, Protocol::Http] {
            let tls = ServerTls::new(&identity).unwrap();
            let collector = Collector::builder().tls(tls).start().await.unwrap();
            let attempts = Attempts::default();
            let client = builder(endpoint(&collector, protocol))
                .with_protocol(protocol)
                .with_tls_ca_pem(ca.cert_pem())
                .with_batch_config(batch_soon())
                .with_retry_config(retry_soon())
                .with_attempt_layer(attempts.layer())
                .build()
                .await
                .expect("nobody has been connected to yet");
            let error = client.health_check().await.unwrap_err();
            let text = error.to_string();
            assert!(error.is_connect(), "{error:?}");
            assert!(text.starts_with("failed to connect to https://127.0.0.1:"), "{text}");
            assert!(text.contains("certificate verification failed: the server's certificate "), "{text}");
            assert!(text.contains(cause), "{text}");
            assert!(text.ends_with("(see docs/troubleshooting.md#tls)"), "{text}");

            let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
            offer(100, &tracer, &mut ledger);
            attempts.fail(5).await;
            let stats = client.stats(Signal::Traces);
            assert!(stats.is_balanced(), "{stats:?}");
            assert_eq!((stats.pending(), stats.dropped.total()), (100, 0), "all is kept: {stats:?}");
            // A handshake for each attempt at most, of which one may be under way: nothing tries behind retry's back.
            assert!(collector.connections() <= attempts.count().failed + 1);
            assert_eq!(collector.tally().calls(), 0, "nothing was sent to whom is not trusted");

            collector.set_tls(Some(ServerTls::new(&ca.server(&NAMES).unwrap()).unwrap()));
            let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
            assert_eq!(report.delivered(), 100, "{report}");
            let balance = ledger.check(claim(&report), &collector.received()).unwrap();
            assert_eq!((balance.received, balance.duplicates), (100, 0));
        }
    }
}
