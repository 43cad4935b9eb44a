//! Row 7: answers that come at one byte per second, or never. An attempt has a deadline for all of it, and progress does not
//! extend it; then its slot is free for the next, its connection is given up, and no flush or shutdown waits longer than
//! it was told to.

use crate::attempts::Attempts;
use crate::support::{PATIENCE, batch_soon, books, builder, claim, endpoint, offer, retry_soon};
use otlp::{Client, DropReason, Protocol, Signal};
use otlp_testkit::{Collector, Fault, FaultProxy, FaultScript, Flow, Ledger, Reply};
use std::time::Duration;

/// Short, for attempts that nothing else ends.
const SOON: Duration = Duration::from_millis(200);

/// A client that has one request in flight at a time.
async fn client(proxy: &FaultProxy, protocol: Protocol, attempts: &Attempts) -> Client {
    builder(proxy.endpoint())
        .with_protocol(protocol)
        .with_batch_config(batch_soon())
        .with_retry_config(retry_soon())
        .with_request_timeout(SOON)
        .with_max_in_flight(1)
        .with_attempt_layer(attempts.layer())
        .build()
        .await
        .unwrap()
}

fn faults() -> [(&'static str, Fault); 5] {
    let drip = || Flow::pass().drip(1, Duration::from_secs(1));
    [
        ("answers byte by byte", Fault::to_client(drip())),
        ("takes requests byte by byte", Fault::to_server(drip())),
        ("stops taking the request", Fault::to_server(Flow::pass().stall_after(100))),
        ("takes all and never answers", Fault::black_hole()),
        ("accepts and vanishes", Fault::half_open()),
    ]
}

#[tokio::test]
async fn an_attempt_ends_at_its_deadline_and_its_slot_is_free() {
    // conf: TIME-02, TIME-03, SURV-21, SURV-22
    for protocol in [Protocol::Grpc, Protocol::Http] {
        for (name, fault) in faults() {
            let collector = Collector::builder().start().await.unwrap();
            let proxy = FaultProxy::to(endpoint(&collector, protocol));
            let proxy = proxy.script(FaultScript::new().first(3, fault)).start().await.unwrap();
            let attempts = Attempts::default();
            let client = client(&proxy, protocol, &attempts).await;
            let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
            // The first is under way when the others come; with one slot, they wait for what becomes of it.
            offer(1, &tracer, &mut ledger);
            attempts.fail(1).await;
            offer(10, &tracer, &mut ledger);
            let report = books(Ok(client.shutdown(PATIENCE).await.expect(name)));
            assert_eq!((report.accepted(), report.delivered()), (11, 11), "{name}: {report}");
            ledger.check(claim(&report), &collector.received()).expect(name);

            let tally = proxy.tally();
            assert!(tally.opened >= 4, "{name}: each attempt that hung took another connection: {tally}");
        }
    }
}

#[tokio::test]
async fn connections_given_up_are_closed() {
    // conf: SURV-21
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::builder().start().await.unwrap();
        let script = FaultScript::new().first(10, Fault::black_hole());
        let proxy = FaultProxy::to(endpoint(&collector, protocol)).script(script).start().await.unwrap();
        let attempts = Attempts::default();
        let client = client(&proxy, protocol, &attempts).await;
        client.tracer("t").start("s").end();
        proxy
            .wait_until("10 connections given up", PATIENCE, |tally| tally.closed >= 10)
            .await
            .expect("connections that never answer do not pile up");
        assert_eq!(books(client.shutdown(PATIENCE).await).delivered(), 1);
    }
}

#[tokio::test]
async fn progress_does_not_extend_the_deadline() {
    // conf: TIME-03, SURV-22
    // Headers at once; the body would take 10,000 times longer than an attempt may, with a byte for each of its parts.
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let slow = Reply::body(vec![0; 1_000_000], "application/grpc").dripping(1, SOON / 100);
        let collector = Collector::builder().reply(slow.with_http_status(503)).start().await.unwrap();
        let proxy = FaultProxy::to(endpoint(&collector, protocol)).start().await.unwrap();
        let attempts = Attempts::default();
        let client = client(&proxy, protocol, &attempts).await;
        client.tracer("t").start("s").end();
        attempts.fail(3).await;
        let stats = client.stats(Signal::Traces);
        assert!(stats.is_balanced() && stats.pending() == 1, "{stats:?}");
        collector.set_script(Reply::ok());
        assert_eq!(books(client.shutdown(PATIENCE).await).delivered(), 1);
    }
}

#[tokio::test]
async fn shutdown_waits_for_no_slow_answer_longer_than_it_was_told() {
    // conf: BATCH-11, BATCH-13, RETRY-13
    for protocol in [Protocol::Grpc, Protocol::Http] {
        for (name, fault) in faults() {
            let collector = Collector::builder().start().await.unwrap();
            let proxy = FaultProxy::to(endpoint(&collector, protocol)).script(fault).start().await.unwrap();
            let client = builder(proxy.endpoint()).with_protocol(protocol).with_request_timeout(PATIENCE);
            let client = client.build().await.unwrap();
            client.tracer("t").start("s").end();
            let flushed = client.flush_within(SOON).await.unwrap_err();
            assert!(flushed.is_timeout() && flushed.report().unwrap().pending() == 1, "{name}: {flushed}");
            let ended = tokio::time::timeout(PATIENCE / 2, client.shutdown(SOON)).await.expect(name);
            let report = books(ended);
            assert_eq!(
                (report.pending(), report.dropped().get(DropReason::Deadline)),
                (0, 1),
                "{name}: {report}"
            );
        }
    }
}
