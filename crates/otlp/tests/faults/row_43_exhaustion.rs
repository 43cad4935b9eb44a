//! Row 43: the process has no descriptors or no memory for threads left. `build()` says so, the application lives, and once
//! there is room again all works.

use crate::child::{self, Running};
use crate::support::{PATIENCE, batch_soon, books, builder, retry_soon};
use otlp::{ErrorKind, MemoryPoolConfig, Signal};
use otlp_testkit::Collector;
use std::fs::File;
use std::process::Command;

/// Runs a program within a limit that the shell sets.
fn limited(limit: &str, program: &str, endpoint: &str) -> Vec<String> {
    let inner = child::command(program, "", endpoint);
    let mut outer = Command::new("sh");
    outer.arg("-c").arg(format!("ulimit {limit} && exec \"$0\" \"$@\"")).arg(inner.get_program());
    outer.args(inner.get_args());
    for (name, value) in inner.get_envs() {
        outer.env(name, value.unwrap());
    }
    Running::start(outer).end().well()
}

/// Takes every descriptor there is.
fn all_descriptors() -> Vec<File> {
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    files
}

pub(crate) fn descriptors() {
    let files = all_descriptors();
    let error =
        builder(child::endpoint()).build_blocking().expect_err("there is no descriptor for the runtime");
    assert_eq!(error.kind(), ErrorKind::Startup, "{error}");
    child::say(&error);
    drop(files);

    let client = builder(child::endpoint())
        .with_batch_config(batch_soon())
        .with_retry_config(retry_soon())
        .build_blocking()
        .unwrap();
    // None is left for the connection: the data is kept.
    let files = all_descriptors();
    client.tracer("t").start("s").end();
    let error = client.flush_within_blocking(std::time::Duration::from_millis(100)).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let report = books(Err(error));
    assert_eq!((report.pending(), report.dropped().total()), (1, 0), "{report}");
    child::say(report.last_error.unwrap());
    drop(files);
    child::say(books(client.shutdown_blocking(PATIENCE)));
}

#[test]
fn without_descriptors_build_fails_and_connections_wait() {
    // conf: SURV-23
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let said = limited("-n 40", "row_43_descriptors", &collector.grpc_endpoint());
    assert!(said[0].contains("Too many open files") && said[0].ends_with("#startup)"), "{}", said[0]);
    assert!(said[1].contains("failed to connect"), "{}", said[1]);
    assert!(said[2].starts_with("1 accepted = 1 delivered"), "{}", said[2]);
    assert_eq!(collector.received().items(), 1);
}

/// Leaves less address space than a thread's stack takes, and enough for small things.
pub(crate) fn threads() {
    const MIB: usize = 1024 * 1024;
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    for size in [64 * MIB, MIB] {
        loop {
            let mut block = Vec::new();
            if block.try_reserve_exact(size).is_err() {
                break;
            }
            hoard.push(block);
        }
    }
    hoard.pop();
    let memory = MemoryPoolConfig { initial_size: 0, ..MemoryPoolConfig::default() };
    let result = builder(child::endpoint()).with_memory_pool_config(memory).build_blocking();
    drop(hoard);
    let error = result.expect_err("there is no memory for the thread");
    assert_eq!(error.kind(), ErrorKind::Startup, "{error}");
    child::say(&error);

    let client = builder(child::endpoint()).build_blocking().unwrap();
    client.tracer("t").start("s").end();
    assert_eq!(client.stats(Signal::Traces).accepted, 1);
    child::say(books(client.shutdown_blocking(PATIENCE)));
}

#[test]
fn without_memory_for_a_thread_build_fails_and_the_application_lives() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let said = limited("-v 1048576", "row_43_threads", &collector.grpc_endpoint());
    assert!(said[0].starts_with("the client's thread could not be started"), "{}", said[0]);
    assert!(said[1].starts_with("1 accepted = 1 delivered"), "{}", said[1]);
}
