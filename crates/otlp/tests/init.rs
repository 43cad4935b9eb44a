//! The client of the process: installed, used from anywhere, and gone with its guard. A binary of its own, with one test, for it
//! is global.

#![cfg(feature = "grpc")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::{ClientBuilder, ErrorKind, Severity, SpanContext, SpanId, TraceContext, TraceFlags, TraceId};
use otlp_testkit::Collector;
use std::collections::HashMap;

fn spans_and_logs() {
    otlp::tracer("t").start("s").end();
    otlp::logger("t").record(Severity::Info).body("b").emit();
}

fn propagates() -> bool {
    let context =
        SpanContext::new(TraceId::from_bytes([7; 16]), SpanId::from_bytes([5; 8]), TraceFlags::SAMPLED);
    let mut carrier = HashMap::new();
    otlp::propagator().inject(&TraceContext::from(context), &mut carrier);
    carrier.contains_key("traceparent")
}

/// The parent's client is of no use there, so that it does not count as one.
#[cfg(unix)]
fn a_fork_has_a_client_of_its_own(init: impl FnOnce() -> Result<otlp::InitGuard, otlp::Error>) {
    match fork::fork().unwrap() {
        fork::Fork::Child => {
            let made = init();
            std::process::exit(i32::from(made.is_err()));
        }
        fork::Fork::Parent(pid) => assert_eq!(fork::waitpid(pid).unwrap(), 0, "refused in the child"),
    }
}

#[test]
fn a_client_is_the_process_as_long_as_its_guard_lives() {
    // conf: ENV-12, DEC-13, RES-01
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    // Nothing happens, and nothing is lost, without a client.
    spans_and_logs();
    assert!(!propagates());

    let builder = |disabled: &'static str| {
        let lookup = move |name: &str| (name == "OTEL_SDK_DISABLED").then(|| disabled.to_owned());
        ClientBuilder::from_env().with_env_from(lookup).with_protocol(otlp::Protocol::Grpc)
    };
    // A layer is foreign code: it may ask for what is being made, and finds nothing yet.
    let curious = tower::layer::layer_fn(|inner| {
        assert!(!otlp::tracer("layer").is_enabled());
        inner
    });
    let first = builder("false").with_endpoint(collector.grpc_endpoint()).with_attempt_layer(curious);
    let guard = otlp::init_with(first).unwrap();
    let tracer = otlp::tracer("kept");
    spans_and_logs();
    assert!(propagates());
    #[cfg(unix)]
    a_fork_has_a_client_of_its_own(|| otlp::init_with(builder("true")));
    let error = otlp::init_with(builder("false")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("has a client already"), "{error}");
    spans_and_logs();
    #[cfg(feature = "log")]
    let guard = {
        let guard = guard.with_log_bridge().unwrap();
        log::info!("by a macro");
        log::debug!("of no interest");
        guard
    };
    #[cfg(not(feature = "log"))]
    otlp::logger("t").record(Severity::Info).body("by a macro").emit();
    let books = guard.client().clone();
    drop(guard);
    assert_eq!(collector.received().items(), 5, "what waited is sent before the guard is gone");
    // What was the client's still counts as its; what is new is nobody's.
    tracer.start("late").end();
    spans_and_logs();
    assert!(!propagates());
    assert_eq!(books.stats(otlp::Signal::Traces).accepted, 3);
    assert_eq!(books.stats(otlp::Signal::Logs).accepted, 3);

    // Another one may follow, here one that is disabled, and tells of everything when asked.
    let guard = otlp::init_with(builder("true").with_endpoint(collector.grpc_endpoint())).unwrap();
    spans_and_logs();
    assert!(propagates(), "propagation is not disabled");
    assert_eq!(guard.shutdown().unwrap().accepted(), 0);
    assert_eq!(collector.received().items(), 5);
}
