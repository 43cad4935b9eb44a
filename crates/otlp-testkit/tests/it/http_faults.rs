//! OTLP/HTTP: every kind of reply, as a client sees it.

use crate::client::{JSON, LONG, PROTOBUF, connect, logs, metrics, post, post_spans, request, send, spans};
use crate::grpc_faults::{RetryInfo, RpcStatus};
use otlp_testkit::{Collector, Reply};
use prost::Message;
use std::time::Duration;

async fn collector(reply: Reply) -> Collector {
    Collector::builder().http().reply(reply).start().await.unwrap()
}

#[tokio::test]
async fn every_grpc_code_has_a_collectors_http_status() {
    // conf: SURV-06
    let collector = collector(Reply::ok()).await;
    let mut sender = connect(&collector).await;
    let mut statuses = Vec::new();
    for code in 1..=16 {
        collector.set_script(Reply::status(code).with_message("no"));
        let answer = send(&mut sender, request(&collector, "/v1/traces", &[PROTOBUF], "")).await.unwrap();
        statuses.push(answer.status.as_u16());
        assert_eq!(answer.header("retry-after"), "", "SURV-04: none unless asked for");
        let status = RpcStatus::decode(answer.body).unwrap();
        assert_eq!((status.code, status.message.as_str()), (code, "no"));
    }
    assert_eq!(statuses, [503, 500, 400, 503, 500, 500, 403, 429, 500, 503, 503, 404, 500, 503, 503, 401]);
}

#[tokio::test]
async fn every_http_status_is_sent_as_scripted() {
    // conf: HTTP-11, HTTP-12, SURV-20
    let collector = collector(Reply::ok()).await;
    for status in 200..=599 {
        collector.set_script(Reply::http_status(status));
        let mut sender = connect(&collector).await;
        let answer = send(&mut sender, request(&collector, "/v1/traces", &[JSON], "{}")).await.unwrap();
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(collector.attempts().last().unwrap().accepted, status < 300, "{status}");
    }
}

#[tokio::test]
async fn retry_after_takes_any_text() {
    // conf: HTTP-14, RETRY-09
    let collector = collector(Reply::ok()).await;
    let date = "Wed, 21 Oct 2065 07:28:00 GMT";
    let replies = [
        (Reply::unavailable().retry_after(7), "7"),
        (Reply::http_status(429).retry_after(date), date),
        (Reply::http_status(502).retry_after("-1"), "-1"),
        (Reply::http_status(504).retry_after("soon"), "soon"),
    ];
    for (reply, expected) in replies {
        collector.set_script(reply);
        assert_eq!(post_spans(&collector, 1).await.unwrap().header("retry-after"), expected);
    }
}

#[tokio::test]
async fn retry_info_is_in_the_status_and_in_retry_after_of_429_and_503() {
    // conf: SURV-08, JSON-20
    let delay = Duration::from_millis(1_900);
    let collector = collector(Reply::ok()).await;
    for (reply, retry_after) in
        [(Reply::http_status(429), "1"), (Reply::unavailable(), "1"), (Reply::http_status(502), "")]
    {
        collector.set_script(reply.retry_info(delay));
        let answer = post_spans(&collector, 1).await.unwrap();
        assert_eq!(answer.header("retry-after"), retry_after);
        let status = RpcStatus::decode(answer.body).unwrap();
        let info = RetryInfo::decode(&status.details[0].value[..]).unwrap();
        assert_eq!(info.retry_delay, Some(prost_types::Duration { seconds: 1, nanos: 900_000_000 }));
    }
    let json = post(&collector, "/v1/traces", &[JSON], "{}").await.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
    assert_eq!(json["details"][0]["@type"], "type.googleapis.com/google.rpc.RetryInfo");
    assert_eq!(json["details"][0]["retryDelay"], "1.900000000s");

    collector.set_script(Reply::unavailable().retry_info(delay).retry_after("60"));
    assert_eq!(
        post_spans(&collector, 1).await.unwrap().header("retry-after"),
        "60",
        "the script has the last word"
    );
}

#[tokio::test]
async fn partial_success_is_said_in_each_signals_words() {
    // conf: PART-01
    use opentelemetry_proto::tonic::collector::{
        logs::v1::ExportLogsServiceResponse, metrics::v1::ExportMetricsServiceResponse,
        trace::v1::ExportTraceServiceResponse,
    };
    let collector = collector(Reply::partial_success(2, "2 are bad")).await;
    let body = post(&collector, "/v1/traces", &[PROTOBUF], spans(3).encode_to_vec()).await.unwrap().body;
    let partial = ExportTraceServiceResponse::decode(body).unwrap().partial_success.unwrap();
    assert_eq!((partial.rejected_spans, partial.error_message.as_str()), (2, "2 are bad"));
    let body = post(&collector, "/v1/metrics", &[PROTOBUF], metrics(3).encode_to_vec()).await.unwrap().body;
    let partial = ExportMetricsServiceResponse::decode(body).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_data_points, 2);
    let body = post(&collector, "/v1/logs", &[PROTOBUF], logs(3).encode_to_vec()).await.unwrap().body;
    let partial = ExportLogsServiceResponse::decode(body).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 2);

    let fields =
        [("traces", "rejectedSpans"), ("metrics", "rejectedDataPoints"), ("logs", "rejectedLogRecords")];
    for (signal, field) in fields {
        let json = post(&collector, &format!("/v1/{signal}"), &[JSON], "{}").await.unwrap();
        assert_eq!(
            json.text(),
            format!(r#"{{"partialSuccess":{{"errorMessage":"2 are bad","{field}":"2"}}}}"#)
        );
    }
}

#[tokio::test]
async fn a_warning_has_a_message_and_no_count() {
    // conf: PART-05
    let collector = collector(Reply::partial_success(0, "deprecated")).await;
    let json = post(&collector, "/v1/traces", &[JSON], "{}").await.unwrap();
    assert_eq!(json.text(), r#"{"partialSuccess":{"errorMessage":"deprecated"}}"#);
}

#[tokio::test]
async fn close_and_cut_are_errors_to_the_client() {
    // conf: HTTP-15
    let collector = collector(Reply::close()).await;
    post_spans(&collector, 1).await.unwrap_err();
    collector.set_script(Reply::accept_then_close());
    post_spans(&collector, 1).await.unwrap_err();
    collector.set_script(Reply::reset(7));
    post_spans(&collector, 1).await.unwrap_err();
    collector.set_script(Reply::body("half an ans", "application/json").cut_short());
    post_spans(&collector, 1).await.unwrap_err();
    assert_eq!((collector.tally().refused_calls, collector.tally().accepted_calls), (2, 2));
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_gives_up() {
    // conf: SURV-21
    let collector = collector(Reply::hang()).await;
    let mut sender = connect(&collector).await;
    let request = request(&collector, "/v1/traces", &[PROTOBUF], spans(1).encode_to_vec());
    let call = tokio::spawn(async move { send(&mut sender, request).await });
    collector.wait_for_calls(1, LONG).await.unwrap();
    assert!(!call.is_finished());
    call.abort();
    assert!(collector.received().is_empty());
}

#[tokio::test]
async fn a_raw_body_is_sent_as_it_is() {
    // conf: SURV-17, SURV-18, HTTP-19
    let reply =
        Reply::body("<h1>no</h1>", "text/html").with_http_status(503).with_header("location", "/else");
    let collector = collector(reply).await;
    let answer = post_spans(&collector, 1).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type"), answer.text()),
        (503, "text/html", "<h1>no</h1>")
    );
    assert_eq!((answer.header("location"), answer.header("content-length")), ("/else", "11"));

    collector.set_script(Reply::body("", ""));
    let answer = post_spans(&collector, 1).await.unwrap();
    assert!(answer.body.is_empty() && !answer.headers.contains_key("content-type"));
    assert_eq!((collector.tally().refused_calls, collector.tally().accepted_calls), (1, 1));

    collector.set_script(Reply::body("fine", "text/plain").accepting(false));
    assert_eq!(post_spans(&collector, 1).await.unwrap().status, 200);
    assert_eq!(collector.tally().refused_calls, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dripping_body_takes_its_time() {
    // conf: SURV-22
    let collector =
        collector(Reply::body("0123456789", "text/plain").dripping(3, Duration::from_secs(60))).await;
    let before = tokio::time::Instant::now();
    let answer = post_spans(&collector, 1).await.unwrap();
    assert_eq!(answer.text(), "0123456789");
    assert_eq!(before.elapsed().as_secs() / 60, 4, "3 + 3 + 3 + 1 bytes");
}

#[tokio::test]
async fn an_endless_body_goes_on_past_any_limit() {
    // conf: HTTP-17, SURV-22
    use http_body_util::BodyExt;
    let collector = collector(Reply::body(vec![b'x'; 65_536], "text/plain").endless()).await;
    let mut sender = connect(&collector).await;
    let mut request = request(&collector, "/v1/traces", &[JSON], "{}");
    request.headers_mut().insert("host", "localhost".parse().unwrap());
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let mut bytes = 0;
    while bytes < 8 << 20 {
        bytes += body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
}
