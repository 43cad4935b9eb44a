//! `otlp send` to a real collector: what arrives is what was in the file, and every loss is in the exit code.

use crate::decode::{LOG, METRIC, TRACE, framed, gzip, protobuf};
use crate::support::{Said, finish, otlp, run, run_with};
use otlp_model::Signal;
use otlp_testkit::{Collector, Reply};
use std::time::Duration;
use tokio::time::Instant;

fn send(collector: &Collector, more: &[&str], input: &[u8]) -> Said {
    let endpoint = collector.grpc_endpoint();
    let line = ["send", "--endpoint", &endpoint, "-p", "grpc", "--deadline", "60s"];
    run_with(&[&line[..], more, &["-"]].concat(), input)
}

#[test]
fn every_signal_arrives_with_its_resource_and_scope() {
    let collector = Collector::builder().start_blocking().unwrap();
    let lines = format!("{TRACE}\n{METRIC}\n{LOG}\n");
    let said = send(&collector, &[], lines.as_bytes());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    assert!(
        said.out.starts_with("3 accepted = 3 delivered + 0 rejected + 0 dropped + 0 pending\n"),
        "{}",
        said.out
    );
    let received = collector.received();
    let span = &received.spans()[0];
    assert_eq!(
        (span.service_name(), span.scope.name.as_str(), span.span.name.as_str()),
        ("checkout", "cart", "GET /cart")
    );
    assert_eq!(received.metrics()[0].metric.name, "queue.length");
    assert_eq!(received.logs()[0].record.severity_number, 9);
}

#[test]
fn protobuf_of_every_form_arrives_from_every_file() {
    let collector = Collector::builder().start_blocking().unwrap();
    let folder = std::env::temp_dir().join(format!("otlp-cli-{}-send-forms", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, content: Vec<u8>| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let with_length = |message: &Vec<u8>| framed(0, message)[1..].to_vec();
    let metric = protobuf(Signal::Metrics, METRIC);
    let log = |severity| {
        let severity = format!("\"severityNumber\":{severity}");
        protobuf(Signal::Logs, &LOG.replace("\"severityNumber\":9", &severity))
    };
    let bare = file("bare.binpb", protobuf(Signal::Traces, TRACE));
    // As the Collector's file exporter writes them.
    let lengths = file("lengths.binpb", [metric, log(1), log(2)].iter().flat_map(with_length).collect());
    let packed = file("packed.binpb.gz", gzip(&log(3)));
    let frames = [framed(1, &gzip(&log(4))), framed(0, &protobuf(Signal::Traces, TRACE))].concat();
    let said = send(&collector, &[&bare, &lengths, &packed], &frames);
    let no_otlp = file("no-otlp.json", b"{\"foo\":1}".to_vec());
    let stale = send(&collector, &["/does/not/exist", &no_otlp, &bare], &frames);
    std::fs::remove_dir_all(&folder).unwrap();

    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    let books = "7 accepted = 7 delivered + 0 rejected + 0 dropped + 0 pending\n";
    assert!(said.out.starts_with(books), "{}", said.out);
    // What stands behind files that are no good is sent, too, and each of those is told.
    assert_eq!(stale.code, Some(1), "{stale:?}");
    assert!(stale.out.starts_with("3 accepted = 3 delivered"), "{stale:?}");
    let told: Vec<&str> = stale.err.lines().collect();
    let named = ["error: /does/not/exist: ", &format!("error: {no_otlp}: at byte 0: has none of ")];
    assert!(
        told.len() == 2 && told.iter().zip(named).all(|(line, name)| line.starts_with(name)),
        "{stale:?}"
    );

    let received = collector.received();
    let spans: Vec<String> = received.spans().iter().map(|span| span.span.name.clone()).collect();
    assert_eq!(spans, ["GET /cart"; 4]);
    assert!(received.spans().iter().all(|span| span.service_name() == "checkout"));
    assert_eq!(received.metrics()[0].metric.name, "queue.length");
    let mut severities: Vec<i32> = received.logs().iter().map(|log| log.record.severity_number).collect();
    severities.sort_unstable();
    assert_eq!(severities, [1, 2, 3, 4, 4]);
}

#[test]
fn what_decode_prints_can_be_sent_over_http_at_a_rate() {
    let collector = Collector::builder().start_blocking().unwrap();
    let printed = run_with(&["decode", "--pretty"], [TRACE; 5].join("\n").as_bytes());
    let path = std::env::temp_dir().join(format!("otlp-cli-{}-send.json", std::process::id()));
    std::fs::write(&path, printed.out).unwrap();
    let line = [
        "send",
        path.to_str().unwrap(),
        "--endpoint",
        &collector.http_endpoint(),
        "--protocol",
        "http/json",
        "--compression",
        "zstd",
        "--rate",
        "1000",
        "--deadline",
        "60s",
        "--json",
    ];
    let said = run(&line);
    std::fs::remove_file(&path).unwrap();
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&report["delivered"], &report["balanced"]), (&5.into(), &true.into()), "{report}");
    assert_eq!(collector.received().items(), 5);
}

#[test]
fn items_are_sent_no_faster_than_at_the_rate() {
    let collector = Collector::builder().start_blocking().unwrap();
    let started = Instant::now();
    let said = send(&collector, &["--rate", "20"], [TRACE; 11].join("\n").as_bytes());
    let took = started.elapsed();
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    assert_eq!(collector.received().items(), 11);
    // The last waits for ten before it. However busy the machine is, it can't take less.
    assert!(took >= Duration::from_millis(500), "{took:?}");
}

#[test]
fn losses_and_rejections_are_told() {
    let refusing = Collector::builder().reply(Reply::invalid_argument()).start_blocking().unwrap();
    let said = send(&refusing, &[], TRACE.as_bytes());
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("1 not_retryable") && said.out.contains("last error: "), "{}", said.out);

    let rejecting =
        Collector::builder().reply(Reply::partial_success(1, "too old")).start_blocking().unwrap();
    let said = send(&rejecting, &[], TRACE.as_bytes());
    assert_eq!(said.code, Some(1));
    assert!(
        said.out.contains("1 rejected") && said.out.contains("the receiver says: too old"),
        "{}",
        said.out
    );
}

#[test]
fn why_an_item_is_lost_before_it_is_sent_is_told_with_the_file() {
    let collector = Collector::builder().start_blocking().unwrap();
    let without_id = TRACE.replace("b7ad6b7169203331", "");
    let said = send(&collector, &["--json"], [TRACE, &without_id, &without_id].join("\n").as_bytes());
    assert_eq!(said.code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (&report["delivered"], &report["dropped"]["encode_failed"], &report["unsendable"]),
        (&1.into(), &2.into(), &0.into()),
        "{report}"
    );
    // Of many the first.
    assert!(said.err.starts_with("error: standard input: ") && said.err.lines().count() == 1, "{said:?}");
    assert!(said.err.contains("span_id is all zero"), "{said:?}");
}

#[test]
fn data_points_of_what_is_no_metric_are_counted_and_told() {
    let collector = Collector::builder().start_blocking().unwrap();
    // A sum without a temporality.
    let sum = |points: &str| {
        METRIC.replace("gauge", "sum").replace(r#"{"timeUnixNano"#, &format!(r#"{points}{{"timeUnixNano"#))
    };
    for (points, all, words) in [("", 1, "1 data point not sent: "), ("{},", 2, "2 data points not sent: ")] {
        let said = send(&collector, &["--json"], sum(points).as_bytes());
        assert!(said.code == Some(1) && said.err.starts_with(&format!("error: {words}")), "{said:?}");
        let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((&report["unsendable"], &report["accepted"]), (&all.into(), &0.into()), "{report}");
    }
    assert_eq!(collector.received().items(), 0);
}

#[test]
fn an_environment_that_switches_the_client_off_is_no_success() {
    for (variable, value) in [("OTEL_SDK_DISABLED", "true"), ("OTEL_LOGS_EXPORTER", "none")] {
        let said = finish(otlp(&["send", "-"]).env(variable, value), LOG.as_bytes());
        assert!(said.code == Some(2) && said.err.contains(&format!("{variable} switches")), "{said:?}");
    }
    // What is not sent may be off.
    let collector = Collector::builder().http().start_blocking().unwrap();
    let mut command = otlp(&["send", "-", "--endpoint", &collector.http_endpoint(), "--deadline", "60s"]);
    let said = finish(command.env("OTEL_METRICS_EXPORTER", "none"), LOG.as_bytes());
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn the_environment_says_where_to() {
    // conf: ENV-10
    let collector = Collector::builder().start_blocking().unwrap();
    let mut command = otlp(&["send", "--deadline", "60s", "-"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint());
    let said = finish(&mut command, LOG.as_bytes());
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    assert_eq!(collector.received().items(), 1);

    let said = finish(command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"), LOG.as_bytes());
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(said.err.starts_with("warning: OTEL_EXPORTER_OTLP_TIMEOUT"), "{}", said.err);
}

#[test]
fn a_file_says_where_to_and_what_is_off() {
    // conf: ENV-18
    let collector = Collector::builder().http().start_blocking().unwrap();
    let folder = std::env::temp_dir().join(format!("otlp-cli-{}-send-file", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("otel.yaml");
    let exporter = format!("{{ otlp_http: {{ endpoint: {}/v1/logs }} }}", collector.http_endpoint());
    let yaml = format!(
        "file_format: \"1.1\"\nlogger_provider: {{ processors: [{{ batch: {{ exporter: {exporter} }} }}] }}\n"
    );
    std::fs::write(&file, yaml).unwrap();
    let send = |input: &str| {
        let mut command = otlp(&["send", "--deadline", "60s", "-"]);
        finish(command.env("OTEL_CONFIG_FILE", &file), input.as_bytes())
    };
    let (said, refused) = (send(LOG), send(TRACE));
    let loaded = finish(otlp(&["load", "--count", "1"]).env("OTEL_CONFIG_FILE", &file), b"");
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    assert_eq!(collector.received().items(), 1);
    for said in [refused, loaded] {
        let text = "otel.yaml switches traces off: it has no provider for them";
        assert!(said.code == Some(2) && said.err.contains(text), "{said:?}");
    }
}

#[test]
fn what_came_before_an_error_is_sent_and_the_error_is_named() {
    let collector = Collector::builder().start_blocking().unwrap();
    let said = send(&collector, &[], format!("{LOG}\n{{\"resourceLogs\":7}}\n").as_bytes());
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("document 2: resourceLogs: expected"), "{said:?}");
    assert_eq!(collector.received().items(), 1);
    assert_eq!(run(&["send"]).code, Some(2));
}

#[test]
fn an_option_that_can_not_work_is_named_as_it_was_given() {
    for (line, words) in [
        (&["--endpoint", "no endpoint"][..], "--endpoint: "),
        (&["--endpoint", "ftp://x"], "--endpoint: has the unsupported scheme"),
        (&["--endpoint", "https://x", "--ca-file", "/does/not/exist"], "--ca-file: "),
        (&["--endpoint", "https://x", "--cert-file", "/does/not/exist", "--key-file", "/x"], "--cert-file: "),
        (&["--endpoint", "https://x", "--cert-file", "/dev/null", "--key-file", "/does/not/exist"], "--"),
        (&["--endpoint", "https://x", "--server-name", "a b"], "--server-name: "),
        (&["--proxy", "ftp://x"], "--proxy: "),
        (&["--header", "a b=c"], "--header: "),
    ] {
        let said = run(&[&["send", "-"], line].concat());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.starts_with(&format!("error: {words}")), "{said:?}");
        assert!(!said.err.contains("with_"), "{said:?}");
    }
    let mut command = otlp(&["send", "-", "--endpoint", "http://collector.invalid"]);
    let said = finish(command.env("HTTP_PROXY", "ftp://x"), b"");
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("; --proxy and --no-proxy go before the environment"), "{said:?}");
}
