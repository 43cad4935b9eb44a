//! `otlp load` against a collector: the books balance, whatever happens to the attempts.

use crate::support::run;
use otlp_model::AnyValue;
use otlp_testkit::{Collector, Reply};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

fn load(collector: &Collector, more: &[&str]) -> (Option<i32>, Value) {
    let endpoint = collector.grpc_endpoint();
    let said =
        run(&[&["load", "--json", "--endpoint", &endpoint, "-p", "grpc", "--deadline", "60s"][..], more]
            .concat());
    assert_eq!(said.err, "", "{}", said.out);
    (said.code, serde_json::from_str(&said.out).unwrap())
}

#[test]
fn a_count_of_spans_is_made_by_all_threads_and_arrives() {
    let collector = Collector::builder().start_blocking().unwrap();
    let shape = "--attributes 3 --attribute-size 7 --events 2 --children 2 --errors 50";
    let shape: Vec<&str> = shape.split_whitespace().collect();
    let line = ["--rate", "max", "--count", "5001", "--threads", "3", "--compression", "gzip", "--block"];
    let (code, result) = load(&collector, &[&line[..], &shape].concat());
    assert_eq!(code, Some(0), "{result:#}");
    assert_eq!((&result["spans"], &result["balanced"]), (&5001.into(), &true.into()), "{result:#}");
    assert_eq!(result["books"]["delivered"], 5001);
    assert_eq!(result["end_nanoseconds"]["count"], 5001);
    assert!(result["attempt_nanoseconds"]["p99"].as_u64() > Some(0), "{result:#}");
    let received = collector.received();
    assert_eq!(received.items(), 5001);
    let spans = received.spans();
    assert!(spans.iter().any(|span| !span.span.parent_span_id.is_empty()));
    assert!(spans.iter().any(|span| span.span.status.as_ref().is_some_and(|status| status.code == 2)));
    for span in spans.iter().map(|span| span.to_model().unwrap()) {
        let is_right = |value: &AnyValue| matches!(value, AnyValue::String(text) if text.len() == 7);
        assert_eq!(span.attributes.len(), 3);
        assert!(span.attributes.iter().all(|attribute| is_right(&attribute.value)), "{span:?}");
        assert_eq!(span.events.iter().filter(|event| event.name == "load event").count(), 2);
    }
}

#[test]
fn a_rate_is_that_of_all_threads_together() {
    let collector = Collector::builder().start_blocking().unwrap();
    let started = Instant::now();
    let (code, result) = load(&collector, &["--rate", "100/s", "--count", "52", "--threads", "2"]);
    let took = started.elapsed();
    assert_eq!((code, &result["books"]["delivered"]), (Some(0), &52.into()), "{result:#}");
    // The last of each thread's 26 waits for 25 before it. However busy the machine is, it can't take less.
    assert!(result["producing_seconds"].as_f64() >= Some(0.5), "{result:#}");
    assert!(result["spans_per_second"].as_f64() <= Some(104.0), "{result:#}");
    assert!(took >= Duration::from_millis(500), "{took:?}");
}

#[test]
fn attempts_that_fail_are_retried_and_losses_are_counted() {
    let collector = Collector::builder().start_blocking().unwrap();
    let (code, result) =
        load(&collector, &["--duration", "300ms", "--rate", "2000", "--fail-attempts", "30"]);
    assert_eq!((code, &result["balanced"]), (Some(0), &true.into()), "{result:#}");
    assert_eq!(result["books"]["delivered"], result["spans"]);
    // Those that are made to fail are none of the receiver's, and not in the times.
    assert_eq!(result["attempt_nanoseconds"]["count"], collector.attempts().len(), "{result:#}");

    let refusing = Collector::builder().reply(Reply::invalid_argument()).start_blocking().unwrap();
    let (code, result) = load(&refusing, &["--count", "100", "--rate", "max"]);
    assert_eq!((code, &result["balanced"]), (Some(1), &true.into()), "{result:#}");
    assert_eq!(result["books"]["dropped"]["not_retryable"], 100, "{result:#}");
}

#[test]
fn when_all_attempts_are_made_to_fail_nothing_gets_out_and_they_are_counted() {
    let collector = Collector::builder().start_blocking().unwrap();
    let endpoint = collector.grpc_endpoint();
    let line = ["load", "--endpoint", &endpoint, "-p", "grpc", "--count", "10", "--rate", "max"];
    let failing = ["--fail-attempts", "100", "--deadline", "1s"];
    let said = run(&[&line[..], &failing, &["--json"]].concat());
    let result: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &result["balanced"]), (Some(1), &true.into()), "{result:#}");
    assert!(result["attempts_made_to_fail"].as_u64() >= Some(1), "{result:#}");
    assert_eq!(result["attempt_nanoseconds"]["count"], 0, "{result:#}");
    assert_eq!((&result["books"]["delivered"], collector.received().items()), (&0.into(), 0), "{result:#}");
    let said = run(&[&line[..], &failing].concat());
    assert!(
        said.out.contains("\nattempts        0: ") && said.out.contains(" made to fail\n"),
        "{}",
        said.out
    );
}

#[test]
fn the_table_is_for_people() {
    let collector = Collector::builder().start_blocking().unwrap();
    let line = [
        "load",
        "--endpoint",
        &collector.http_endpoint(),
        "-p",
        "http/protobuf",
        "--count",
        "10",
        "--rate",
        "max",
    ];
    let said = run(&line);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    for line in [
        "spans ended     10 in ",
        "Span::end       p50 ",
        "lost            0.000 %",
        "the books       balance",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    assert_eq!(run(&["load", "--rate", "0"]).code, Some(2));
    assert_eq!(run(&["load", "--count", "0"]).code, Some(2));
    assert_eq!(run(&["load", "--errors", "101"]).code, Some(2));
}
