//! Answers that are too large, as a client without limits sees them.

use crate::client::{JSON, post, send_http2, spans};
use otlp_testkit::{Collector, Reply};
use prost::Message;
use std::io::Read;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const MIB: usize = 1 << 20;

async fn grpc(reply: Reply) -> crate::client::Answer {
    let collector = Collector::builder().grpc().reply(reply).start().await.unwrap();
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let body = [&[0, 0, 0, 0, u8::try_from(spans(1).encoded_len()).unwrap()], &spans(1).encode_to_vec()[..]];
    let request = http::Request::post(collector.grpc_endpoint() + path)
        .header("content-type", "application/grpc")
        .body(http_body_util::Full::new(body.concat().into()))
        .unwrap();
    let answer = send_http2(collector.grpc_endpoint().trim_start_matches("http://"), request).await.unwrap();
    assert_eq!(answer.header("grpc-status"), "0");
    assert_eq!(collector.received().items(), 1);
    answer
}

fn unpacked(gzip: &[u8]) -> usize {
    std::io::copy(&mut flate2::read::MultiGzDecoder::new(gzip).take(u64::MAX), &mut std::io::sink()).unwrap()
        as usize
}

#[tokio::test]
async fn gzip_bombs_grow_a_thousandfold() {
    // conf: SURV-22
    let collector = Collector::builder().http().reply(Reply::gzip_bomb(8 * MIB)).start().await.unwrap();
    let answer = post(&collector, "/v1/traces", &[JSON], "{}").await.unwrap();
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(unpacked(&answer.body), 8 * MIB);
    assert!(answer.body.len() * 900 < 8 * MIB, "{}", answer.body.len());

    let answer = grpc(Reply::grpc_gzip_bomb(8 * MIB)).await;
    assert_eq!((answer.header("grpc-encoding"), answer.body[0]), ("gzip", 1));
    assert_eq!(unpacked(&answer.body[5..]), 8 * MIB);
}

fn weight(answer: &crate::client::Answer) -> usize {
    answer.headers.values().map(http::HeaderValue::len).sum()
}

#[tokio::test]
async fn headers_and_trailers_are_as_large_as_asked_for() {
    // conf: SURV-22
    for reply in [Reply::large_headers(100_000), Reply::large_trailers(100_000)] {
        assert!(weight(&grpc(reply).await) >= 100_000);
    }
    let collector = Collector::builder().http().reply(Reply::large_headers(100_000)).start().await.unwrap();
    let answer = post(&collector, "/v1/traces", &[JSON], "{}").await.unwrap();
    assert!(answer.status == 200 && weight(&answer) >= 100_000);

    collector.set_script(Reply::large_trailers(100_000));
    // Hyper's client would read no more than 16 KiB of them.
    let address = collector.http_endpoint().trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: test\r\nconnection: close\r\nte: trailers\r\n";
    let body = "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all((head.to_owned() + body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, trailers) = answer.split_once("\r\n0\r\n").unwrap();
    assert!(trailers.len() >= 100_000 && trailers.contains("x-filler-12: x"), "{}", trailers.len());
}

#[tokio::test]
async fn a_raw_grpc_message_is_what_was_given() {
    assert_eq!(grpc(Reply::grpc_message("not protobuf")).await.body, &b"\0\0\0\0\x0cnot protobuf"[..]);
}
