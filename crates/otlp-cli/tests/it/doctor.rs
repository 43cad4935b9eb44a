//! `otlp doctor` through the real binary: each ailment is named with cause, cure and page, and the exit code tells.

use crate::support::{Said, finish, otlp, run};
use otlp_model::{Encoding, Signal};
use otlp_testkit::{Collector, CollectorBuilder, Fault, FaultProxy, FaultScript, Reply, Script};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// Longer than any machine is busy: no test passes by waiting for it.
pub(crate) const PATIENT: &str = "60s";

/// Over gRPC, unless `more` says otherwise.
pub(crate) fn examine(endpoint: &str, more: &[&str]) -> Said {
    let protocol = if more.contains(&"-p") { &[][..] } else { &["-p", "grpc"] };
    run(&[&["doctor", endpoint, "--timeout", PATIENT], protocol, more].concat())
}

fn collector(builder: CollectorBuilder) -> Collector {
    builder.start_blocking().unwrap()
}

/// It failed, and says all of this.
#[track_caller]
pub(crate) fn ill(said: &Said, texts: &[&str]) {
    assert_eq!(said.code, Some(1), "{}\n{}", said.out, said.err);
    // Where lines are broken is not the point.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let out = words(&said.out);
    for text in texts {
        assert!(out.contains(&words(text)), "{text:?} is missing in:\n{}", said.out);
    }
}

/// The findings of a step, from what was printed with --json.
#[track_caller]
pub(crate) fn findings(said: &Said, step: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(&said.out).expect(&said.out);
    let findings = json["findings"].as_array().unwrap().iter();
    let found: Vec<Value> = findings.filter(|finding| finding["step"] == step).cloned().collect();
    assert!(!found.is_empty(), "no {step}: {json:#}");
    found
}

#[test]
fn a_healthy_collector_is_well_over_both_protocols() {
    let collector = collector(Collector::builder());
    let said = examine(&collector.grpc_endpoint(), &[]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
    for line in [
        "✓ dns",
        "✓ tcp",
        "✓ grpc",
        "✓ traces",
        "✓ metrics",
        "✓ logs",
        "✓ gzip",
        "✓ zstd",
        "✓ limit",
        "All is well",
    ] {
        assert!(said.out.contains(line), "{line}: {}", said.out);
    }
    // One of each signal, and nothing else.
    assert_eq!(collector.received().items(), 3);
    assert_eq!(collector.received().spans()[0].service_name(), "otlp-doctor");

    let said = examine(&collector.http_endpoint(), &["-p", "http/protobuf,http/json"]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(
        said.out.contains("✓ http") && said.out.contains("http/json: a real request taken"),
        "{}",
        said.out
    );
    assert_eq!(collector.received().items(), 9);

    let said = examine(&collector.grpc_endpoint(), &["--empty", "--signal", "logs"]);
    assert!(said.code == Some(0) && !said.out.contains("metrics"), "{}", said.out);
    assert_eq!(collector.received().items(), 9);
    // It was not tried whether data arrives.
    assert!(said.out.ends_with("No data was sent.\n") && !said.out.contains("arrives"), "{}", said.out);
}

#[test]
fn compressed_requests_are_really_compressed_and_what_is_not_taken_is_a_note() {
    let no_zstd =
        Script::from_fn(
            |call| {
                if call.encoding == Encoding::Zstd { Reply::http_status(415) } else { Reply::ok() }
            },
        );
    let collector = collector(Collector::builder().reply(no_zstd));
    for (endpoint, protocol) in [
        (collector.grpc_endpoint(), "grpc"),
        (collector.http_endpoint(), "http/protobuf"),
        (collector.http_endpoint(), "http/json"),
    ] {
        collector.clear();
        let said = examine(&endpoint, &["-p", protocol, "--empty"]);
        assert_eq!(said.code, Some(0), "{}", said.out);
        assert!(said.out.contains("✓ gzip") && said.out.contains("• zstd"), "{}", said.out);
        let mut seen: Vec<Encoding> = collector.attempts().iter().map(|it| it.call.encoding).collect();
        seen.retain(|encoding| *encoding != Encoding::Identity);
        assert_eq!(seen, [Encoding::Gzip, Encoding::Zstd], "{protocol}");
    }
}

#[test]
fn a_receiver_of_one_signal_is_asked_for_no_other() {
    let only_logs =
        Script::from_fn(
            |call| {
                if call.signal == Signal::Logs { Reply::ok() } else { Reply::http_status(404) }
            },
        );
    let collector = collector(Collector::builder().http().max_request_bytes(3 << 20).reply(only_logs));
    let line = ["-p", "http/protobuf", "--signal", "logs", "--limits"];
    let said = examine(&collector.http_endpoint(), &line);
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(said.out.contains("✓ gzip") && said.out.contains("✓ zstd"), "{}", said.out);
    assert!(
        said.out.contains("✓ limit    http/protobuf: requests of 3.00 MiB are taken, of "),
        "{}",
        said.out
    );
}

#[cfg(unix)]
#[test]
fn a_unix_socket_has_no_name_and_may_be_missing() {
    let path = std::env::temp_dir().join(format!("otlp-cli-{}.sock", std::process::id()));
    let endpoint = format!("unix://{}", path.display());
    ill(&examine(&endpoint, &[]), &["there is no such socket", "correct the path", "#connect"]);
    let collector = collector(Collector::builder().unix(&path));
    let said = examine(&endpoint, &["-p", "grpc,http/protobuf"]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(
        said.out.contains("✓ grpc") && said.out.contains("✓ http") && !said.out.contains("dns"),
        "{}",
        said.out
    );
    assert_eq!(collector.received().items(), 6);
}

#[test]
fn nothing_listening() {
    let collector = collector(Collector::builder().grpc());
    let proxy = FaultProxy::to(collector.grpc_endpoint()).refusing().start_blocking().unwrap();
    let said = examine(&proxy.endpoint(), &[]);
    ill(&said, &["connection refused", "nothing listens on 127.0.0.1:", "start the collector", "#connect"]);
    assert!(said.out.contains("– tcp      not tried for that reason: grpc, traces"), "{}", said.out);
}

#[test]
fn a_name_that_nobody_knows() {
    // Reserved (RFC 6761): there is no such name, with a resolver or without.
    let said = examine("http://collector.invalid:4317", &["--no-proxy"]);
    ill(&said, &["✗ dns", "the name collector.invalid is not known here", "check the spelling", "#connect"]);
}

#[test]
fn a_black_hole_ends_in_bounded_time() {
    let collector = collector(Collector::builder());
    for (endpoint, protocol) in
        [(collector.grpc_endpoint(), "grpc"), (collector.http_endpoint(), "http/protobuf")]
    {
        let script = FaultScript::always(Fault::black_hole());
        let proxy = FaultProxy::to(endpoint).script(script).start_blocking().unwrap();
        let said = run(&["doctor", &proxy.endpoint(), "-p", protocol, "--timeout", "1s"]);
        ill(&said, &["no answer within 1s", "never says a word", "a firewall", "#timeout"]);
    }
}

#[test]
fn grpc_at_a_port_for_http() {
    let collector = collector(Collector::builder().http());
    let said = examine(&collector.http_endpoint(), &["-p", "grpc"]);
    ill(
        &said,
        &[
            "✗ grpc",
            "this is a port for OTLP/HTTP, and it was spoken to with gRPC",
            "--protocol http/protobuf",
            "usually 4317",
            "#connect",
        ],
    );
}

#[test]
fn http_at_a_port_for_grpc() {
    let collector = collector(Collector::builder().grpc());
    let said = examine(&collector.grpc_endpoint(), &["-p", "http/protobuf"]);
    ill(
        &said,
        &[
            "✗ http",
            "this is a port for OTLP/gRPC, and it was spoken to with HTTP",
            "--protocol grpc",
            "usually 4318",
            "#connect",
        ],
    );
}

/// It closes what is no SSH at once, and says its name last where nothing was said to it.
#[test]
fn other_software_is_named() {
    const NAME: &[u8] = b"SSH-2.0-OpenSSH_9.9\r\n";
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let refused = Arc::new((Mutex::new(0), Condvar::new()));
    let serve = move |mut stream: TcpStream| {
        let (count, more) = &*refused;
        let mut silent = stream.try_clone().unwrap();
        let others = Arc::clone(&refused);
        std::thread::spawn(move || {
            let (count, more) = &*others;
            // The step for gRPC, and then TLS, HTTP and gRPC.
            drop(more.wait_while(count.lock().unwrap(), |count| *count < 4));
            let _ = silent.write_all(NAME);
        });
        if matches!(stream.read(&mut [0; 4096]), Ok(1..)) {
            let _ = stream.write_all(NAME);
            let _ = stream.read_to_end(&mut Vec::new());
            *count.lock().unwrap() += 1;
            more.notify_all();
        }
    };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    let said = examine(&format!("http://{address}"), &[]);
    ill(&said, &["another service listens here (SSH-2.0-OpenSSH_9.9)", "check host and port", "#connect"]);
}

/// It closes whatever is said to it: each protocol is tried once, and then the port is listened to, in every way there is.
#[test]
fn a_port_is_listened_to_once_whatever_is_spoken_there() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let connections = |protocols: &str| {
        let before = taken.load(Ordering::SeqCst);
        let said = examine(&format!("http://{address}"), &["-p", protocols]);
        ill(&said, &["✗ port", "closes them at once"]);
        // They are taken in their order: when this one is, all others were.
        let _ = TcpStream::connect(address).unwrap().read(&mut [0]);
        taken.load(Ordering::SeqCst) - before
    };
    let one = connections("grpc");
    assert_eq!(connections("grpc,http/protobuf"), one + 1);
}

#[test]
fn a_proxy_that_wants_a_password() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(answer);
            // Until the other side has gone: closing over what it sent would be a reset.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    let said = examine("http://collector.invalid:4317", &["--proxy", &proxy]);
    ill(&said, &["✓ tcp", "✗ proxy", "the proxy answers 407", "http://user:password@proxy:port", "#proxy"]);
}

#[test]
fn limits_are_found_without_sending_data() {
    let collector = collector(Collector::builder().grpc().max_request_bytes(200_000));
    let said = examine(&collector.grpc_endpoint(), &["--limits", "--empty", "--signal", "traces", "--json"]);
    let finding = &findings(&said, "limit")[0];
    // A client sends more.
    assert_eq!((said.code, &finding["status"]), (Some(1), &"failed".into()), "{finding:#}");
    let limit = &finding["facts"];
    assert_eq!(limit["client_bytes"], 2 << 20);
    let (taken, refused) = (limit["taken_bytes"].as_u64().unwrap(), limit["refused_bytes"].as_u64().unwrap());
    assert!(taken <= 200_000 && 200_000 < refused && refused - taken < 20_000, "{limit}");
    assert_eq!(collector.received().items(), 0);
}

#[test]
fn json_has_its_documented_shape() {
    let collector = collector(Collector::builder().grpc().reply(Reply::status(16)));
    let said = examine(&collector.grpc_endpoint(), &["--json", "--signal", "traces"]);
    assert_eq!((said.code, said.err.as_str()), (Some(1), ""));
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["configuration"][0]["name"], "endpoint");
    assert_eq!(json["configuration"][0]["origin"], "command line");
    assert_eq!(json["verdict"], serde_json::json!({ "ok": false, "failed": 1 }));
    let failed = json["findings"].as_array().unwrap().iter().find(|it| it["status"] == "failed").unwrap();
    assert_eq!(failed["step"], "traces");
    assert_eq!(failed["see"], "docs/troubleshooting.md#refused");
    assert!(
        failed["cause"].is_string() && failed["cure"].is_string() && failed["facts"]["protocol"] == "grpc"
    );
}

#[test]
fn the_environment_is_heard_and_its_mistakes_are_named() {
    let collector = collector(Collector::builder().http());
    let mut command = otlp(&["doctor", "--timeout", PATIENT]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint());
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2");
    let said = finish(&mut command, b"");
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(
        said.out.contains("(OTEL_EXPORTER_OTLP_ENDPOINT)") && !said.out.contains("hunter2"),
        "{}",
        said.out
    );
    assert_eq!(collector.attempts()[0].call.header("api-key"), Some("hunter2"));
    assert_eq!(collector.tally().of(Signal::Logs), 1);

    // As for an application: what is no good counts as if it were not there.
    let mut command = otlp(&["doctor", &collector.http_endpoint(), "--timeout", PATIENT]);
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "soap").env("OTEL_SDK_DISABLED", "true");
    let said = finish(&mut command, b"");
    ill(
        &said,
        &[
            "• config   OTEL_EXPORTER_OTLP_PROTOCOL",
            "a variable has a value that can't be used",
            "✗ config   OTEL_SDK_DISABLED",
            "unset it",
            "#options",
        ],
    );
    assert_eq!(run(&["doctor", "http://"]).code, Some(2));
    // But where something else is asked for it, that this is well says nothing.
    let mut command = otlp(&["doctor", "--timeout", PATIENT, "-p", "http/protobuf", "--signal", "logs"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint());
    command.env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "ftp://collector");
    let said = finish(&mut command, b"");
    let elsewhere = format!("sends elsewhere, logs to {}", collector.http_endpoint());
    let texts =
        ["✗ config OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "✓ logs", "correct OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"];
    ill(&said, &[&texts[..], &[&elsewhere, "#options", "1 check failed."]].concat());
    // The command line goes before it.
    let said = finish(command.arg(collector.http_endpoint()), b"");
    assert!(
        said.code == Some(0) && said.out.contains("• config   OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"),
        "{}",
        said.out
    );
    // What is odd without any variable is not put down to one. Nothing is asked: there is no such name.
    let said = examine("http://collector.invalid:4318", &["--no-proxy"]);
    ill(&said, &["• config gRPC is spoken to http://collector.invalid:4318, where receivers expect HTTP"]);
    assert!(!said.out.contains("a variable has"), "{}", said.out);
}
