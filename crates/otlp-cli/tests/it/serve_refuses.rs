//! `otlp serve` and requests that are no good: each is answered as OTLP says, and counted.

use crate::decode::TRACE;
use crate::serving::Serving;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use otlp_model::{Signal, json, response};
use otlp_transport::{Compression, Compressor};
use tokio::net::TcpStream;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// One request on a connection of its own.
fn call(address: &str, is_grpc: bool, request: Request<Full<Bytes>>) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let response = if is_grpc {
            let (mut sender, connection) =
                conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) = conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let (parts, mut body) = response.into_parts();
        let (mut bytes, mut headers) = (Vec::new(), parts.headers);
        while let Some(frame) = body.frame().await {
            match frame.unwrap().into_data() {
                Ok(data) => bytes.extend(data),
                Err(frame) => headers.extend(frame.into_trailers().unwrap()),
            }
        }
        Answer { status: parts.status, headers, body: bytes.into() }
    })
}

fn post(serving: &Serving, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let mut request = Request::post(path).header("host", &serving.http);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    call(&serving.http, false, request.body(Full::new(body.into())).unwrap())
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");

fn grpc(serving: &Serving, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let mut request = Request::post(format!("http://{}{path}", serving.grpc));
    for (name, value) in [("content-type", "application/grpc"), ("te", "trailers")].iter().chain(headers) {
        request = request.header(*name, *value);
    }
    call(&serving.grpc, true, request.body(Full::new(body.into())).unwrap())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    Compressor::new(Compression::Gzip).unwrap().compress(bytes).unwrap().to_vec()
}

fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    frame
}

#[test]
fn over_http_each_mistake_has_its_status() {
    // conf: SURV-03, SURV-07, SURV-09, SURV-11, JSON-20
    let serving = Serving::start(&["--quiet"]);
    let good = json::request_from_json(Signal::Traces, TRACE.as_bytes()).unwrap();

    let plain = [
        ("/v1/spans", PROTOBUF, 404),
        ("/v1/traces", ("content-type", "text/plain"), 415),
        ("/v1/traces", ("content-type", "application/x-www-form-urlencoded"), 415),
    ];
    for (path, content_type, status) in plain {
        let answer = post(&serving, path, &[content_type], good.clone());
        assert_eq!(answer.status, status, "{path} {content_type:?}");
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
    }
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let answer = post(&serving, path, &[("content-type", "application/grpc")], good.clone());
    assert_eq!(answer.status, 404);
    assert!(String::from_utf8_lossy(&answer.body).contains("usually 4317"), "{:?}", answer.body);
    let get = Request::get("/v1/traces").header("host", &serving.http).body(Full::default()).unwrap();
    let answer = call(&serving.http, false, get);
    assert_eq!((answer.status.as_u16(), &answer.headers["allow"]), (405, &"POST".parse().unwrap()));

    let broken = &good[..good.len() - 1];
    for (headers, body, code, says) in [
        (&[PROTOBUF][..], broken.to_vec(), 3, "not a request of traces"),
        (&[PROTOBUF, ("content-encoding", "br")], good.clone(), 3, "gzip and zstd are taken"),
        (&[PROTOBUF, ("content-encoding", "gzip")], good.clone(), 3, "does not decompress"),
    ] {
        let answer = post(&serving, "/v1/traces", headers, body);
        let status = response::decode_rpc_status(&answer.body).unwrap();
        assert_eq!((answer.status.as_u16(), status.code), (400, code), "{status:?}");
        assert!(status.message.contains(says), "{status:?}");
    }
    let answer = post(&serving, "/v1/logs", &[JSON], r#"{"resourceLogs":[7]}"#);
    let status = response::decode_rpc_status_json(&answer.body).unwrap();
    assert_eq!((answer.status.as_u16(), status.code), (400, 3));
    assert!(status.message.contains("resourceLogs[0]: expected an object"), "{status:?}");
    assert_eq!(answer.headers["content-type"], "application/json");

    let summary = serving.summary();
    assert_eq!((&summary["refused_requests"], &summary["spans"]), (&9.into(), &0.into()), "{summary}");
}

#[test]
fn bombs_and_what_is_too_large_are_refused_and_the_limit_itself_is_taken() {
    // conf: SURV-01, SURV-02, SURV-03, COMP-06
    let serving = Serving::start(&["--quiet"]);
    // A schema URL of blanks: as long as one likes, and a valid request.
    let request = |length: usize| {
        let inner = format!(r#"{{"resourceSpans":[{{"schemaUrl":"{}"}}]}}"#, " ".repeat(length));
        json::request_from_json(Signal::Traces, inner.as_bytes()).unwrap()
    };
    let of_length = |length: usize| {
        let overhead = request(length).len() - length;
        request(length - overhead)
    };
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let packed = [PROTOBUF, ("content-encoding", "gzip")];
    for (over, http, status) in [(0, 200, "0"), (1, 413, "8")] {
        let body = of_length((20 << 20) + over);
        assert_eq!(post(&serving, "/v1/traces", &packed, gzip(&body)).status, http);
        let message = of_length((4 << 20) + over);
        let answer = grpc(&serving, path, &[("grpc-encoding", "gzip")], framed(1, &gzip(&message)));
        assert_eq!(answer.headers["grpc-status"], status);
        let answer = grpc(&serving, path, &[], framed(0, &message));
        assert_eq!(answer.headers["grpc-status"], status);
    }
    assert_eq!(serving.summary()["refused_requests"], 3);
}

#[test]
fn over_grpc_each_mistake_has_its_code() {
    // conf: GRPC-04, GRPC-06, GRPC-09
    let mut serving = Serving::start(&[]);
    let good = json::request_from_json(Signal::Traces, TRACE.as_bytes()).unwrap();
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let answer = grpc(&serving, path, &[], framed(0, &good));
    assert_eq!(
        (&answer.headers["grpc-status"], &*answer.body),
        (&"0".parse().unwrap(), &framed(0, b"\x0a\x00")[..])
    );
    assert_eq!(serving.line()["span"]["name"], "GET /cart");

    let broken = &good[..good.len() - 1];
    for (path, headers, body, code, says) in [
        (
            "/opentelemetry.proto.collector.trace.v1.TraceService/Expört",
            &[][..],
            framed(0, &good),
            "UNIMPLEMENTED",
            "",
        ),
        (path, &[("grpc-encoding", "snappy")], framed(1, &good), "UNIMPLEMENTED", "snappy"),
        (path, &[], framed(1, &good), "INTERNAL", "marked as compressed"),
        (path, &[], good.clone(), "INTERNAL", "not one gRPC message"),
        (path, &[], Vec::new(), "INTERNAL", "not one gRPC message"),
        (path, &[("grpc-encoding", "zstd")], framed(1, &good), "INVALID_ARGUMENT", "does not decompress"),
        (path, &[], framed(0, broken), "INVALID_ARGUMENT", "not a request of traces"),
    ] {
        let path = path.replace('ö', "%C3%B6");
        let answer = grpc(&serving, &path, headers, body);
        assert_eq!(answer.status, 200);
        let told = serving.line();
        assert_eq!(told["refused"]["code"], code, "{told}");
        assert!(told["refused"]["reason"].as_str().unwrap().contains(says), "{told}");
        let status = otlp_transport::GrpcCode::from_header(answer.headers["grpc-status"].as_bytes());
        assert_eq!(status.as_str(), code);
        assert!(answer.headers["grpc-message"].to_str().unwrap().contains(says));
    }
    let mut request = Request::post(format!("http://{}{path}", serving.grpc)).body(Full::default()).unwrap();
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(call(&serving.grpc, true, request).status, 415);
}

#[test]
fn a_page_of_another_site_can_neither_send_nor_read() {
    let serving = Serving::start(&["--quiet"]);
    let preflight = Request::options("/v1/traces")
        .header("host", &serving.http)
        .header("origin", "https://example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .body(Full::default())
        .unwrap();
    let answer = call(&serving.http, false, preflight);
    assert_eq!(answer.status, 405);
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
    // The only content types that a page may send without being asked first.
    for kind in ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"] {
        assert_eq!(post(&serving, "/v1/traces", &[("content-type", kind)], TRACE).status, 415);
    }
    // Nor one whose own name leads here, with which it is of the same origin; a proxy's page has another port.
    let (_, port) = serving.http.rsplit_once(':').unwrap();
    let send = |host: &str, origin: &str| {
        let request = Request::post("/v1/traces").header("host", host).header("origin", origin);
        let request = request.header(JSON.0, JSON.1).body(Full::new(Bytes::from(TRACE))).unwrap();
        call(&serving.http, false, request).status
    };
    let site = format!("rebound.example:{port}");
    assert_eq!(send(&site, &format!("http://{site}")), 403);
    assert_eq!(send("collector.test", "http://collector.test"), 200);
    assert_eq!(send(&serving.http, &format!("http://{}", serving.http)), 200);
    assert_eq!(serving.summary()["spans"], 2);
}

#[test]
fn what_is_no_metric_is_a_partial_success() {
    // conf: MODEL-22
    let serving = Serving::start(&["--quiet"]);
    let sum = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"name":"a","sum":{"dataPoints":[{"asInt":"1"},{"asInt":"2"}]}},{"name":"b","gauge":{"dataPoints":[{"asInt":"3"}]}}]}]}]}"#;
    let answer = post(&serving, "/v1/metrics", &[JSON], sum);
    let read = response::decode_export_response_json(Signal::Metrics, &answer.body, 3).unwrap();
    assert_eq!((answer.status.as_u16(), read.rejected), (200, 2));
    assert!(read.message.unwrap().contains("without a temporality"));
    let protobuf = json::request_from_json(Signal::Metrics, sum.as_bytes()).unwrap();
    let answer = post(&serving, "/v1/metrics", &[PROTOBUF], protobuf);
    assert_eq!(response::decode_export_response(Signal::Metrics, &answer.body, 3).unwrap().rejected, 2);
    let summary = serving.summary();
    assert_eq!((&summary["data_points"], &summary["rejected_data_points"]), (&2.into(), &4.into()));
}
