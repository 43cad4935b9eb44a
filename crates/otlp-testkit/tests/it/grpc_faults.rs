//! gRPC: every kind of reply, as a client sees it.

use crate::client::{Answer, LONG, channel, export, logs, metrics, send_http2, spans};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use otlp_testkit::{Code, Collector, Reply};
use prost::Message;
use std::error::Error;
use std::time::Duration;

async fn collector(reply: Reply) -> Collector {
    Collector::builder().grpc().reply(reply).start().await.unwrap()
}

/// `google.rpc.Status` and `RetryInfo`, as a client would declare them.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<prost_types::Any>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) retry_delay: Option<prost_types::Duration>,
}

/// An export of one span over bare HTTP/2, for what a gRPC client would hide.
async fn raw_export(collector: &Collector) -> hyper::Result<Answer> {
    let mut body = vec![0, 0, 0, 0, u8::try_from(spans(1).encoded_len()).unwrap()];
    spans(1).encode(&mut body).unwrap();
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let request = http::Request::post(collector.grpc_endpoint() + path)
        .header("content-type", "application/grpc")
        .body(http_body_util::Full::new(body.into()))
        .unwrap();
    send_http2(collector.grpc_endpoint().trim_start_matches("http://"), request).await
}

#[tokio::test]
async fn every_code_is_sent_as_scripted() {
    // conf: RETRY-02, RETRY-03
    let collector = collector(Reply::ok()).await;
    let channel = channel(&collector);
    for code in 1..=16 {
        collector.set_script(Reply::status(code).with_message(format!("ä%{code}")));
        let status = export(&channel, spans(1)).await.unwrap_err();
        assert_eq!((i32::from(status.code()), status.message()), (code, format!("ä%{code}").as_str()));
        assert!(status.details().is_empty());
    }
    collector.set_script(Reply::status(Code::Ok));
    export(&channel, spans(1)).await.unwrap();
    let tally = collector.tally();
    assert_eq!((tally.refused_calls, tally.refused_items, tally.items()), (16, 16, 1));
    assert_eq!(collector.refused().items(), 16);
    assert_eq!(collector.attempts().len(), 17);
}

#[tokio::test]
async fn codes_beyond_grpc_reach_the_wire() {
    // conf: GRPC-27
    let collector = collector(Reply::status(99)).await;
    assert_eq!(raw_export(&collector).await.unwrap().header("grpc-status"), "99");
}

#[tokio::test]
async fn retry_info_is_in_the_details() {
    // conf: GRPC-10, RETRY-06
    let delay = Duration::new(2, 345_000_000);
    for reply in [Reply::unavailable(), Reply::resource_exhausted()] {
        let collector = collector(reply.with_message("later").retry_info(delay)).await;
        let status = export(&channel(&collector), spans(1)).await.unwrap_err();
        let details = RpcStatus::decode(status.details()).unwrap();
        assert_eq!((details.code, details.message.as_str()), (i32::from(status.code()), "later"));
        assert_eq!(details.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
        let info = RetryInfo::decode(&details.details[0].value[..]).unwrap();
        assert_eq!(info.retry_delay, Some(prost_types::Duration { seconds: 2, nanos: 345_000_000 }));
    }
}

#[tokio::test]
async fn partial_success_is_said_in_each_signals_words() {
    // conf: PART-01
    let collector = collector(Reply::partial_success(2, "2 are bad")).await;
    let channel = channel(&collector);
    let traces = export(&channel, spans(3)).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!((traces.rejected_spans, traces.error_message.as_str()), (2, "2 are bad"));
    let metrics = MetricsServiceClient::new(channel.clone()).export(metrics(3)).await.unwrap();
    assert_eq!(metrics.into_inner().partial_success.unwrap().rejected_data_points, 2);
    let logs = LogsServiceClient::new(channel).export(logs(3)).await.unwrap();
    assert_eq!(logs.into_inner().partial_success.unwrap().rejected_log_records, 2);
    assert_eq!((collector.tally().items(), collector.tally().rejected_items), (9, 6));
}

#[tokio::test]
async fn nonsense_rejections_are_sent_as_scripted() {
    // conf: PART-06
    let collector = collector(Reply::partial_success(-5, "")).await;
    let response = export(&channel(&collector), spans(1)).await.unwrap().into_inner();
    assert_eq!(response.partial_success.unwrap().rejected_spans, -5);
    assert_eq!(collector.tally().rejected_items, 0);
}

#[tokio::test]
async fn a_closed_connection_is_an_error_and_the_next_call_reconnects() {
    let collector = collector(Reply::close()).await;
    let channel = channel(&collector);
    let status = export(&channel, spans(1)).await.unwrap_err();
    assert!(matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal), "{status:?}");
    collector.set_script(Reply::accept_then_close());
    export(&channel, spans(1)).await.unwrap_err();
    collector.set_script(Reply::ok());
    export(&channel, spans(1)).await.unwrap();

    let attempts = collector.attempts();
    let connections: std::collections::HashSet<_> =
        attempts.iter().map(|attempt| attempt.call.connection).collect();
    assert_eq!(connections.len(), 3);
    assert_eq!(attempts.iter().map(|attempt| attempt.accepted).collect::<Vec<_>>(), [false, true, true]);
}

#[tokio::test]
async fn a_stream_is_reset_with_the_scripted_code() {
    // conf: GRPC-08
    let collector = collector(Reply::ok()).await;
    for code in [0, 2, 7, 8, 11, 99] {
        collector.set_script(Reply::reset(code));
        let error = raw_export(&collector).await.unwrap_err();
        let cause = error.source().and_then(|cause| cause.downcast_ref::<h2::Error>()).unwrap();
        assert!(cause.is_reset() && cause.is_remote(), "{cause:?}");
        assert_eq!(cause.reason(), Some(code.into()));
    }
    let channel = channel(&collector);
    export(&channel, spans(1)).await.unwrap_err();
    collector.set_script(Reply::ok());
    export(&channel, spans(1)).await.unwrap();
    let connections: Vec<_> = collector.attempts().iter().map(|attempt| attempt.call.connection).collect();
    assert_eq!(connections, [1, 2, 3, 4, 5, 6, 7, 7], "a reset leaves the connection be");
    assert_eq!((collector.tally().refused_calls, collector.tally().spans), (7, 1));
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_gives_up() {
    // conf: SURV-21
    let collector = collector(Reply::hang()).await;
    let channel = channel(&collector);
    for reply in [Reply::hang(), Reply::accept_then_hang()] {
        collector.set_script(reply);
        let call = tokio::spawn({
            let channel = channel.clone();
            async move { export(&channel, spans(1)).await }
        });
        let seen = collector.attempts().len() as u64 + 1;
        collector.wait_for_calls(seen, LONG).await.unwrap();
        // Other calls of the same connection are served meanwhile.
        collector.set_script(Reply::ok());
        export(&channel, spans(1)).await.unwrap();
        assert!(!call.is_finished());
        call.abort();
    }
    assert_eq!((collector.tally().accepted_calls, collector.tally().refused_calls), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_taken_on_tokios_clock() {
    let collector = collector(Reply::ok().delay(Duration::from_secs(3_600))).await;
    let channel = channel(&collector);
    let before = tokio::time::Instant::now();
    export(&channel, spans(1)).await.unwrap();
    assert!(before.elapsed() >= Duration::from_secs(3_600));
}

#[tokio::test]
async fn a_proxys_page_reaches_the_client() {
    // conf: GRPC-07, SURV-19
    let reply = Reply::body("<h1>bad gateway</h1>", "text/html").with_http_status(502);
    let collector = collector(reply).await;
    let answer = raw_export(&collector).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (502, "text/html"));
    assert_eq!((answer.header("grpc-status"), answer.text()), ("", "<h1>bad gateway</h1>"));
    assert_eq!(collector.tally().refused_calls, 1);
}

#[tokio::test]
async fn a_raw_success_counts_as_received() {
    // conf: GRPC-06
    let framed: &[u8] = &[0, 0, 0, 0, 0];
    let reply = Reply::body(framed, "application/grpc").with_trailer("grpc-status", "0");
    let collector = collector(reply).await;
    let response = export(&channel(&collector), spans(1)).await.unwrap();
    assert_eq!(response.into_inner().partial_success, None);
    assert_eq!(collector.tally().spans, 1);
}

#[tokio::test]
async fn headers_become_metadata() {
    let collector = collector(Reply::ok().with_header("x-server", "seven")).await;
    let response = export(&channel(&collector), spans(1)).await.unwrap();
    assert_eq!(response.metadata().get("x-server").unwrap(), "seven");
    collector.set_script(Reply::http_status(429).with_header("x-server", "eight"));
    let status = export(&channel(&collector), spans(1)).await.unwrap_err();
    assert_eq!(
        (status.code(), status.metadata().get("x-server").unwrap()),
        (Code::ResourceExhausted, &"eight".parse().unwrap())
    );
}

#[tokio::test]
async fn an_invalid_reply_says_so_instead_of_passing() {
    let invalid = [
        Reply::ok().retry_info(LONG),
        Reply::hang().with_message("?"),
        Reply::unavailable().retry_after("line\nbreak"),
        Reply::http_status(99),
        Reply::http_status(101),
        Reply::ok().with_http_status(404),
        Reply::close().dripping(1, LONG),
        Reply::body("", "text/plain").endless(),
        Reply::ok().with_trailer("a", "b"),
        Reply::ok().with_grpc_status(3),
    ];
    let collector = collector(Reply::ok()).await;
    let channel = channel(&collector);
    for reply in invalid {
        let told = format!("{reply:?}");
        collector.set_script(reply);
        let status = export(&channel, spans(1)).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{told}");
        assert!(status.message().starts_with("otlp-testkit: the scripted reply is invalid: "), "{status}");
    }
    assert!(collector.received().is_empty());
}
