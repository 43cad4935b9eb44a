//! The options that say how `otlp send` and `otlp load` reach a receiver, and what a queue that is full does: each with a receiver that
//! gets nothing, or something else, without it.

use crate::decode::TRACE;
use crate::doctor_tls::{self, Authority};
use crate::support::{Said, finish, otlp, run_with};
use crate::tunnel::tunnel;
use otlp_model::Encoding;
use otlp_testkit::{Collector, Reply, Script, TestCa};

fn send(endpoint: &str, more: &[&str]) -> Said {
    let line = ["send", "-", "--endpoint", endpoint, "-p", "grpc", "--json"];
    run_with(&[&line[..], more].concat(), TRACE.as_bytes())
}

/// The document of the run, which must have ended so.
fn report(said: &Said, code: i32) -> serde_json::Value {
    assert_eq!(said.code, Some(code), "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

const PATIENT: [&str; 2] = ["--deadline", "60s"];
/// Where nothing can arrive.
const HASTY: [&str; 2] = ["--deadline", "500ms"];

#[test]
fn the_server_must_have_the_name_that_is_said() {
    let authority = Authority::new("send-name");
    let collector = doctor_tls::collector(&authority.ca.server(&["collector.invalid"]).unwrap());
    let endpoint = collector.grpc_endpoint();
    let said = send(&endpoint, &[&authority.flags()[..], &HASTY].concat());
    assert_eq!(report(&said, 1)["delivered"], 0, "{said:?}");
    assert_eq!(collector.received().items(), 0);

    let named = ["--server-name", "collector.invalid"];
    let said = send(&endpoint, &[&authority.flags()[..], &named, &PATIENT].concat());
    assert_eq!(report(&said, 0)["delivered"], 1, "{said:?}");
    assert_eq!(collector.received().items(), 1);
}

#[test]
fn a_server_that_nobody_vouches_for_is_taken_when_that_is_asked_for_alone() {
    let stranger = TestCa::new("send-stranger").unwrap();
    let collector = doctor_tls::collector(&stranger.server(&["127.0.0.1"]).unwrap());
    let endpoint = collector.grpc_endpoint();
    let said = send(&endpoint, &HASTY);
    assert_eq!(report(&said, 1)["delivered"], 0, "{said:?}");

    let said = send(&endpoint, &[&["--insecure-skip-verify"][..], &PATIENT].concat());
    assert_eq!(report(&said, 0)["delivered"], 1, "{said:?}");
    assert_eq!(collector.received().items(), 1);
}

#[test]
fn the_proxy_is_the_one_that_is_said_or_none() {
    const NOWHERE: &str = "http://collector.invalid:4317";
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let (url, asked) = tunnel(&collector.grpc_endpoint());
    let said = send(NOWHERE, &[&["--proxy", &url][..], &PATIENT].concat());
    assert_eq!(report(&said, 0)["delivered"], 1, "{said:?}");
    let heads: Vec<String> = asked.try_iter().collect();
    assert!(
        heads.len() == 1 && heads[0].starts_with("CONNECT collector.invalid:4317 HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert_eq!(collector.received().items(), 1);

    let line = ["send", "-", "--endpoint", NOWHERE, "--json", "--no-proxy"];
    let mut command = otlp(&[&line[..], &HASTY].concat());
    let said = finish(command.env("HTTP_PROXY", &url), TRACE.as_bytes());
    assert_eq!(report(&said, 1)["delivered"], 0, "{said:?}");
    assert_eq!(asked.try_iter().count(), 0);
}

#[test]
fn who_does_not_answer_in_time_is_asked_again() {
    let script = Script::new().next(1, Reply::hang()).then(Reply::ok());
    let collector = Collector::builder().grpc().reply(script).start_blocking().unwrap();
    let line = ["send", "-", "--endpoint", &collector.grpc_endpoint(), "-p", "grpc", "--timeout", "200ms"];
    // Without the option the attempt that hangs would have all the time there is.
    let mut command = otlp(&[&line[..], &PATIENT, &["--json"]].concat());
    let said = finish(command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"), TRACE.as_bytes());
    assert_eq!(report(&said, 0)["delivered"], 1, "{said:?}");
    assert!(collector.attempts().len() >= 2, "{said:?}");
}

#[test]
fn requests_are_compressed_as_is_said() {
    for (packing, encoding) in
        [("none", Encoding::Identity), ("gzip", Encoding::Gzip), ("zstd", Encoding::Zstd)]
    {
        let collector = Collector::builder().grpc().start_blocking().unwrap();
        let line = ["--compression", packing];
        let said = send(&collector.grpc_endpoint(), &[&line[..], &PATIENT].concat());
        assert_eq!(report(&said, 0)["delivered"], 1, "{said:?}");
        assert_eq!(collector.attempts()[0].call.encoding, encoding, "{packing}");
    }
}

#[test]
fn a_full_queue_holds_up_send_and_with_block_load() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let endpoint = collector.grpc_endpoint();
    let receiver = ["--endpoint", &endpoint, "-p", "grpc", "--json"];
    let small = |line: &[&str], input: &[u8]| {
        let mut command = otlp(&[line, &receiver, &PATIENT].concat());
        finish(command.env("OTEL_BSP_MAX_QUEUE_SIZE", "10"), input)
    };
    let said = small(&["send", "-"], [TRACE; 3000].join("\n").as_bytes());
    assert_eq!(report(&said, 0)["delivered"], 3000, "{said:?}");
    let said = small(&["load", "--rate", "max", "--count", "3000", "--block"], b"");
    assert_eq!(report(&said, 0)["books"]["delivered"], 3000, "{said:?}");
    assert_eq!(collector.received().items(), 6000);
}
