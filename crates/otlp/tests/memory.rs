//! With the receiver absent, the process grows by no more than the pool's bound and a little, whatever the load.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{Client, MemoryPoolConfig, Signal};
use std::time::Duration;

const MIB: u64 = 1024 * 1024;

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[test]
fn an_absent_receiver_costs_the_pool_and_no_more() {
    // conf: SURV-23
    // A port that was free a moment ago: connections are refused.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let before = resident();
    let max_size = 16 * MIB;
    let client = Client::builder()
        .with_endpoint(endpoint)
        .with_memory_pool_config(MemoryPoolConfig {
            max_size: max_size as usize,
            ..MemoryPoolConfig::default()
        })
        .with_drop_timeout(Duration::ZERO)
        .build_blocking()
        .unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let tracer = client.tracer("flood");
            std::thread::spawn(move || {
                for number in 0..100_000 {
                    let mut span = tracer.start("GET /api/users/{id}");
                    span.set_attribute("user.id", number).set_attribute("http.route", "/api/users/{id}");
                    span.set_attribute("padding", "0123456789".repeat(20)).end();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let grown = resident().saturating_sub(before);
    let stats = client.stats(Signal::Traces);
    assert!(stats.is_balanced() && stats.accepted == 400_000 && stats.dropped.total() > 100_000, "{stats:?}");
    assert!(grown <= max_size + 8 * MIB, "grown by {} MiB", grown / MIB);
}
