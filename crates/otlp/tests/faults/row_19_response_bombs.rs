//! Row 19: answers without end, compression bombs, huge headers and trailers. An answer costs 4 MiB at most, the request is not
//! repeated, what is left of the answer is not read (its stream is reset, or its connection closed), and the client goes on.
//! That memory stays bounded is measured in `tests/bombs.rs`.

use crate::attempts::Attempts;
use crate::support::{PATIENCE, batch_soon, books, builder, claim, endpoint, offer, retry_soon};
use otlp::{DropReason, Protocol};
use otlp_testkit::{Collector, Fault, FaultProxy, FaultScript, Http2, Ledger, Reply};

const MIB: usize = 1 << 20;

/// One span is answered by `bomb`, the next as usual: the first is lost and said to be, after one attempt.
async fn survive(name: &str, protocol: Protocol, bomb: Reply, fault: Fault) {
    let collector = Collector::builder().reply(bomb).start().await.unwrap();
    let proxy = FaultProxy::to(endpoint(&collector, protocol))
        .script(FaultScript::new().first(1, fault))
        .start()
        .await
        .unwrap();
    let attempts = Attempts::default();
    let client = builder(proxy.endpoint())
        .with_protocol(protocol)
        .with_batch_config(batch_soon())
        .with_retry_config(retry_soon())
        .with_attempt_layer(attempts.layer())
        .build()
        .await
        .unwrap();
    let (tracer, mut ledger) = (client.tracer("t"), Ledger::new());
    let mut span = || offer(1, &tracer, &mut ledger);
    span();
    let error = client.flush().await.expect_err(name);
    assert!(error.is_lost(), "{name}: {error}");
    let report = error.report().unwrap();
    assert_eq!(report.lost().get(DropReason::NotRetryable), 1, "{name}: {report}: {error}");
    assert_eq!(attempts.count().failed, 1, "{name}: it is not repeated: {error}");
    if !name.starts_with("gzip") {
        let given_up = proxy.wait_until("an end", PATIENCE, |tally| tally.closed + tally.resets > 0).await;
        given_up.expect(name);
    }
    // What the client had read, and what the kernel took before it heard of the end.
    assert!(proxy.tally().to_client < 32 * MIB as u64, "{name}: {}", proxy.tally());

    collector.set_script(Reply::ok());
    span();
    let report = books(client.shutdown(PATIENCE).await);
    assert_eq!((report.accepted(), report.delivered()), (2, 1), "{name}: {report}");
    ledger.check(claim(&report), &collector.received()).unwrap();
}

#[tokio::test]
async fn over_http() {
    // conf: HTTP-17, COMP-06, SURV-22, SURV-17
    let endless = || Reply::body(vec![b'x'; 65_536], "application/x-protobuf").endless();
    let says_its_length = Reply::body(vec![b'x'; 5 * MIB], "application/x-protobuf");
    let bombs = [
        ("endless", endless()),
        ("endless, an error", endless().with_http_status(400)),
        ("too long by its length", says_its_length),
        ("gzip bomb", Reply::gzip_bomb(1024 * MIB)),
        ("gzip bomb, an error", Reply::gzip_bomb(1024 * MIB).with_http_status(400)),
        ("headers", Reply::large_headers(MIB)),
    ];
    for (name, bomb) in bombs {
        survive(name, Protocol::Http, bomb, Fault::pass()).await;
    }
}

#[tokio::test]
async fn over_grpc() {
    // conf: GRPC-13, GRPC-28, COMP-06, SURV-22
    // A frame's head that promises 4 GiB, and zeros in the length of what follows.
    let endless = || Reply::body([&[0, 255, 255, 255, 255][..], &[0; 65_536]].concat(), "application/grpc");
    let bombs = [
        ("endless", endless().endless()),
        ("endless, no gRPC", endless().endless().with_http_status(400)),
        ("gzip bomb", Reply::grpc_gzip_bomb(1024 * MIB)),
        ("headers", Reply::large_headers(MIB)),
        ("trailers", Reply::large_trailers(MIB)),
    ];
    for (name, bomb) in bombs {
        survive(name, Protocol::Grpc, bomb.accepting(false), Fault::http2(Http2::pass())).await;
    }
}

#[tokio::test]
async fn of_http2_frames() {
    // conf: GRPC-28, SURV-22
    let frames = [
        ("HPACK bomb", Http2::pass().header_bomb_at(1)),
        ("headers without end", Http2::pass().endless_headers_at(1)),
    ];
    for (name, frames) in frames {
        let script = Reply::ok().accepting(false);
        survive(name, Protocol::Grpc, script, Fault::http2(frames)).await;
    }
}
