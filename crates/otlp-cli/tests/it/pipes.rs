//! Pipes that nobody reads from any more, as `| head` leaves them: what was found out is still in the exit code and the report.

use crate::decode::TRACE;
use crate::support::otlp;
use otlp_testkit::{Collector, Reply};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// A pipe without a reader.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Runs it with `input`: the exit code.
fn code(command: &mut Command, input: &[u8]) -> Option<i32> {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // It may end without having read anything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait().unwrap().code()
}

#[test]
fn without_a_reader_the_exit_code_is_the_same_and_the_report_is_written() {
    let refusing = Collector::builder().http().reply(Reply::http_status(400)).start_blocking().unwrap();
    let taking = Collector::builder().http().start_blocking().unwrap();
    let report = std::env::temp_dir().join(format!("otlp-cli-{}-unread.txt", std::process::id()));
    let path = report.to_str().unwrap();
    for (collector, expected) in [(&taking, 0), (&refusing, 1)] {
        let endpoint = collector.http_endpoint();
        for line in [
            &["doctor", "--timeout", "60s", "--report", path, &endpoint][..],
            &["doctor", "--timeout", "60s", "--report", path, "--json", &endpoint],
            &["send", "--deadline", "60s", "--endpoint", &endpoint, "-"],
            &["send", "--deadline", "60s", "--json", "--endpoint", &endpoint, "-"],
            &["load", "--deadline", "60s", "--count", "1", "--endpoint", &endpoint],
        ] {
            let ended = code(otlp(line).stdout(unread()).stderr(Stdio::null()), TRACE.as_bytes());
            assert_eq!(ended, Some(expected), "{line:?}");
            if line[0] == "doctor" {
                let text = std::fs::read_to_string(&report).unwrap();
                std::fs::remove_file(&report).unwrap();
                assert!(text.contains("=== findings ==="), "{text}");
            }
        }
    }
}

#[test]
fn without_a_reader_of_errors_the_exit_code_is_the_same() {
    for (line, expected) in [
        (&["decode", "/does/not/exist"][..], 1),
        (&["doctor", "no endpoint"], 2),
        (&["send", "--endpoint", "no endpoint", "-"], 2),
    ] {
        assert_eq!(code(otlp(line).stderr(unread()), b""), Some(expected), "{line:?}");
    }
    let collector = Collector::builder().http().start_blocking().unwrap();
    let report = std::env::temp_dir().join(format!("otlp-cli-{}-no-errors.txt", std::process::id()));
    let mut command = otlp(&["doctor", "--timeout", "60s", "--report", report.to_str().unwrap()]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint()).stdout(Stdio::null());
    let ended = code(command.stderr(unread()), b"");
    std::fs::remove_file(&report).unwrap();
    assert_eq!(ended, Some(0));
    // Its warning is about the variable.
    let mut command = otlp(&["send", "--deadline", "60s", "-"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint()).stdout(Stdio::null());
    command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "soon");
    assert_eq!(code(command.stderr(unread()), TRACE.as_bytes()), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_reader_of_errors_whoever_sends_is_still_answered() {
    let line = ["serve", "--json", "--grpc", "0", "--http", "0", "--quiet", "--output", "/dev/full"];
    let mut serving =
        otlp(&line).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(unread()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let listening: serde_json::Value = serde_json::from_str(&first).unwrap();
    let address = listening["listening"]["http"].as_str().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let length = TRACE.len();
    let head = "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n";
    write!(stream, "{head}Host: {address}\r\nContent-Length: {length}\r\n\r\n{TRACE}").unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert!(read.is_ok() && answer.starts_with("HTTP/1.1 503 "), "{read:?} {answer}");
}
