//! `otlp serve`: what is sent is received, told, kept in a file, and the books of both sides agree.

use crate::decode::{LOG, METRIC, TRACE};
use crate::serving::Serving;
use crate::support::{otlp, run, run_with};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn load_and_serve_agree_on_what_was_sent() {
    // conf: SURV-13, COMP-06
    for (protocol, compression) in
        [("grpc", "none"), ("grpc", "gzip"), ("http/protobuf", "gzip"), ("http/json", "zstd")]
    {
        let serving = Serving::start(&["--quiet"]);
        let endpoint = if protocol == "grpc" { &serving.grpc } else { &serving.http };
        let endpoint = format!("http://{endpoint}");
        let said = run(&[
            "load",
            "--json",
            "--endpoint",
            &endpoint,
            "-p",
            protocol,
            "--compression",
            compression,
            "--count",
            "3001",
            "--rate",
            "max",
            "--threads",
            "2",
            "--children",
            "2",
            "--block",
            "--deadline",
            "60s",
        ]);
        let sent: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.code, &sent["balanced"]), (Some(0), &true.into()), "{protocol}: {said:?}");
        let received = serving.summary();
        assert_eq!(sent["books"]["delivered"], 3001, "{protocol}");
        assert_eq!(received["spans"], 3001, "{protocol} {received}");
        assert_eq!(received["refused_requests"], 0, "{protocol} {received}");
    }
}

#[test]
fn every_signal_is_told_and_appended_as_lines_that_can_be_sent_again() {
    let file = std::env::temp_dir().join(format!("otlp-cli-serve-{}.jsonl", std::process::id()));
    let _ = std::fs::remove_file(&file);
    let path = file.to_str().unwrap();
    let lines = format!("{TRACE}\n{METRIC}\n{LOG}\n");
    for round in 1..=2 {
        let mut serving = Serving::start(&["--output", path]);
        let endpoint = format!("http://{}", serving.grpc);
        let said = run_with(&["send", "-", "--endpoint", &endpoint, "-p", "grpc"], lines.as_bytes());
        assert_eq!(said.code, Some(0), "{said:?}");
        let mut told: Vec<Value> = (0..3).map(|_| serving.line()).collect();
        told.sort_by_key(Value::to_string);
        assert_eq!(told[0]["log"]["body"], "hello");
        assert_eq!(
            (&told[1]["metric"]["name"], &told[1]["metric"]["value"]),
            (&"queue.length".into(), &3.0.into())
        );
        assert_eq!(
            (&told[2]["span"]["service"], &told[2]["span"]["name"]),
            (&"checkout".into(), &"GET /cart".into())
        );
        let summary = serving.summary();
        assert_eq!(
            (&summary["spans"], &summary["data_points"], &summary["log_records"]),
            (&1.into(), &1.into(), &1.into())
        );
        // What was there is not lost when it is started again.
        let decoded = run(&["decode", path]);
        assert_eq!(decoded.code, Some(0), "{decoded:?}");
        assert_eq!(decoded.out, std::fs::read_to_string(&file).unwrap());
        assert_eq!(decoded.out.lines().count(), 3 * round);
        assert!(decoded.out.contains("\"name\":\"GET /cart\""), "{}", decoded.out);
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn whoever_listens_beyond_this_machine_is_warned() {
    for (line, warned) in [
        (&["--grpc", "0.0.0.0:0", "--http", "127.0.0.1:0"][..], &["can send"][..]),
        (&["--grpc", "127.0.0.1:0", "--http", "0.0.0.0:0"], &["can send"]),
        (&["--grpc", "0", "--http", "0", "--ui", "0.0.0.0:0"], &["can read what was received"]),
        (&["--grpc", "0", "--http", "0", "--ui", "0"], &[]),
    ] {
        let mut command = otlp(&[&["serve"], line].concat());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
        child.kill().unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), warned.len(), "{line:?}: {said}");
        for (said, what) in lines.iter().zip(warned) {
            assert!(said.starts_with("warning: whoever reaches 0.0.0.0:") && said.contains(what), "{said}");
        }
    }
}

#[test]
fn people_get_a_line_per_item_and_a_summary_and_ctrl_c_ends_it() {
    let line = ["serve", "--grpc", "0", "--http", "127.0.0.1:0"];
    let mut child = otlp(&line).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let http = first.rsplit(' ').next().unwrap();
    assert!(first.starts_with("listening for gRPC on 127.0.0.1:"), "{first}");
    let said = run_with(
        &["send", "-", "--endpoint", &format!("http://{http}"), "-p", "http/json"],
        TRACE.as_bytes(),
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(lines.next().unwrap(), "22:13:20.100  span    checkout  GET /cart  100.0ms");
    assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
    let rest: Vec<String> = lines.collect();
    assert_eq!(rest, ["received 1 item in 1 request: 1 span, 0 data points, 0 log records"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Begins a request, tells the command to end, and returns when nobody is let in any more.
fn begin_and_end(serving: &Serving) -> TcpStream {
    let mut stream = TcpStream::connect(&serving.http).unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\nconnection: close\r\n\r\n",
        serving.http,
        TRACE.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    serving.signal("TERM");
    while TcpStream::connect(&serving.http).is_ok() {
        std::thread::yield_now();
    }
    stream
}

#[test]
fn what_was_begun_is_answered_before_it_ends() {
    // conf: SURV-15
    let serving = Serving::start(&["--quiet"]);
    let mut stream = begin_and_end(&serving);
    stream.write_all(TRACE.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(serving.ended().pop().unwrap()["summary"]["spans"], 1);
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let serving = Serving::start(&["--quiet"]);
    let mut stream = begin_and_end(&serving);
    serving.signal("INT");
    assert_eq!(serving.ended().pop().unwrap()["summary"]["spans"], 0);
    // There is no answer, and no connection any more.
    assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn memory_is_bounded_and_what_goes_is_counted() {
    let serving = Serving::start(&["--quiet", "--keep", "2"]);
    let endpoint = format!("http://{}", serving.http);
    for _ in 0..5 {
        let said = run_with(&["send", "-", "--endpoint", &endpoint, "-p", "http/protobuf"], LOG.as_bytes());
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let summary = serving.summary();
    assert_eq!(
        (&summary["log_records"], &summary["kept_items"], &summary["forgotten_items"]),
        (&5.into(), &2.into(), &3.into())
    );
}

#[test]
fn the_doctor_finds_it_healthy_with_the_limits_of_a_collector() {
    // conf: SURV-01, SURV-14
    let serving = Serving::start(&["--quiet"]);
    let (grpc, http) = (format!("http://{}", serving.grpc), format!("http://{}", serving.http));
    for (endpoint, protocol, limit) in
        [(&grpc, "grpc", "of 4.00 MiB are taken"), (&http, "http/protobuf", "of 20.00 MiB are taken")]
    {
        let said = run(&["doctor", endpoint, "-p", protocol, "--limits", "--timeout", "60s"]);
        assert_eq!(said.code, Some(0), "{}", said.out);
        for line in ["✓ traces", "✓ metrics", "✓ logs", "✓ gzip", "✓ zstd", limit] {
            assert!(said.out.contains(line), "{line}: {}", said.out);
        }
    }
}

#[test]
fn what_can_not_be_is_said() {
    let serving = Serving::start(&["--quiet"]);
    let said = run(&["serve", "--grpc", &serving.grpc, "--http", "0"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("cannot listen on") && said.err.contains("--grpc takes another"), "{said:?}");
    for line in [&["serve", "--keep", "64mb"][..], &["serve", "--grpc", "collector"]] {
        assert_eq!(run(line).code, Some(2), "{line:?}");
    }
    let said = run(&["serve", "--grpc", "0", "--http", "0", "--output", "/does/not/exist"]);
    assert!(said.code == Some(1) && said.err.contains("/does/not/exist"), "{said:?}");
}
