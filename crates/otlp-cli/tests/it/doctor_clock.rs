//! `otlp doctor` and time: how long an answer takes, and whether the clocks agree.

use crate::doctor::{examine, findings, ill};
use otlp_testkit::{Collector, Reply};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn answering(reply: Reply) -> Collector {
    Collector::builder().reply(reply).start_blocking().unwrap()
}

fn both(collector: &Collector) -> [(String, &'static str); 2] {
    [(collector.grpc_endpoint(), "grpc"), (collector.http_endpoint(), "http/protobuf")]
}

#[test]
fn clocks_that_agree_are_told_to() {
    let collector = answering(Reply::ok());
    for (endpoint, protocol) in both(&collector) {
        let said = examine(&endpoint, &["-p", protocol]);
        let line = "✓ clock    this machine's clock agrees with the receiver's\n";
        assert!(said.code == Some(0) && said.out.contains(line), "{}", said.out);
        let said = examine(&endpoint, &["-p", protocol, "--json"]);
        let clock = &findings(&said, "clock")[0];
        let skew = clock["facts"]["skew_seconds"].as_f64().unwrap();
        assert!(clock["status"] == "ok" && (0.0..=5.0).contains(&skew), "{clock:#}");
    }
}

#[test]
fn clocks_that_differ_are_an_ailment_with_cause_and_cure() {
    let past = answering(Reply::ok().with_header("date", "Sat, 01 Jan 2000 00:00:00 GMT"));
    let future = answering(Reply::ok().with_header("date", "Fri, 01 Jan 2100 00:00:00 GMT"));
    let both = both(&past).into_iter().zip(both(&future));
    for ((past, protocol), (future, _)) in both {
        let mut sum = 0.0;
        for (endpoint, which) in [(&past, "ahead of"), (&future, "behind")] {
            let json = examine(endpoint, &["-p", protocol, "--json", "--empty"]);
            let clock = &findings(&json, "clock")[0];
            let skew = clock["facts"]["skew_seconds"].as_f64().unwrap();
            let text = format!("this machine's clock is {skew:.0} s {which} the receiver's");
            assert_eq!(
                (json.code, &clock["status"], &clock["text"]),
                (Some(1), &"failed".into(), &text.into())
            );
            sum += skew;

            let said = examine(endpoint, &["-p", protocol]);
            ill(
                &said,
                &[
                    "✗ clock this machine's clock is ",
                    &format!(" s {which} the receiver's"),
                    "✗ clock one of the two clocks is wrong",
                    "set the clocks of both by NTP",
                    "docs/troubleshooting.md#incomplete",
                    "✓ logs",
                    "1 check failed.",
                ],
            );
        }
        // What one is ahead of the first and behind the second is the time between them, whenever that is.
        let century = 36_525.0 * 24.0 * 60.0 * 60.0;
        assert!((sum - century).abs() < 600.0, "{sum}");
    }
}

#[test]
fn a_date_that_is_none_says_nothing() {
    let collector = answering(Reply::ok().with_header("date", "yesterday"));
    for (endpoint, protocol) in both(&collector) {
        let said = examine(&endpoint, &["-p", protocol]);
        let line = "• clock    it can't be told whether this machine's clock agrees with the receiver's: the Date of the answer is \
                    none: yesterday\n";
        assert!(said.code == Some(0) && said.out.contains(line), "{}", said.out);
    }
}

/// Takes every request over HTTP/1.1, and says no more than that.
fn terse(stream: TcpStream) -> Option<()> {
    let (mut requests, mut answers) = (BufReader::new(stream.try_clone().ok()?), stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            requests.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            length = line.strip_prefix("content-length: ").map_or(length, |it| it.parse().unwrap());
        }
        std::io::copy(&mut requests.by_ref().take(length), &mut std::io::sink()).ok()?;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        answers.write_all(answer).ok()?;
    }
}

#[test]
fn without_a_date_it_is_said_that_it_can_not_be_told() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || terse(stream.unwrap()));
        }
    });
    let said = examine(&endpoint, &["-p", "http/protobuf", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    let clock = &findings(&said, "clock")[0];
    let text =
        "it can't be told whether this machine's clock agrees with the receiver's: the answer has no Date";
    assert_eq!((&clock["status"], &clock["text"]), (&"note".into(), &text.into()));
    assert!(clock["facts"]["skew_seconds"].is_null() && clock["cure"].is_null(), "{clock:#}");
}

#[test]
fn the_round_trip_is_the_time_to_the_answer() {
    const DELAY: Duration = Duration::from_millis(80);
    let collector = answering(Reply::ok().delay(DELAY));
    for (endpoint, protocol, step) in
        [(collector.grpc_endpoint(), "grpc", "grpc"), (collector.http_endpoint(), "http/protobuf", "http")]
    {
        let started = tokio::time::Instant::now();
        let said = examine(&endpoint, &["-p", protocol, "--json", "--empty", "--signal", "logs"]);
        let whole = started.elapsed();
        let finding = &findings(&said, step)[0];
        let trip = finding["facts"]["round_trip_milliseconds"].as_f64().unwrap();
        assert!((80.0..whole.as_secs_f64() * 1e3).contains(&trip), "{finding:#}");
        assert!(
            finding["text"].as_str().unwrap().contains(&format!("answers, round trip {trip:.1} ms")),
            "{finding:#}"
        );
        // The others are timed as well.
        let logs = findings(&said, "logs")[0]["facts"]["milliseconds"].as_f64().unwrap();
        assert!((80.0..whole.as_secs_f64() * 1e3).contains(&logs), "{logs}");
        let connected = findings(&said, "tcp")[0]["facts"]["milliseconds"].as_f64().unwrap();
        assert!(connected > 0.0, "{connected}");
    }
}
