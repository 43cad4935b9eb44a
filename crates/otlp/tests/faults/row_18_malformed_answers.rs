//! Row 18: answers that are malformed, at random. The status that was read decides, whatever is wrong with the rest: a 2xx
//! stays a success, an error stays the error it is, and what cannot be parsed is a diagnosis, never a reason to send again.
//! Where there was no status, there was no answer: that may be tried again.

use crate::course::{Course, Fate};
use crate::support::{PATIENCE, batch_soon, books, builder, retry_soon};
use otlp::{Protocol, SerializationFormat};
use otlp_testkit::{Collector, Reply};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs a property over one client and its collector, a case after the other.
fn course<S: Strategy>(
    protocol: Protocol,
    format: SerializationFormat,
    strategy: S,
    case: impl Fn(S::Value) -> (Reply, Fate),
) {
    let runtime = runtime();
    let course = std::cell::RefCell::new(runtime.block_on(Course::start(protocol, format)));
    // Each case is a few calls over a connection that stays.
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let result = runner.run(&strategy, |value| {
        let (reply, fate) = case(value);
        let name = format!("{reply:?}");
        runtime.block_on(course.borrow_mut().meet(&name, reply, fate));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    runtime.block_on(course.into_inner().end());
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let protobuf_like =
        prop::collection::vec(prop_oneof![Just(0x0a), Just(0x08), 0..0x20u8, any::<u8>()], 1..60);
    let json_like = r#"\{?("partialSuccess"|"code"|"message")?:?[\{\[]?("rejectedSpans"|"errorMessage")?:?-?[0-9"nul]{0,9}[\}\]]?.{0,4}"#;
    prop_oneof![
        protobuf_like,
        json_like.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..300)
    ]
}

fn content_type() -> impl Strategy<Value = String> {
    let types = [
        "application/json",
        "application/x-protobuf",
        "application/grpc",
        "text/html",
        "application/json;=",
        "",
        "/",
    ];
    prop_oneof![prop::sample::select(types.to_vec()).prop_map(str::to_owned), "[!-~]{1,20}"]
}

fn encoding() -> impl Strategy<Value = &'static str> {
    prop_oneof![3 => Just(""), 1 => prop::sample::select(&["gzip", "zstd", "br", "deflate, gzip", "?"][..])]
}

fn http_reply((status, content_type, encoding, body): (u16, String, &str, Vec<u8>)) -> Reply {
    let reply = Reply::body(body, &content_type).with_http_status(status);
    if encoding.is_empty() { reply } else { reply.with_header("content-encoding", encoding) }
}

#[test]
fn a_success_stays_a_success() {
    // conf: PART-08, HTTP-19, SURV-17, SURV-18
    for format in [SerializationFormat::Protobuf, SerializationFormat::Json] {
        // 205 must not have a body, which hyper's server sees to.
        let answer =
            (prop_oneof![Just(200u16), 200..205u16, 206..300u16], content_type(), encoding(), bytes());
        course(Protocol::Http, format, answer, |answer| (http_reply(answer), Fate::Settled));
    }
}

#[test]
fn an_error_stays_the_error_it_is() {
    // conf: HTTP-09, HTTP-10, SURV-17, SURV-18
    let status = prop_oneof![Just(400u16), 401..413u16, 414..429u16, 430..502u16, 505..600u16];
    let answer = (status, content_type(), encoding(), bytes());
    course(Protocol::Http, SerializationFormat::Protobuf, answer, |answer| {
        (http_reply(answer), Fate::Refused(" answered "))
    });
}

#[test]
fn an_error_that_may_pass_is_repeated() {
    // conf: HTTP-09, HTTP-10, HTTP-12
    let status = prop_oneof![Just(429u16), 502..505u16];
    let answer = (status, content_type(), encoding(), bytes());
    course(Protocol::Http, SerializationFormat::Protobuf, answer, |answer| {
        (http_reply(answer), Fate::Repeated)
    });
}

#[test]
fn a_grpc_success_stays_a_success() {
    // conf: PART-08, GRPC-06, SURV-17
    let framed = (bytes(), any::<bool>()).prop_map(|(body, raw)| {
        if raw {
            Reply::body(body, "application/grpc").with_trailer("grpc-status", "0")
        } else {
            Reply::grpc_message(body)
        }
    });
    let answer = (framed, encoding());
    course(Protocol::Grpc, SerializationFormat::Protobuf, answer, |(reply, encoding)| {
        let reply = if encoding.is_empty() { reply } else { reply.with_header("grpc-encoding", encoding) };
        (reply, Fate::Settled)
    });
}

#[test]
fn a_grpc_status_survives_its_details() {
    // conf: GRPC-10, GRPC-27, SURV-17
    let answer = ("[ -~]{0,40}", "[ -~]{0,40}");
    course(Protocol::Grpc, SerializationFormat::Protobuf, answer, |(message, details)| {
        let reply = Reply::body("", "application/grpc").with_header("grpc-status", "3");
        let reply =
            reply.with_header("grpc-message", &message).with_header("grpc-status-details-bin", &details);
        (reply, Fate::Refused("INVALID_ARGUMENT"))
    });
}

/// A server that answers the first connection with `answer` and its end, and passes the others on to `collector`.
async fn answers_once(collector: String, answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            // Only when there is something to answer. The client may leave at any time.
            let _ = first.read(&mut [0; 1_000]).await;
            let _ = first.write_all(&answer).await;
            let _ = first.shutdown().await;
            while first.read(&mut [0; 1_000]).await.is_ok_and(|read| read > 0) {}
        });
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(collector.trim_start_matches("http://")).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    format!("http://{address}")
}

/// What becomes of a span whose first answer are these bytes is theirs to say; that it becomes something, and the next span is
/// delivered, is ours.
async fn survive(protocol: Protocol, answer: Vec<u8>) {
    let collector = Collector::builder().start().await.unwrap();
    let target = crate::support::endpoint(&collector, protocol);
    let client = builder(answers_once(target, answer).await)
        .with_protocol(protocol)
        .with_batch_config(batch_soon())
        .with_retry_config(retry_soon())
        .build()
        .await
        .unwrap();
    let tracer = client.tracer("t");
    tracer.start("answered").end();
    let report = books(client.flush().await);
    assert_eq!((report.accepted(), report.pending()), (1, 0), "{report}");
    tracer.start("and then").end();
    let report = books(Ok(client.shutdown(PATIENCE).await.expect("the fault is over")));
    assert_eq!(report.accepted(), 2);
    assert!(report.delivered() + report.rejected() + report.dropped().total() == 2, "{report}");
    assert!(collector.received().span_named("and then").is_some());
}

#[test]
fn any_bytes_for_an_answer() {
    // conf: SURV-17, HTTP-15, GRPC-29
    let heads = [
        &b""[..],
        b"HTTP/1.1 ",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 503 \xff\r\nretry-after: ",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        // HTTP/2: SETTINGS, and then a frame's head or a part of it.
        b"\0\0\0\x04\0\0\0\0\0",
        b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x01\x05\0\0\0\x01",
        b"\0\0\0\x04\0\0\0\0\0\0\0\x08\0\x01\0\0\0\x01",
        b"\0\0\0\x04\0\0\0\0\0\0\0\x04\x08\0\0\0\0\0\0\0\0\0",
        b"\0\0\0\x04\0\0\0\0\0\xff\xff\xff\0\0\0\0\0\x01",
    ];
    let answer =
        (prop::sample::select(heads.to_vec()), bytes()).prop_map(|(head, rest)| [head, &rest[..]].concat());
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let result = runner.run(&answer, |answer| {
        runtime().block_on(async {
            survive(Protocol::Http, answer.clone()).await;
            survive(Protocol::Grpc, answer).await;
        });
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
