//! The same configuration as an application has, on one receiver or several, with origins.

use super::*;
use clap::Parser;
use std::time::Duration;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    receiver: Receiver,
}

fn all(endpoint: Option<&str>, line: &[&str], variables: &[(&str, &str)]) -> Result<Resolved, String> {
    let receiver = Line::parse_from([&["otlp"], line].concat()).receiver;
    let given = Given {
        endpoint,
        config: None,
        protocols: &[],
        signals: &[],
        receiver: &receiver,
        real: true,
        limits: false,
    };
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    resolve(&given, &lookup).map_err(|trouble| format!("{trouble:?}"))
}

fn lines(resolved: &Resolved) -> String {
    resolved.settings.iter().map(|it| format!("{} {} {}\n", it.name, it.value, it.origin)).collect()
}

/// Of one receiver.
fn resolved(
    endpoint: Option<&str>,
    line: &[&str],
    variables: &[(&str, &str)],
) -> Result<(Case, String), String> {
    let resolved = all(endpoint, line, variables)?;
    assert_eq!(resolved.cases.len(), 1, "{:?}", resolved.cases);
    Ok((resolved.cases[0].clone(), lines(&resolved)))
}

#[test]
fn flags_go_before_variables_before_defaults() {
    // conf: ENV-10, HDR-09
    let (_, lines) = resolved(None, &[], &[]).unwrap();
    assert_eq!(
        lines,
        "endpoint http://localhost:4318 default\nprotocol http/protobuf default\ntimeout 10s default\n"
    );
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318/base?key=1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
    ];
    let (case, lines) = resolved(None, &[], &variables).unwrap();
    assert!(lines.contains("endpoint http://all:4318/base?… OTEL_EXPORTER_OTLP_ENDPOINT"), "{lines}");
    assert!(lines.contains("protocol http/json OTEL_EXPORTER_OTLP_PROTOCOL"), "{lines}");
    assert!(lines.contains("headers api-key=<redacted>") && !lines.contains("hunter2"), "{lines}");
    assert_eq!(case.route(Signal::Logs).endpoint.signal_path(Signal::Logs), "/base/v1/logs?key=1");
    assert_eq!((case.timeout.as_millis(), case.first.headers.get("api-key")), (1500, Some("hunter2")));
    let (case, lines) = resolved(Some("http://mine:1"), &["--timeout", "2s"], &variables).unwrap();
    assert!(lines.contains("endpoint http://mine:1 command line"), "{lines}");
    assert_eq!(case.timeout.as_secs(), 2);
}

#[test]
fn flags_stand_beside_variables_as_code_does_in_the_client() {
    // conf: GRPC-15
    let variables = [
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=1,x-tenant=2"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
    ];
    let (case, lines) = resolved(None, &["-H", "x-tenant=3"], &variables).unwrap();
    assert_eq!(
        (case.first.headers.get("api-key"), case.first.headers.get("x-tenant")),
        (Some("1"), Some("3"))
    );
    assert!(lines.contains("OTEL_EXPORTER_OTLP_HEADERS, --header"), "{lines}");
    assert!(lines.contains("ca_file /ca.pem OTEL_EXPORTER_OTLP_CERTIFICATE"), "{lines}");
    let (case, _) = resolved(None, &["--insecure-skip-verify"], &variables).unwrap();
    assert_eq!(case.receiver.ca_file, None);
    let (case, _) = resolved(None, &[], &[("OTEL_EXPORTER_OTLP_HEADERS", "a=1,no good")]).unwrap();
    assert_eq!(case.first.headers.get("a"), Some("1"));

    let mut variables =
        vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "mine:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    assert!(resolved(None, &[], &variables).unwrap().0.is_secure());
    variables.push(("OTEL_EXPORTER_OTLP_INSECURE", "true"));
    assert!(!resolved(None, &[], &variables).unwrap().0.is_secure());
}

#[test]
fn no_step_waits_for_ever() {
    let (case, _) = resolved(None, &[], &[("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]).unwrap();
    assert_eq!(case.timeout, Duration::from_secs(60));
}

#[test]
fn the_port_of_the_command_lines_endpoint_says_the_protocol() {
    let (case, lines) = resolved(Some("http://mine:4317"), &[], &[]).unwrap();
    assert_eq!(case.wires, [Wire::Grpc]);
    assert!(lines.contains("protocol grpc port 4317"), "{lines}");
    let (case, lines) = resolved(Some("http://mine:1"), &[], &[]).unwrap();
    assert_eq!(case.wires, [Wire::HttpProtobuf, Wire::HttpJson]);
    assert!(lines.contains("protocol http/protobuf, http/json default"), "{lines}");

    // Whoever says it goes before the port, for one signal, too.
    let said = [("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json")];
    let two = all(Some("http://mine:4317"), &[], &said).unwrap();
    let wires: Vec<_> = two.cases.iter().map(|case| case.wires.clone()).collect();
    assert_eq!(wires, [[Wire::Grpc], [Wire::HttpJson]]);
}

/// An application does not guess: its mistake is to be found.
#[test]
fn the_port_of_another_endpoint_says_nothing() {
    let (case, lines) = resolved(None, &[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://mine:4317")]).unwrap();
    assert_eq!(case.wires, [Wire::HttpProtobuf]);
    assert!(lines.contains("protocol http/protobuf default"), "{lines}");
}

#[test]
fn a_protocol_is_odd_for_a_port_only_if_it_is_spoken_there() {
    let notes = |endpoint, variables: &[(&str, &str)]| {
        let resolved = all(endpoint, &[], variables).unwrap();
        let odd = resolved.findings.iter().filter(|it| it.text.contains("is spoken to"));
        odd.map(|it| it.text.clone()).collect::<String>()
    };
    let of_variable = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://mine:4317")];
    assert!(
        notes(None, &of_variable).contains("HTTP is spoken to http://mine:4317, where receivers expect gRPC")
    );
    assert_eq!(notes(Some("http://mine:4317"), &[]), "");
    // Without its file an application is none, and has no default.
    assert_eq!(notes(Some("http://mine:4318"), &[("OTEL_CONFIG_FILE", "/nowhere/otel.yaml")]), "");
    let said = [("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")];
    assert!(notes(Some("http://mine:4317"), &said).starts_with("HTTP is spoken to "));
}

#[test]
fn an_own_endpoint_is_no_base() {
    let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://own:4318/in")];
    let resolved = all(None, &[], &own).unwrap();
    assert_eq!(resolved.cases[0].first.endpoint.signal_path(Signal::Traces), "/in");
}

#[test]
fn signals_are_grouped_by_receiver() {
    // conf: ENV-10, URL-01
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://own:4317"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-logs=hunter2"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_SERVICE_NAME", "checkout"),
    ];
    let two = all(None, &[], &variables).unwrap();
    let signals: Vec<Vec<Signal>> = two.cases.iter().map(Case::signals).collect();
    assert_eq!(signals, [vec![Signal::Traces, Signal::Metrics], vec![Signal::Logs]]);
    assert_eq!(two.cases[1].wires, [Wire::Grpc]);
    assert_eq!(two.cases[1].first.headers.get("x-logs"), Some("hunter2"));
    assert!(two.cases[0].first.headers.is_empty());
    let of = |name: &str, value: &str| {
        let found = two.settings.iter().find(|setting| setting.name == name && setting.value == value);
        found.unwrap_or_else(|| panic!("{name} {value}: {:?}", two.settings)).signals.clone()
    };
    assert_eq!(of("endpoint", "http://all:4318"), [Signal::Traces, Signal::Metrics]);
    assert_eq!(of("endpoint", "http://own:4317"), [Signal::Logs]);
    assert_eq!(of("headers", "x-logs=<redacted>"), [Signal::Logs]);
    // What is for all is told of each receiver once, and of none what no receiver minds.
    assert_eq!(lines(&two).matches("compression gzip OTEL_EXPORTER_OTLP_COMPRESSION\n").count(), 2);
    assert!(!lines(&two).contains("traces.compression"), "{}", lines(&two));
    assert_eq!(of("resource.service.name", "checkout"), []);

    // A flag is for all signals, as code is.
    assert_eq!(all(Some("http://mine:4318"), &["-H", "a=b"], &variables).unwrap().cases.len(), 2);
    assert_eq!(resolved(Some("http://mine:4318"), &[], &variables[..1]).unwrap().0.others.len(), 2);
}

#[test]
fn paths_headers_and_patience_of_a_signal_make_no_other_receiver() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://all:4318/in?key=1"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-logs=1"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "20000"),
    ];
    let (case, lines) = resolved(None, &[], &variables).unwrap();
    assert_eq!(case.route(Signal::Metrics).endpoint.signal_path(Signal::Metrics), "/v1/metrics");
    let logs = case.route(Signal::Logs);
    assert_eq!(
        (logs.endpoint.signal_path(Signal::Logs), logs.headers.get("x-logs")),
        ("/in?key=1".to_owned(), Some("1"))
    );
    assert_eq!(case.timeout.as_secs(), 20);
    for line in [
        "traces.endpoint http://all:4318 OTEL_EXPORTER_OTLP_ENDPOINT",
        "logs.endpoint http://all:4318/in?… OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        "logs.headers x-logs=<redacted> OTEL_EXPORTER_OTLP_LOGS_HEADERS",
        "metrics.timeout 10s default",
        "logs.timeout 20s OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
    ] {
        assert!(lines.contains(&format!("{line}\n")), "{line}: {lines}");
    }
    assert!(lines.contains("\nprotocol http/protobuf default\n"), "{lines}");
    // Another certificate is another way to the receiver.
    let files =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://all"), ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/ca.pem")];
    let two = all(None, &[], &files).unwrap();
    let ca_files: Vec<_> = two.cases.iter().map(|case| case.receiver.ca_file.clone()).collect();
    assert_eq!(ca_files, [None, Some("/ca.pem".into())]);
}

#[test]
fn what_is_off_is_not_examined_unless_it_is_asked_for_or_all_is() {
    // conf: ENV-17
    let off = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];
    assert_eq!(resolved(None, &[], &off).unwrap().0.signals(), [Signal::Metrics]);
    let none = [off[0], off[1], ("OTEL_METRICS_EXPORTER", "none")];
    let resolved = all(None, &[], &none).unwrap();
    assert_eq!(resolved.cases[0].signals(), Signal::ALL);
    let text = &resolved.findings[0].text;
    assert_eq!(
        text,
        "no signal is exported, as OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_LOGS_EXPORTER says"
    );
    let receiver = Line::parse_from(["otlp"]).receiver;
    let given = Given {
        endpoint: None,
        config: None,
        protocols: &[],
        signals: &[Signal::Logs],
        receiver: &receiver,
        real: true,
        limits: false,
    };
    let lookup =
        |name: &str| off.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let asked = resolve(&given, &lookup).map_err(|trouble| format!("{trouble:?}")).unwrap();
    assert_eq!(asked.cases[0].signals(), [Signal::Logs]);
    assert_eq!(asked.findings[0].text, "logs are not exported, as OTEL_LOGS_EXPORTER says");
}

#[test]
fn what_an_application_would_do_is_told() {
    // conf: ENV-07
    let findings = |variables: &[(&str, &str)]| {
        let resolved = all(None, &[], variables).unwrap();
        let lines = resolved.findings.iter().map(|it| format!("{} {}\n", it.status.name(), it.text));
        lines.collect::<String>()
    };
    assert_eq!(findings(&[]), "");
    let text = findings(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "soap")]);
    assert!(text.starts_with("note OTEL_EXPORTER_OTLP_PROTOCOL"), "{text}");
    // What is sent elsewhere for it does not arrive where it should.
    let (all, own) =
        (("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://x"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "ftp://x"));
    let good = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318");
    assert!(findings(&[all]).starts_with("failed OTEL_EXPORTER_OTLP_ENDPOINT: "));
    assert!(findings(&[good, own]).starts_with("failed OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "));
    // Of a signal that is not exported nothing is.
    assert!(
        findings(&[good, own, ("OTEL_LOGS_EXPORTER", "none")]).starts_with("note OTEL_EXPORTER_OTLP_LOGS_E")
    );
    let text = findings(&[("OTEL_SDK_DISABLED", "true")]);
    assert!(text.starts_with("failed OTEL_SDK_DISABLED is true"), "{text}");
    let text = findings(&[("OTEL_LOGS_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")]);
    assert!(
        text.contains("note logs are not exported, as OTEL_LOGS_EXPORTER says, and not examined"),
        "{text}"
    );
    assert!(text.contains("failed no span is sampled"), "{text}");
}

#[test]
fn a_proxy_is_told_with_the_variable_that_names_it_or_why_it_does_not_count() {
    const PROXY: (&str, &str) = ("HTTP_PROXY", "http://me:hunter2@proxy:3128");
    let of = |endpoint: &str, line: &[&str], variables: &[(&str, &str)]| {
        let (case, lines) = resolved(Some(endpoint), line, variables).unwrap();
        assert!(!lines.contains("hunter2"), "{lines}");
        let line = lines.lines().find_map(|line| line.strip_prefix("proxy ")).map(ToOwned::to_owned);
        (case.proxy.is_some(), line)
    };
    let is = |goes: bool, line: &str| (goes, Some(line.to_owned()));
    let (plain, secure) = ("http://collector.example:4317", "https://collector.example:4317");
    for (endpoint, variable) in [
        (plain, "HTTP_PROXY"),
        (plain, "http_proxy"),
        (plain, "ALL_PROXY"),
        (secure, "HTTPS_PROXY"),
        (secure, "https_proxy"),
        (secure, "all_proxy"),
    ] {
        let line = format!("http://proxy:3128 {variable}");
        assert_eq!(of(endpoint, &[], &[("REQUEST_METHOD", " "), (variable, PROXY.1)]), is(true, &line));
    }
    assert_eq!(of(secure, &[], &[PROXY]), (false, None));
    let both = [PROXY, ("ALL_PROXY", "other:1"), ("no_proxy", "10.0.0.0/8")];
    assert_eq!(of(plain, &[], &both), is(true, "http://proxy:3128 HTTP_PROXY"));
    assert_eq!(of(plain, &["--proxy", "mine:1"], &[PROXY]), is(true, "http://mine:1 --proxy"));
    assert_eq!(of(plain, &["--no-proxy"], &[PROXY]), is(false, "none --no-proxy"));

    for (name, list, member) in [
        ("NO_PROXY", "localhost, .example", ".example in NO_PROXY"),
        ("no_proxy", "collector.example:4317,*", "collector.example:4317 in no_proxy"),
        ("NO_PROXY", "*", "* in NO_PROXY"),
    ] {
        let line = format!("none, HTTP_PROXY does not count {member}");
        assert_eq!(of(plain, &[], &[PROXY, (name, list)]), is(false, &line));
    }
    for host in ["localhost", "127.0.0.1"] {
        let line = format!("none, HTTP_PROXY does not count {host} is this machine");
        assert_eq!(
            of(&format!("http://{host}:4317"), &[], &[PROXY, ("NO_PROXY", "example")]),
            is(false, &line)
        );
    }
    assert_eq!(of("unix:///run/otlp.sock", &["--no-proxy"], &[PROXY]), (false, None));
    assert_eq!(of(plain, &[], &[("NO_PROXY", "*")]), (false, None));
}

#[test]
fn a_header_as_curl_has_it_is_told_how_to_write_it_and_not_shown() {
    for header in ["authorization: Basic aHVudGVyMg==", "hunter2", "two words=x"] {
        let error = resolved(Some("http://localhost:4318"), &["-H", header], &[]).unwrap_err();
        assert_eq!(error, r#"Usage("--header: write it as NAME=VALUE")"#);
    }
    resolved(Some("http://localhost:4318"), &["-H", "authorization=Basic aHVudGVyMg=="], &[]).unwrap();
}
