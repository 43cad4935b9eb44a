//! `otlp doctor` where signals go to different receivers: each is examined once, with its signals, and every line says whose.

use crate::doctor::{PATIENT, ill};
use crate::support::{Said, finish, otlp};
use otlp_model::Signal;
use otlp_testkit::{Collector, FaultProxy, Reply};

fn examine(more: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = otlp(&[&["doctor", "--timeout", PATIENT], more].concat());
    command.envs(variables.iter().copied());
    finish(&mut command, b"")
}

#[test]
fn traces_are_taken_and_logs_refused_elsewhere() {
    // conf: ENV-10
    let traces = Collector::builder().http().start_blocking().unwrap();
    let logs = Collector::builder().http().reply(Reply::http_status(401)).start_blocking().unwrap();
    let own = format!("{}/v1/logs", logs.http_endpoint());
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*traces.http_endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &own),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "api-key=hunter2"),
    ];
    let said = examine(&[], &variables);
    ill(
        &said,
        &[
            "traces, metrics\n  endpoint",
            "logs\n  endpoint",
            "(OTEL_EXPORTER_OTLP_LOGS_ENDPOINT)",
            "api-key=<redacted> (OTEL_EXPORTER_OTLP_LOGS_HEADERS)",
            "✓ tcp traces, metrics: 127.0.0.1:",
            "✓ traces http/protobuf: a real request taken",
            "✓ metrics http/protobuf: a real request taken",
            "✓ gzip traces, metrics: ",
            "✓ http logs: HTTP/1.1 answers",
            "✗ logs http/protobuf: an empty request failed",
            "– logs not tried for that reason: gzip, zstd",
            "does not accept the credentials that were sent",
            "1 check failed.",
        ],
    );
    assert!(!said.out.contains("hunter2"), "{}", said.out);
    // Each got what goes there, and nothing else.
    assert_eq!(traces.tally().of(Signal::Traces) + traces.tally().of(Signal::Metrics), 2);
    assert_eq!(traces.received().items(), 2);
    let calls = logs.attempts();
    assert!(!calls.is_empty() && calls.iter().all(|it| it.call.signal == Signal::Logs), "{calls:?}");
    assert!(calls.iter().all(|it| it.call.header("api-key") == Some("hunter2")));

    let said = examine(&["--json"], &variables);
    assert_eq!(said.code, Some(1), "{}", said.err);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let of = |step: &str, about: &serde_json::Value| {
        let findings = json["findings"].as_array().unwrap();
        findings.iter().filter(|it| it["step"] == step && it["signals"] == *about).count()
    };
    let (first, second) = (serde_json::json!(["traces", "metrics"]), serde_json::json!(["logs"]));
    for step in ["dns", "tcp", "http"] {
        assert_eq!((of(step, &first), of(step, &second)), (1, 1), "{step}: {json:#}");
    }
    assert_eq!((of("traces", &first), of("logs", &second)), (2, 2), "{json:#}");
    let endpoint = &json["configuration"].as_array().unwrap()[0];
    assert_eq!((&endpoint["name"], &endpoint["signals"]), (&"endpoint".into(), &first));
}

#[test]
fn nothing_listens_where_one_signal_goes() {
    let collector = Collector::builder().start_blocking().unwrap();
    let gone = FaultProxy::to(collector.grpc_endpoint()).refusing().start_blocking().unwrap();
    let said = examine(
        &[],
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.grpc_endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &gone.endpoint()),
        ],
    );
    ill(
        &said,
        &[
            "✗ tcp metrics: 127.0.0.1:",
            "– tcp metrics: not tried for that reason: grpc, metrics, gzip, zstd",
            "✗ tcp metrics: nothing listens on 127.0.0.1:",
            "start the collector",
            "#connect",
            "1 check failed.",
        ],
    );
    assert!(said.out.contains("✓ traces ") && said.out.contains("✓ logs "), "{}", said.out);
    assert_eq!(collector.received().items(), 2);
}

#[test]
fn each_receiver_is_spoken_to_in_its_own_protocol() {
    let collector = Collector::builder().start_blocking().unwrap();
    let variables = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*collector.grpc_endpoint()),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &*format!("{}/v1/logs", collector.http_endpoint())),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let said = examine(&[], &variables);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    for text in [
        "• config   metrics are not exported, as OTEL_METRICS_EXPORTER says, and not examined",
        "✓ grpc     traces: gRPC over HTTP/2 answers",
        "✓ traces   grpc: a real request taken",
        "✓ http     logs: HTTP/1.1 answers",
        "✓ logs     http/json: a real request taken",
        "All is well",
    ] {
        assert!(said.out.contains(text), "{text}: {}", said.out);
    }
    assert!(!said.out.contains("✓ metrics"), "{}", said.out);
    let tally = collector.tally();
    assert_eq!(Signal::ALL.map(|signal| tally.of(signal)), [1, 0, 1]);

    // Of one signal alone it is one receiver again, and nothing needs to be told apart.
    let said = examine(&["--signal", "logs"], &variables);
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(
        said.out.starts_with("http://127.0.0.1:") && said.out.contains("✓ tcp      127.0.0.1:"),
        "{}",
        said.out
    );
}

/// The first request for HTTP and the first call of gRPC are of a signal that the receiver is to take.
#[test]
fn a_receiver_of_logs_alone_is_not_asked_for_traces() {
    let collector = Collector::builder().start_blocking().unwrap();
    for (endpoint, protocol) in
        [(collector.grpc_endpoint(), "grpc"), (collector.http_endpoint(), "http/json")]
    {
        let said = examine(&[&endpoint, "--signal", "logs", "-p", protocol], &[]);
        assert_eq!(said.code, Some(0), "{}", said.out);
    }
    let signals: Vec<Signal> = collector.attempts().iter().map(|it| it.call.signal).collect();
    assert!(signals.iter().all(|signal| *signal == Signal::Logs), "{signals:?}");
}

#[test]
fn what_is_asked_for_twice_is_examined_once() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let said =
        examine(&[&collector.grpc_endpoint(), "--signal", "logs,logs", "-p", "grpc", "-p", "grpc"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert_eq!(collector.received().items(), 1);
}
