//! Row 17: the shapes of answers that receivers, vendors and the proxies before them give, whatever the specification says. The
//! status decides: any 2xx is a success, and what can be understood of its body is counted; no error is read out of a body
//! and none is made good by one.

use crate::course::Fate::{Partly, Refused, Repeated, Taken, TakenUnread};
use crate::course::{Course, Fate};
use otlp::{Protocol, SerializationFormat};
use otlp_testkit::Reply;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// (who answers like this, status, content type, body, what must become of the spans).
type Shape = (&'static str, u16, &'static str, &'static [u8], Fate);

/// Over HTTP, to requests in protobuf and in JSON alike.
const HTTP: &[Shape] = &[
    // Successes of receivers.
    ("Collector, JSON", 200, JSON, br#"{"partialSuccess":{}}"#, Taken),
    ("Collector, protobuf", 200, PROTOBUF, b"\x0a\x00", Taken),
    ("the specification's least", 200, PROTOBUF, b"", Taken),
    ("rotel", 200, JSON, br#"{"partialSuccess":null}"#, Taken),
    ("empty object", 200, JSON, b"{}", Taken),
    ("spaces", 200, "application/json; charset=utf-8", b" {\n } \r\n", Taken),
    ("otelite: JSON of its own", 200, JSON, br#"{"status":"ok","received":3}"#, Taken),
    ("unknown fields around", 200, JSON, br#"{"x":[1,{"y":null}],"partialSuccess":{"z":1}}"#, Taken),
    ("nulls for zero", 200, JSON, br#"{"partialSuccess":{"rejectedSpans":null,"errorMessage":null}}"#, Taken),
    (
        "a count as text",
        200,
        JSON,
        br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"old"}}"#,
        Partly(2, "old"),
    ),
    (
        "a count as a number",
        200,
        JSON,
        br#"{"partialSuccess":{"rejectedSpans":2,"errorMessage":"old"}}"#,
        Partly(2, "old"),
    ),
    ("a warning", 200, JSON, br#"{"partialSuccess":{"errorMessage":"slow down"}}"#, Partly(0, "slow down")),
    (
        "a warning with a zero",
        200,
        JSON,
        br#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":"slow down"}}"#,
        Partly(0, "slow down"),
    ),
    ("a warning, protobuf", 200, PROTOBUF, b"\x0a\x06\x12\x04slow", Partly(0, "slow")),
    (
        "a count, protobuf, with fields of the future",
        200,
        PROTOBUF,
        b"\x0a\x0a\x08\x01\x12\x03old\x98\x06\x01\x12\x01x",
        Partly(1, "old"),
    ),
    ("a count without a word", 200, PROTOBUF, b"\x0a\x02\x08\x01", Partly(1, "")),
    // Successes of what stands before receivers.
    ("no content type, no body", 200, "", b"", Taken),
    ("202 of a queue", 202, "", b"", Taken),
    ("204 of a gateway", 204, "", b"", Taken),
    ("207, or any other 2xx", 207, JSON, b"{}", Taken),
    ("a page", 200, "text/html", b"<!doctype html><title>OK</title>", TakenUnread),
    ("plain text", 200, "text/plain", b"OK", TakenUnread),
    ("bytes of no type", 200, "application/octet-stream", b"\x0a\x00", TakenUnread),
    ("null", 200, JSON, b"null", TakenUnread),
    ("text in JSON", 200, JSON, br#""ok""#, TakenUnread),
    ("a list", 200, JSON, b"[]", TakenUnread),
    ("JSON that stops", 200, JSON, br#"{"partialSuccess":{"#, TakenUnread),
    ("protobuf that says it is JSON", 200, JSON, b"\x0a\x00", TakenUnread),
    ("JSON that says it is protobuf", 200, PROTOBUF, b"{}", TakenUnread),
    // Refusals.
    ("rotel: 400 without a body", 400, "", b"", Refused("400")),
    ("Collector: 400 with a status", 400, JSON, br#"{"code":3,"message":"bad span"}"#, Refused("bad span")),
    (
        "Collector: 400 with a status, protobuf",
        400,
        PROTOBUF,
        b"\x08\x03\x12\x08bad span",
        Refused("bad span"),
    ),
    ("401 of a vendor", 401, JSON, br#"{"error":"invalid api key"}"#, Refused("401")),
    ("403 page of a firewall", 403, "text/html", b"<h1>Access denied</h1>", Refused("403")),
    ("404 of Go", 404, "text/plain; charset=utf-8", b"404 page not found\n", Refused("404")),
    ("405", 405, "text/plain", b"405 method not allowed, supported: [POST]", Refused("405")),
    (
        "415 of a vendor without JSON",
        415,
        "application/problem+json",
        br#"{"title":"Unsupported"}"#,
        Refused("415"),
    ),
    ("500 page", 500, "text/html", b"<h1>Internal Server Error</h1>", Refused("500")),
    ("a success in an error", 400, JSON, br#"{"partialSuccess":{}}"#, Refused("400")),
    ("an error that claims to pass", 400, JSON, br#"{"code":14,"message":"unavailable"}"#, Refused("400")),
    // What passes.
    ("429 without a body", 429, "", b"", Repeated),
    ("502 page of a balancer", 502, "text/html", b"<center><h1>502 Bad Gateway</h1></center>", Repeated),
    ("503 page of a proxy", 503, "text/html", b"upstream connect error or disconnect/reset", Repeated),
    ("503 that claims not to pass", 503, JSON, br#"{"code":3,"message":"never"}"#, Repeated),
    ("504 without a body", 504, "", b"", Repeated),
];

/// Over gRPC.
fn grpc() -> Vec<(&'static str, Reply, Fate)> {
    let trailers_only = |status| Reply::body("", "application/grpc").with_header("grpc-status", status);
    vec![
        ("Collector", Reply::grpc_message(b"\x0a\x00"), Taken),
        ("no partial success", Reply::grpc_message(b""), Taken),
        ("a subtype", Reply::grpc_message(b"").with_header("content-type", "application/grpc+proto"), Taken),
        ("no message at all", Reply::body("", "application/grpc").with_trailer("grpc-status", "0"), Taken),
        ("a status in the headers", trailers_only("0"), Taken),
        ("a warning", Reply::grpc_message(b"\x0a\x06\x12\x04slow"), Partly(0, "slow")),
        ("a count", Reply::grpc_message(b"\x0a\x07\x08\x01\x12\x03old"), Partly(1, "old")),
        ("fields of the future", Reply::grpc_message(b"\x0a\x03\x98\x06\x01\x12\x01x"), Taken),
        ("no protobuf", Reply::grpc_message(b"\xff\xff\xff"), TakenUnread),
        ("JSON", Reply::grpc_message(b"{}"), TakenUnread),
        ("a code without a message", trailers_only("3"), Refused("INVALID_ARGUMENT")),
        (
            "a code with a message",
            trailers_only("3").with_header("grpc-message", "bad%20span"),
            Refused("bad span"),
        ),
        ("a code that is none", trailers_only("99"), Refused("UNKNOWN")),
        ("a code that is no number", trailers_only("OK"), Refused("UNKNOWN")),
        ("no code", Reply::body("", "application/grpc"), Refused("no grpc-status")),
        ("401 of a gateway", Reply::body("", "").with_http_status(401), Refused("401")),
        ("404 page", Reply::body("<h1>", "text/html").with_http_status(404), Refused("404")),
        (
            "a page that is fine",
            Reply::body("<h1>OK</h1>", "text/html"),
            Refused("is this a port for OTLP/gRPC?"),
        ),
        ("UNAVAILABLE", trailers_only("14"), Repeated),
        ("502 page of a balancer", Reply::body("<h1>", "text/html").with_http_status(502), Repeated),
        ("503 page of a proxy", Reply::body("upstream", "text/plain").with_http_status(503), Repeated),
        ("504 without a body", Reply::body("", "").with_http_status(504), Repeated),
    ]
}

#[tokio::test]
async fn over_http() {
    // conf: PART-01, PART-03, PART-05, PART-08, HTTP-09, HTTP-10, HTTP-19, SURV-13, SURV-18, SURV-20
    for format in [SerializationFormat::Protobuf, SerializationFormat::Json] {
        let mut course = Course::start(Protocol::Http, format).await;
        for (name, status, content_type, body, fate) in HTTP {
            let reply = Reply::body(*body, content_type).with_http_status(*status);
            course.meet(name, reply, *fate).await;
        }
        course.end().await;
    }
}

#[tokio::test]
async fn over_grpc() {
    // conf: PART-01, PART-03, PART-05, PART-08, GRPC-06, GRPC-07, GRPC-27, SURV-18, SURV-19
    let mut course = Course::start(Protocol::Grpc, SerializationFormat::Protobuf).await;
    for (name, reply, fate) in grpc() {
        course.meet(name, reply, fate).await;
    }
    course.end().await;
}
