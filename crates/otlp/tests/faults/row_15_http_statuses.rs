//! Row 15: every HTTP status from 200 on, through the whole client: 2xx is success, 429, 502, 503 and 504 are tried again,
//! everything else is for good. (Statuses below 200 are no answers; `otlp-transport` tests what `classify` makes of them.)

use crate::support::{PATIENCE, batch_soon, books, builder, retry_soon};
use otlp::{DropReason, Protocol};
use otlp_testkit::{Collector, Reply, Script};

#[tokio::test]
async fn every_status_is_retried_or_not_as_the_table_says() {
    // conf: HTTP-11, HTTP-12, HTTP-13, RETRY-04, SURV-03, SURV-05, SURV-20, DEC-16
    let collector = Collector::builder().http().start().await.unwrap();
    let client = builder(collector.http_endpoint())
        .with_protocol(Protocol::Http)
        .with_batch_config(batch_soon())
        .with_retry_config(retry_soon())
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    let (mut delivered, mut refused, mut too_large) = (0, 0, 0);
    for status in 200..600 {
        let reply = Reply::body("", "text/plain").with_http_status(status);
        collector.set_script(Script::new().first(1, reply).then(Reply::ok()));
        let before = collector.tally().calls();
        tracer.start("s").end();
        let report = books(client.flush_within(PATIENCE).await);
        let calls = collector.tally().calls() - before;
        let expected = match status {
            200..300 => {
                delivered += 1;
                1
            }
            429 | 502..=504 => {
                delivered += 1;
                2
            }
            413 => {
                too_large += 1;
                1
            }
            _ => {
                refused += 1;
                1
            }
        };
        assert_eq!(calls, expected, "{status}");
        let dropped = report.dropped();
        let told =
            (report.delivered(), dropped.get(DropReason::NotRetryable), dropped.get(DropReason::TooLarge));
        assert_eq!(told, (delivered, refused, too_large), "{status}");
    }
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.delivered(), report.pending()), (400, 104, 0));
}
