//! Row 22: the server takes the data and its answer is lost: late, cut off, or never sent. Delivery is at least once: what may
//! have been lost is sent again, the very same bytes, and so arrives twice. Nothing is lost, and the client counts no item
//! twice; how often it arrived is the ledger's to say.

use crate::support::{PATIENCE, books, builder, claim, endpoint, offer, retry_soon};
use otlp::{BatchConfig, BoxExportService, Client, Compression, DropReason, ExportRequest, Protocol};
use otlp_testkit::{Collector, Cut, Fault, FaultProxy, FaultScript, Flow, Ledger, Reply, Script};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;
use tower::layer::layer_fn;

const SPANS: u64 = 50;
/// How many answers are lost.
const LOST: u64 = 3;
/// Short, for attempts that nothing else ends.
const SOON: Duration = Duration::from_millis(200);

/// The bodies of all attempts, as they were about to be sent.
type Bodies = Arc<Mutex<Vec<Vec<u8>>>>;

async fn client(endpoint: String, protocol: Protocol, timeout: Duration, bodies: &Bodies) -> Client {
    let bodies = Arc::clone(bodies);
    let keep = layer_fn(move |inner: BoxExportService| {
        let bodies = Arc::clone(&bodies);
        BoxExportService::new(inner.map_request(move |request: ExportRequest| {
            bodies.lock().unwrap().push(request.body().to_bytes().to_vec());
            request
        }))
    });
    builder(endpoint)
        .with_protocol(protocol)
        // One batch, made by the shutdown.
        .with_batch_config(BatchConfig { batch_timeout: PATIENCE, ..BatchConfig::default() })
        .with_compression(Compression::Gzip)
        .with_retry_config(retry_soon())
        .with_request_timeout(timeout)
        .with_attempt_layer(keep)
        .build()
        .await
        .unwrap()
}

fn offered(client: &Client) -> Ledger {
    let mut ledger = Ledger::new();
    offer(SPANS, &client.tracer("t"), &mut ledger);
    ledger
}

/// Sends one batch whose first answers are lost. Returns how many duplicates there were.
async fn resend(protocol: Protocol, script: Script, fault: Fault, timeout: Duration) -> u64 {
    let collector = Collector::builder().reply(script).start().await.unwrap();
    let proxy = FaultProxy::to(endpoint(&collector, protocol));
    let proxy = proxy.script(FaultScript::new().first(LOST, fault)).start().await.unwrap();
    let bodies = Bodies::default();
    let client = client(proxy.endpoint(), protocol, timeout, &bodies).await;
    let ledger = offered(&client);
    let report = books(Ok(client.shutdown(PATIENCE).await.unwrap()));
    assert_eq!((report.accepted(), report.delivered()), (SPANS, SPANS), "{report}");

    let balance = ledger.check(claim(&report), &collector.received()).unwrap();
    assert_eq!((balance.received, balance.received_though_unconfirmed), (SPANS, 0));
    let bodies = bodies.lock().unwrap();
    // Not one for each: a refusal is made good within its attempt.
    assert!(bodies.len() > 1 && bodies.iter().all(|body| *body == bodies[0]), "the same bytes");
    balance.duplicates
}

#[tokio::test]
async fn an_answer_that_does_not_come_costs_duplicates_and_nothing_else() {
    // conf: SURV-21, TIME-02, RETRY-12
    for protocol in [Protocol::Grpc, Protocol::Http] {
        for lost in [Reply::accept_then_hang(), Reply::ok().delay(PATIENCE)] {
            let script = Script::new().first(LOST, lost);
            let duplicates = resend(protocol, script, Fault::pass(), SOON).await;
            // On a busy machine more than the scripted attempts may take too long.
            assert!(duplicates >= LOST * SPANS && duplicates % SPANS == 0, "{duplicates}");
        }
    }
}

#[tokio::test]
async fn an_answer_lost_with_its_connection_is_exactly_one_duplicate() {
    // conf: HTTP-15, GRPC-29, RETRY-12
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let script = Script::new().first(LOST, Reply::accept_then_close());
        assert_eq!(resend(protocol, script, Fault::pass(), PATIENCE).await, LOST * SPANS, "{protocol:?}");
    }
    // A stream that is cancelled; and one that is said to be refused unseen, although it was not.
    for code in [8, 7] {
        let script = Script::new().first(LOST, Reply::reset(code).accepting(true));
        assert_eq!(resend(Protocol::Grpc, script, Fault::pass(), PATIENCE).await, LOST * SPANS, "{code}");
    }
}

#[tokio::test]
async fn an_answer_cut_off_before_its_status_is_no_answer() {
    // conf: HTTP-15, SURV-17
    for (bytes, how) in [(1, Cut::Fin), (12, Cut::Reset), (30, Cut::Fin)] {
        let fault = Fault::to_client(Flow::pass().cut_after(bytes, how));
        let duplicates = resend(Protocol::Http, Script::new(), fault, PATIENCE).await;
        assert_eq!(duplicates, LOST * SPANS, "after {bytes} bytes");
    }
}

#[tokio::test]
async fn what_nobody_confirmed_is_not_claimed_as_delivered() {
    // conf: BATCH-13, RETRY-13
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let collector = Collector::builder().reply(Reply::accept_then_hang()).start().await.unwrap();
        let client = client(endpoint(&collector, protocol), protocol, PATIENCE, &Bodies::default()).await;
        let ledger = offered(&client);
        let flush = client.flush_within(SOON);
        let arrival = collector.wait_for(SPANS, PATIENCE);
        let (flushed, arrived) = tokio::join!(flush, arrival);
        assert!(flushed.unwrap_err().is_timeout() && arrived.is_ok());

        let report = books(client.shutdown(SOON).await);
        assert_eq!((report.delivered(), report.dropped().get(DropReason::Deadline)), (0, SPANS), "{report}");
        let balance = ledger.check(claim(&report), &collector.received()).unwrap();
        assert_eq!((balance.received_though_unconfirmed, balance.duplicates), (SPANS, 0));
    }
}
