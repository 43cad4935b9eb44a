//! `otlp doctor` and what a receiver, or a gateway before it, answers to exports: each refusal has its cause, and makes no other
//! server of it.

use crate::doctor::{PATIENT, examine, findings, ill};
use crate::support::run;
use otlp_model::{Format, Signal};
use otlp_testkit::{Collector, Reply, Script};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[test]
fn statuses_have_cause_and_cure() {
    for (status, cause, cure) in [
        (401, "none were sent", "OTEL_EXPORTER_OTLP_HEADERS"),
        (403, "does not allow this with them", "give the token the right"),
        // A limit is in a test of its own.
        (413, "takes none, of any size", "the unit that is meant"),
        (429, "a quota or rate limit is used up", "wait, send less"),
        (503, "can't serve now", "is it starting, overloaded"),
    ] {
        let reply = Reply::http_status(status);
        let reply = if status == 429 { reply.retry_after(7) } else { reply };
        let collector = Collector::builder().reply(reply).start_blocking().unwrap();
        let said = examine(&collector.http_endpoint(), &["-p", "http/protobuf"]);
        ill(&said, &[&format!("answered {status}"), cause, cure, "#refused"]);
        if status == 429 {
            ill(&said, &["it asks to wait 7s"]);
        }
    }
    for (code, cause) in
        [(16, "none were sent"), (7, "does not allow this with them"), (8, "rate limit is used up")]
    {
        let collector = Collector::builder().grpc().reply(Reply::status(code)).start_blocking().unwrap();
        let said = examine(&collector.grpc_endpoint(), &[]);
        ill(&said, &[cause, "#refused"]);
        let said = examine(&collector.grpc_endpoint(), &["-H", "authorization=Bearer hunter2"]);
        assert!(!said.out.contains("hunter2"), "{}", said.out);
        if code == 16 {
            ill(&said, &["does not accept the credentials that were sent"]);
        }
    }
}

/// Its endpoints, each with a protocol that is spoken there.
fn everywhere(collector: &Collector) -> [(String, &'static str); 3] {
    let (grpc, http) = (collector.grpc_endpoint(), collector.http_endpoint());
    [(grpc, "grpc"), (http.clone(), "http/protobuf"), (http, "http/json")]
}

/// What answers `reply` to requests above `limit` bytes.
fn limited(limit: u64, reply: Reply) -> Collector {
    let script =
        Script::from_fn(move |call| if call.wire_bytes > limit { reply.clone() } else { Reply::ok() });
    Collector::builder().http().reply(script).start_blocking().unwrap()
}

#[test]
fn a_receiver_that_takes_less_than_a_client_sends_is_an_ailment() {
    let gateway = limited(1 << 20, Reply::http_status(413));
    for (flags, found, hint) in [
        (&[][..], "a request of 2.00 MiB is not taken: ", "; --limits finds out how much it takes"),
        (&["--limits"][..], "requests of 1.00 MiB are taken, of 1.06 MiB not: ", "that is too large"),
    ] {
        let said = examine(&gateway.http_endpoint(), &[&["-p", "http/protobuf"], flags].concat());
        ill(
            &said,
            &[
                "✓ logs",
                &format!("✗ limit http/protobuf: {found}"),
                "answered 413",
                "takes less than a client sends at once: up to 2.00 MiB by default",
                "client_max_body_size",
                "with_max_request_bytes",
                hint,
                "#refused",
                "1 check failed.",
            ],
        );
    }
    // Enough is no ailment, wherever the limit is.
    let receiver = limited(3 << 20, Reply::http_status(413));
    for flags in [&[][..], &["--limits"]] {
        let said = examine(&receiver.http_endpoint(), &[&["-p", "http/protobuf"], flags].concat());
        assert!(said.code == Some(0) && said.out.contains("✓ limit"), "{}", said.out);
    }
}

#[test]
fn only_what_is_called_too_large_is_a_limit() {
    let busy = limited(1 << 20, Reply::http_status(503));
    for flags in [&[][..], &["--limits"]] {
        let said = examine(&busy.http_endpoint(), &[&["-p", "http/protobuf"], flags].concat());
        let found = "✗ limit http/protobuf: a request of 2.00 MiB failed: ";
        ill(&said, &[found, "answered 503", "can't serve now", "1 check failed."]);
        assert!(!said.out.contains("max_request_bytes"), "{}", said.out);
    }
    // Beyond what a client sends it is no ailment of the client's.
    let busy = limited(2 << 20, Reply::http_status(503));
    let said = examine(&busy.http_endpoint(), &["-p", "http/protobuf", "--limits", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    let limit = &findings(&said, "limit")[0];
    let text = "http/protobuf: requests of 2.00 MiB are taken; a request of 4.00 MiB failed: ";
    assert!(limit["status"] == "note" && limit["text"].as_str().unwrap().starts_with(text), "{limit:#}");
    assert!(
        limit["facts"]["taken_bytes"] == 2 << 20 && limit["facts"]["refused_bytes"].is_null(),
        "{limit:#}"
    );
}

/// What closes over a request that it has not read is heard by chance.
#[test]
fn a_limit_is_found_behind_connections_that_are_lost() {
    let lost = AtomicUsize::new(0);
    let script = Script::from_fn(move |call| match call.wire_bytes {
        ..=1_048_576 => Reply::ok(),
        _ if lost.fetch_add(1, Ordering::Relaxed) < 3 => Reply::close(),
        _ => Reply::http_status(413),
    });
    let gateway = Collector::builder().http().reply(script).start_blocking().unwrap();
    let said = examine(&gateway.http_endpoint(), &["-p", "http/protobuf"]);
    ill(
        &said,
        &["✗ limit http/protobuf: a request of 2.00 MiB is not taken: ", "answered 413", "1 check failed."],
    );
    // What is never heard is told as what it is.
    let script = Script::from_fn(|call| if call.wire_bytes > 1 << 20 { Reply::close() } else { Reply::ok() });
    let gateway = Collector::builder().http().reply(script).start_blocking().unwrap();
    let said = examine(&gateway.http_endpoint(), &["-p", "http/protobuf"]);
    let found = "✗ limit http/protobuf: a request of 2.00 MiB failed: lost the connection";
    ill(&said, &[found, "the connection was closed instead of an answer", "1 check failed."]);
}

#[test]
fn a_gateway_before_grpc_is_no_wrong_port() {
    // conf: GRPC-07
    for (status, cause) in [
        (401, "the receiver wants credentials, and none were sent"),
        (403, "a gateway before it forbids it"),
        (429, "the receiver, or a gateway before it, can't serve now"),
        (503, "the receiver, or a gateway before it, can't serve now"),
    ] {
        let page = Reply::body("<h1>not now</h1>", "text/html").with_http_status(status);
        let collector = Collector::builder().grpc().reply(page).start_blocking().unwrap();
        let said = examine(&collector.grpc_endpoint(), &[]);
        let answered = format!("✓ grpc HTTP/2 answers with status {status} and no gRPC status");
        ill(&said, &[&answered, "✗ traces", "✗ logs", cause, "#refused", "3 checks failed."]);
    }
    let page = Reply::body("<h1>no such page</h1>", "text/html").with_http_status(404);
    let collector = Collector::builder().grpc().reply(page).start_blocking().unwrap();
    ill(&examine(&collector.grpc_endpoint(), &[]), &["✗ grpc", "✗ port"]);
}

#[test]
fn a_receiver_without_two_of_the_signals_is_a_receiver_all_the_same() {
    let only_metrics = Script::always(Reply::status(12)).on(Signal::Metrics, Script::new());
    let collector = Collector::builder().reply(only_metrics).start_blocking().unwrap();
    for (endpoint, protocol, cause) in [
        (collector.grpc_endpoint(), "grpc", "has no service for traces"),
        (collector.http_endpoint(), "http/protobuf", "there is no /v1/traces on this server"),
    ] {
        let said = examine(&endpoint, &["-p", protocol]);
        ill(&said, &["✗ traces", "✓ metrics", "✗ logs", cause, "2 checks failed."]);
        assert!(!said.out.contains("✗ port"), "{}", said.out);
    }
}

/// 400 is also what ports for TLS say to clear text, and 415 what other servers say.
#[test]
fn a_receiver_that_refuses_everything_is_a_receiver_all_the_same() {
    for (status, cause) in [
        (400, "the receiver found no sense in a correct request"),
        (415, "what answers here does not take OTLP as http/json"),
    ] {
        let no_json = Script::from_fn(move |call| {
            if call.format == Format::Json { Reply::http_status(status) } else { Reply::ok() }
        });
        let collector = Collector::builder().http().reply(no_json).start_blocking().unwrap();
        let said = examine(&collector.http_endpoint(), &["-p", "http/json"]);
        ill(&said, &[cause, "#refused", "3 checks failed."]);
        assert!(!said.out.contains("✗ port"), "{}", said.out);
    }
    let collector = Collector::builder().http().reply(Reply::http_status(400)).start_blocking().unwrap();
    let said = examine(&collector.http_endpoint(), &["-p", "http/protobuf"]);
    ill(&said, &["the receiver found no sense in a correct request", "3 checks failed."]);
    assert!(!said.out.contains("✗ port"), "{}", said.out);
}

/// An endpoint on the command line is tried with both kinds of bodies, and an application writes protobuf.
#[test]
fn json_that_nobody_asked_for_may_be_missing() {
    let without = |format: Format, status: u16| {
        let script =
            Script::from_fn(
                move |call| {
                    if call.format == format { Reply::http_status(status) } else { Reply::ok() }
                },
            );
        Collector::builder().http().reply(script).start_blocking().unwrap()
    };
    let examine = |collector: &Collector, more: &[&str]| {
        run(&[&["doctor", &collector.http_endpoint(), "--timeout", PATIENT], more].concat())
    };
    for status in [400, 404, 415] {
        let collector = without(Format::Json, status);
        let said = examine(&collector, &[]);
        assert_eq!(said.code, Some(0), "{}", said.out);
        for text in [
            "✓ logs     http/protobuf: a real request taken",
            "• logs     http/json: an empty request failed: ",
            "All is well",
        ] {
            assert!(said.out.contains(text), "{text}: {}", said.out);
        }
        assert!(!said.out.contains("cure"), "{}", said.out);
        // Who names it wants it.
        ill(
            &examine(&collector, &["-p", "http/protobuf,http/json"]),
            &["✗ logs http/json", "3 checks failed."],
        );
    }
    // The other way round it is one for whoever is told nothing; and what takes neither has one cause.
    ill(&examine(&without(Format::Protobuf, 415), &[]), &["✗ logs http/protobuf", "3 checks failed."]);
    let nothing = Collector::builder().http().reply(Reply::http_status(401)).start_blocking().unwrap();
    ill(&examine(&nothing, &[]), &["✗ logs http/json", "6 checks failed."]);
}

#[test]
fn a_path_that_is_not_there() {
    let collector = Collector::builder().http().start_blocking().unwrap();
    let endpoint = format!("{}/wrong", collector.http_endpoint());
    let said = examine(&endpoint, &["-p", "http/protobuf"]);
    ill(
        &said,
        &[
            "answered 404",
            "there is no /wrong/v1/traces on this server",
            "the endpoint for all signals is a base",
            "in a configuration file, is used as it is",
            "#refused",
        ],
    );
}

#[test]
fn a_path_that_was_appended_twice() {
    let collector = Collector::builder().http().start_blocking().unwrap();
    for slash in ["", "/"] {
        let endpoint = format!("{}/in/v1/traces{slash}", collector.http_endpoint());
        let said = examine(&endpoint, &["-p", "http/protobuf"]);
        ill(
            &said,
            &[
                "the path of a signal was appended twice: the endpoint ends in /v1/traces already, and there is no \
                 /in/v1/traces/v1/… on",
                "leave /v1/traces out of the endpoint",
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "#refused",
                // It is no other server for it.
                "3 checks failed.",
            ],
        );
        assert!(!said.out.contains("a pipeline without"), "{}", said.out);
        assert_eq!(said.out.matches("leave /v1/traces").count(), 1, "{}", said.out);
    }
}

#[test]
fn what_is_rejected_is_told_with_the_receivers_reason() {
    for (reply, told, message) in [
        (Reply::partial_success(1, "too old"), "1 rejected: too old", Value::from("too old")),
        (Reply::partial_success(1, ""), "1 rejected: it does not say why", Value::Null),
    ] {
        let collector = Collector::builder().reply(reply).start_blocking().unwrap();
        for (endpoint, protocol) in everywhere(&collector) {
            let cause = format!("answers with a partial success: {told}");
            let said = examine(&endpoint, &["-p", protocol]);
            ill(
                &said,
                &["✗ traces", "a real request taken, ", &format!("ms, but {told}"), &cause, "#refused"],
            );
            let said = examine(&endpoint, &["-p", protocol, "--json"]);
            // Of the empty request there was nothing to reject.
            let facts = &findings(&said, "logs")[1]["facts"];
            assert_eq!((&facts["rejected"], &facts["message"]), (&1.into(), &message), "{facts:#}");
        }
    }
}

#[test]
fn a_warning_with_nothing_rejected_is_a_note() {
    let warning = Reply::partial_success(0, "this port will be closed");
    let collector = Collector::builder().reply(warning).start_blocking().unwrap();
    for (endpoint, protocol) in everywhere(&collector) {
        let said = examine(&endpoint, &["-p", protocol]);
        assert_eq!(said.code, Some(0), "{}", said.out);
        let lines =
            said.out.lines().filter(|line| line.ends_with("ms, with a warning: this port will be closed"));
        // An empty request and a real one of each signal.
        assert_eq!(lines.filter(|line| line.starts_with("• ")).count(), 6, "{}", said.out);
        let said = examine(&endpoint, &["-p", protocol, "--json"]);
        let logs = &findings(&said, "logs")[1];
        assert_eq!((&logs["status"], &logs["facts"]["rejected"]), (&"note".into(), &0.into()), "{logs:#}");
        assert_eq!(logs["facts"]["message"], "this port will be closed");
    }
}

#[test]
fn how_long_the_receiver_asks_to_wait_is_told() {
    let (busy, throttled) = ("can't serve now; it asks to wait", "limit is used up; it asks to wait");
    let (unavailable, exhausted) = (Reply::unavailable, Reply::resource_exhausted);
    for (reply, protocol, cause, wait) in [
        (unavailable().retry_info(Duration::from_millis(2500)), "grpc", busy, Some(2.5)),
        (exhausted().retry_info(Duration::from_secs(3)), "grpc", throttled, Some(3.0)),
        (unavailable().retry_after(9), "http/protobuf", busy, Some(9.0)),
        (exhausted().retry_after(4), "http/json", throttled, Some(4.0)),
        // What over gRPC is no more than metadata.
        (unavailable().retry_after(9), "grpc", "can't serve now", None),
        (exhausted(), "grpc", "the client does not try again", None),
        (unavailable().retry_after("soon"), "http/protobuf", "can't serve now", None),
    ] {
        let collector = Collector::builder().reply(reply).start_blocking().unwrap();
        let endpoint = if protocol == "grpc" { collector.grpc_endpoint() } else { collector.http_endpoint() };
        let said = examine(&endpoint, &["-p", protocol]);
        let asked = wait.map(|wait: f64| format!("{cause} {:?}", Duration::from_secs_f64(wait)));
        ill(&said, &[asked.as_deref().unwrap_or(cause), "#refused", "3 checks failed."]);
        assert_eq!(said.out.contains("it asks to wait"), wait.is_some(), "{}", said.out);
        let said = examine(&endpoint, &["-p", protocol, "--json"]);
        let facts = &findings(&said, "traces")[0]["facts"];
        assert_eq!(facts["retry_after_seconds"].as_f64(), wait, "{protocol}: {facts:#}");
    }
}
