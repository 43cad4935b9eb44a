//! A client with the feature `tokio-console`, in an application that hears of nothing below `INFO`: `RUSTFLAGS="--cfg tokio_unstable"
//! cargo test -p otlp --features tokio-console --test console_level`. A program of its own, since the level is the process'.

#![cfg(all(tokio_unstable, feature = "tokio-console"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::Client;
use otlp_testkit::Collector;
use std::time::Duration;
use tracing::level_filters::LevelFilter;

#[test]
fn what_the_application_does_not_hear_stays_off_everywhere() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let quiet = tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).finish();
    tracing::subscriber::set_global_default(quiet).unwrap();
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    let client = Client::builder().with_endpoint(collector.grpc_endpoint()).build_blocking().unwrap();
    client.tracer("t").start("s").end();
    client.flush_within_blocking(Duration::from_secs(60)).unwrap();
    assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    client.shutdown_blocking(Duration::from_secs(60)).unwrap();
}
