//! `otlp doctor` and a receiver that takes nothing compressed: a client that is told to compress loses everything there.

use crate::doctor::{PATIENT, findings, ill};
use crate::support::{Said, finish, otlp};
use otlp_model::{Encoding, Signal};
use otlp_testkit::{Collector, Reply, Script};

fn examine(more: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = otlp(&[&["doctor", "--timeout", PATIENT], more].concat());
    command.envs(variables.iter().copied());
    finish(&mut command, b"")
}

/// Answers `reply` to what is compressed so.
fn without(encoding: Encoding, reply: Reply) -> Collector {
    let script =
        Script::from_fn(move |call| if call.encoding == encoding { reply.clone() } else { Reply::ok() });
    Collector::builder().reply(script).start_blocking().unwrap()
}

#[test]
fn what_the_client_is_told_to_compress_and_nobody_takes_is_an_ailment() {
    for (encoding, reply, protocol) in [
        (Encoding::Gzip, Reply::http_status(415), "http/protobuf"),
        (Encoding::Zstd, Reply::http_status(400), "http/json"),
        (Encoding::Gzip, Reply::status(12), "grpc"),
    ] {
        let collector = without(encoding, reply);
        let endpoint = if protocol == "grpc" { collector.grpc_endpoint() } else { collector.http_endpoint() };
        let (name, variables) = (
            encoding.as_str(),
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", encoding.as_str()),
            ],
        );
        let real = format!("✗ logs {protocol}: a real request, compressed with {name}, failed: ");
        let cause = format!("the client is told to compress with {name}, and the receiver does not take");
        let cure = format!("or enable {name} at the receiver");
        let said = examine(&[], &variables);
        let of_all = format!("compression {name} (OTEL_EXPORTER_OTLP_COMPRESSION)");
        ill(&said, &[&of_all, &real, &cause, &cure, "turn it off", "#refused", "3 checks failed."]);
        assert_eq!(said.out.matches("turn it off").count(), 1, "{}", said.out);
        // Without data the step of the compression finds it.
        let said = examine(&["--empty"], &variables);
        let step =
            format!("✗ {name} {protocol}: logs compressed with {name}, as the client is told to, are not");
        ill(&said, &[&step, &cause, &cure, "#refused", "3 checks failed."]);
        // Who is told nothing loses nothing.
        let said = examine(&[], &variables[..2]);
        assert!(said.code == Some(0) && said.out.contains(&format!("• {name}")), "{}", said.out);
    }
}

#[test]
fn of_each_signal_it_is_sent_what_its_client_would_send() {
    let collector = without(Encoding::Gzip, Reply::http_status(415));
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.http_endpoint()),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
    ];
    let said = examine(&[], &variables);
    ill(
        &said,
        &[
            "traces.compression zstd (OTEL_EXPORTER_OTLP_COMPRESSION)",
            "logs.compression gzip (OTEL_EXPORTER_OTLP_LOGS_COMPRESSION)",
            "✓ traces http/protobuf: a real request, compressed with zstd, taken",
            "✓ metrics http/protobuf: a real request taken",
            "✗ logs http/protobuf: a real request, compressed with gzip, failed: ",
            "told to compress with gzip",
            "1 check failed.",
        ],
    );
    let real = collector.attempts().into_iter().filter(|it| it.call.items > 0);
    let sent: Vec<(Signal, Encoding)> = real.map(|it| (it.call.signal, it.call.encoding)).collect();
    let expected = [
        (Signal::Traces, Encoding::Zstd),
        (Signal::Metrics, Encoding::Identity),
        (Signal::Logs, Encoding::Gzip),
    ];
    assert_eq!(sent, expected);

    // For programs, too; what is empty is not compressed.
    let said = examine(&["--json"], &variables);
    let logs: Vec<_> = findings(&said, "logs").iter().map(|it| it["facts"]["compression"].clone()).collect();
    assert_eq!(logs[..2], ["identity", "gzip"]);

    // And the step of each compression is about the signals that have it.
    let said = examine(&["--empty", "--json"], &variables);
    let (gzip, zstd) = (findings(&said, "gzip"), findings(&said, "zstd"));
    assert_eq!(
        (gzip.len(), &gzip[0]["status"], &gzip[0]["facts"]["accepted"]),
        (1, &"failed".into(), &false.into())
    );
    assert!(gzip[0]["text"].as_str().unwrap().contains(": logs compressed"), "{:#}", gzip[0]);
    assert_eq!((zstd.len(), &zstd[0]["status"]), (1, &"ok".into()));
    assert!(zstd[0]["text"].as_str().unwrap().contains(": traces compressed"), "{:#}", zstd[0]);
}

#[test]
fn a_file_that_says_so_counts_as_well() {
    let collector = without(Encoding::Gzip, Reply::http_status(415));
    let file = std::env::temp_dir().join(format!("otlp-cli-{}-compression.yaml", std::process::id()));
    let endpoint = format!("{}/v1/logs", collector.http_endpoint());
    let yaml = format!(
        "file_format: \"1.1\"\nlogger_provider: {{ processors: [{{ batch: {{ exporter: {{ otlp_http: {{ endpoint: \"{endpoint}\", compression: gzip }} }} }} }}] }}\n"
    );
    std::fs::write(&file, yaml).unwrap();
    let said = examine(&["--config", &file.display().to_string()], &[]);
    std::fs::remove_file(&file).unwrap();
    ill(
        &said,
        &[
            "compression gzip (",
            "told to compress with gzip",
            "compression of the exporter",
            "1 check failed.",
        ],
    );
}

/// What fails with and without compression is not put down to it.
#[test]
fn another_refusal_is_not_for_compression() {
    for (reply, cause) in [
        (Reply::http_status(401), "none were sent"),
        (Reply::http_status(400), "found no sense in a correct request"),
    ] {
        let script =
            Script::from_fn(move |call| if call.wire_bytes == 0 { Reply::ok() } else { reply.clone() });
        let collector = Collector::builder().http().reply(script).start_blocking().unwrap();
        let said = examine(
            &[&collector.http_endpoint(), "-p", "http/protobuf", "--signal", "logs"],
            &[("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")],
        );
        ill(&said, &["✗ logs http/protobuf: a real request, compressed with gzip, failed", cause]);
        assert!(!said.out.contains("told to compress"), "{}", said.out);
    }
}
