//! OTLP/HTTP: what is sent is what is received, and what is no export call is refused as by a Collector.

use crate::client::{
    JSON, PROTOBUF, connect, logs, metrics, post, post_spans, request, send, send_http2, spans,
};
use crate::grpc_faults::RpcStatus;
use otlp_model::{Encoding, Format};
use otlp_testkit::{Collector, Payload, Protocol};
use prost::Message;
use std::io::Write;

type Headers = &'static [(&'static str, &'static str)];

async fn collector() -> Collector {
    Collector::builder().http().start().await.unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn protobuf_of_every_signal_arrives_whole() {
    // conf: HTTP-01, HTTP-02, HTTP-04, HTTP-08, SURV-13
    let collector = collector().await;
    let bodies = [
        ("/v1/traces", spans(3).encode_to_vec()),
        ("/v1/metrics", metrics(5).encode_to_vec()),
        ("/v1/logs", logs(2).encode_to_vec()),
    ];
    for (path, body) in bodies {
        let answer = post(&collector, path, &[PROTOBUF], body).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, PROTOBUF.1));
        assert_eq!(&answer.body[..], b"\x0a\0");
    }
    let received = collector.received();
    let payloads: Vec<_> = received.calls().map(|call| call.payload.clone()).collect();
    assert_eq!(payloads, [Payload::Traces(spans(3)), Payload::Metrics(metrics(5)), Payload::Logs(logs(2))]);
    let call = received.calls().next().unwrap();
    assert_eq!((call.protocol, call.format), (Protocol::Http, Format::Protobuf));
    assert_eq!((call.encoding, call.wire_bytes), (Encoding::Identity, spans(3).encoded_len() as u64));
}

#[tokio::test]
async fn json_of_every_signal_arrives_whole() {
    // conf: JSON-01, JSON-21, SURV-13
    let collector = collector().await;
    let bodies = [
        ("/v1/traces", serde_json::to_vec(&spans(3)).unwrap()),
        ("/v1/metrics", serde_json::to_vec(&metrics(5)).unwrap()),
        ("/v1/logs", serde_json::to_vec(&logs(2)).unwrap()),
    ];
    for (path, body) in bodies {
        let content_type = ("content-type", "Application/JSON; charset=utf-8");
        let answer = post(&collector, path, &[content_type], body).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, JSON.1));
        assert_eq!(answer.text(), r#"{"partialSuccess":{}}"#);
    }
    let payloads: Vec<_> = collector.received().calls().map(|call| call.payload.clone()).collect();
    assert_eq!(payloads, [Payload::Traces(spans(3)), Payload::Metrics(metrics(5)), Payload::Logs(logs(2))]);
    assert!(collector.received().calls().all(|call| call.format == Format::Json));
}

#[tokio::test]
async fn gzip_and_zstd_are_understood() {
    let collector = collector().await;
    let plain = spans(500).encode_to_vec();
    let bodies = [
        ("gzip", Encoding::Gzip, gzip(&plain)),
        ("zstd", Encoding::Zstd, zstd::encode_all(&plain[..], 1).unwrap()),
        ("identity", Encoding::Identity, plain),
    ];
    for (name, encoding, body) in bodies {
        let bytes = body.len() as u64;
        let answer =
            post(&collector, "/v1/traces", &[PROTOBUF, ("content-encoding", name)], body).await.unwrap();
        assert_eq!(answer.status, 200);
        let received = collector.received();
        let call = received.calls().last().unwrap();
        assert_eq!((call.encoding, call.wire_bytes, call.items), (encoding, bytes, 500));
        assert_eq!(call.payload, Payload::Traces(spans(500)));
    }
}

#[tokio::test]
async fn an_empty_request_gets_success() {
    // conf: SURV-14
    let collector = collector().await;
    assert_eq!(post(&collector, "/v1/traces", &[PROTOBUF], "").await.unwrap().status, 200);
    assert_eq!((collector.tally().items(), collector.tally().accepted_calls), (0, 1));
}

#[tokio::test]
async fn wrong_path_method_and_type_get_plain_text() {
    // conf: SURV-09
    let collector = collector().await;
    let unknown = post(&collector, "/v1/trace", &[PROTOBUF], "").await.unwrap();
    let mut get = request(&collector, "/v1/traces", &[], "");
    *get.method_mut() = http::Method::GET;
    let get = send(&mut connect(&collector).await, get).await.unwrap();
    let untyped = post(&collector, "/v1/traces", &[], "").await.unwrap();
    let yaml = post(&collector, "/v1/logs", &[("content-type", "application/yaml")], "").await.unwrap();
    let answers = [unknown, get, untyped, yaml];
    assert_eq!(answers.each_ref().map(|answer| answer.status.as_u16()), [404, 405, 415, 415]);
    for (answer, malformed) in answers.iter().zip(collector.malformed()) {
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.text(), malformed.reason);
        assert_eq!(answer.status, malformed.status);
    }
    assert_eq!(answers[1].header("allow"), "POST");
    assert_eq!(
        collector.malformed()[1].to_string(),
        "GET /v1/traces answered 405: 405 method not allowed, supported: [POST]"
    );
    assert_eq!(collector.tally().malformed, 4);
}

#[tokio::test]
async fn bad_bodies_get_a_status_in_the_requests_format() {
    // conf: SURV-03, SURV-11, HTTP-09, JSON-20
    let collector = Collector::builder().http().max_request_bytes(10_000).start().await.unwrap();
    let bomb = gzip(&vec![0; 1_000_000]);
    let cases: [(Headers, Vec<u8>, &str); 6] = [
        (&[PROTOBUF], b"\xff\xff\xff".to_vec(), "varint"),
        (&[JSON], b"{\"resourceSpans\":7}".to_vec(), "invalid type"),
        (&[PROTOBUF, ("content-encoding", "gzip")], b"no gzip".to_vec(), "does not decompress"),
        (&[JSON, ("content-encoding", "br")], b"{}".to_vec(), "unsupported Content-Encoding: br"),
        (&[PROTOBUF], vec![0; 10_001], "too large"),
        (&[PROTOBUF, ("content-encoding", "gzip")], bomb, "too large"),
    ];
    for (headers, body, complaint) in cases {
        let answer = post(&collector, "/v1/traces", headers, body).await.unwrap();
        assert_eq!(answer.status, 400, "{complaint}");
        assert_eq!(answer.header("content-type"), headers[0].1);
        let (code, message) = if headers[0] == JSON {
            let status: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
            (status["code"].as_i64().unwrap(), status["message"].as_str().unwrap().to_owned())
        } else {
            let status = RpcStatus::decode(answer.body).unwrap();
            (i64::from(status.code), status.message)
        };
        assert_eq!(code, 3);
        assert!(message.contains(complaint), "{message:?} should say {complaint:?}");
    }
    assert_eq!((collector.tally().malformed, collector.tally().calls()), (6, 0));
}

#[tokio::test]
async fn connections_are_kept_alive_and_told_apart() {
    // conf: HTTP-06
    let collector = collector().await;
    let mut sender = connect(&collector).await;
    for _ in 0..2 {
        send(&mut sender, request(&collector, "/v1/traces", &[JSON], "{}")).await.unwrap();
    }
    post_spans(&collector, 1).await.unwrap();
    let connections: Vec<_> = collector.received().calls().map(|call| call.connection).collect();
    assert_eq!(connections, [1, 1, 2]);
}

#[tokio::test]
async fn http2_is_served_on_the_same_port() {
    // conf: HTTP-05
    let collector = collector().await;
    let address = collector.http_endpoint().trim_start_matches("http://").to_owned();
    let request = request(&collector, "/v1/logs", &[PROTOBUF], logs(2).encode_to_vec());
    assert_eq!(send_http2(&address, request).await.unwrap().status, 200);
    assert_eq!(collector.tally().log_records, 2);
}
