//! Answers without end, compression bombs, huge headers: whatever a receiver sends, the process does not grow by more than a
//! few answers of the size that is read. What becomes of the requests is tested in `faults/row_19_response_bombs.rs`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{BatchConfig, Client, Protocol};
use otlp_testkit::{Collector, Fault, FaultProxy, FaultScript, Http2, Reply};
use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// The most memory this process has had resident, in bytes. What its servers need is in it, which is little.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// Sends a span that is answered by `bomb`.
fn receive(protocol: Protocol, bomb: Reply, fault: Fault) {
    let collector = Collector::builder().reply(bomb).start_blocking().unwrap();
    let target = match protocol {
        Protocol::Grpc => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    };
    let script = FaultScript::new().first(1, fault);
    let proxy = FaultProxy::to(target).script(script).start_blocking().unwrap();
    let client = Client::builder()
        .with_endpoint(proxy.endpoint())
        .with_protocol(protocol)
        .with_batch_config(BatchConfig { batch_timeout: Duration::from_millis(1), ..BatchConfig::default() })
        .build_blocking()
        .unwrap();
    client.tracer("t").start("s").end();
    let outcome = client.shutdown_blocking(Duration::from_secs(60));
    let report = outcome.unwrap_or_else(|error| error.report().unwrap().clone());
    assert!(report.is_balanced() && report.accepted() == 1 && report.pending() == 0, "{report}");
}

#[test]
fn no_answer_costs_more_memory_than_is_read_of_it() {
    // conf: SURV-22, HTTP-17, GRPC-13, GRPC-28, COMP-06
    let endless = || Reply::body(vec![0; 65_536], "application/x-protobuf").endless();
    let frame = [&[0, 255, 255, 255, 255][..], &[0; 65_536]].concat();
    let bombs = [
        ("endless", Protocol::Http, endless(), Fault::pass()),
        ("endless error", Protocol::Http, endless().with_http_status(400), Fault::pass()),
        ("gzip bomb", Protocol::Http, Reply::gzip_bomb(1024 * MIB), Fault::pass()),
        ("headers", Protocol::Http, Reply::large_headers(4 * MIB), Fault::pass()),
        ("endless", Protocol::Grpc, Reply::body(frame, "application/grpc").endless(), Fault::pass()),
        ("gzip bomb", Protocol::Grpc, Reply::grpc_gzip_bomb(1024 * MIB), Fault::pass()),
        ("headers", Protocol::Grpc, Reply::large_headers(4 * MIB), Fault::pass()),
        ("trailers", Protocol::Grpc, Reply::large_trailers(4 * MIB), Fault::pass()),
        (
            "headers without end",
            Protocol::Grpc,
            Reply::ok(),
            Fault::http2(Http2::pass().endless_headers_at(1)),
        ),
        // 48 MiB of headers in one frame.
        ("HPACK bomb", Protocol::Grpc, Reply::ok(), Fault::http2(Http2::pass().header_bomb_at(1))),
    ];
    // What clients and servers need without a bomb.
    receive(Protocol::Http, Reply::ok(), Fault::pass());
    receive(Protocol::Grpc, Reply::ok(), Fault::http2(Http2::pass()));
    let before = peak();
    for (name, protocol, bomb, fault) in bombs {
        receive(protocol, bomb, fault);
        let grown = peak().saturating_sub(before) / MIB;
        // An answer of 4 MiB before and after decompression, in buffers that double, beside what the servers hold.
        assert!(grown <= 32, "after {name} over {protocol:?}: grown by {grown} MiB");
    }
}
