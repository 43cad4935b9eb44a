//! gRPC: what is sent is what is received, of every signal and compression, with what was around it.

use crate::client::{channel, export, logs, metrics, send_http2, spans};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use otlp_model::{Encoding, Format, Signal};
use otlp_testkit::{Code, Collector, Payload, Peer, Protocol};
use prost::Message;
use tonic::codec::CompressionEncoding;

#[tokio::test]
async fn every_signal_arrives_whole() {
    // conf: GRPC-01, GRPC-04
    let collector = Collector::builder().grpc().start().await.unwrap();
    let channel = channel(&collector);
    let response = export(&channel, spans(3)).await.unwrap().into_inner();
    assert_eq!(response.partial_success, Some(Default::default()), "SURV-13: present and empty");
    MetricsServiceClient::new(channel.clone()).export(metrics(5)).await.unwrap();
    LogsServiceClient::new(channel).export(logs(2)).await.unwrap();

    let received = collector.received();
    let payloads: Vec<_> = received.calls().map(|call| call.payload.clone()).collect();
    assert_eq!(payloads, [Payload::Traces(spans(3)), Payload::Metrics(metrics(5)), Payload::Logs(logs(2))]);
    let tally = collector.tally();
    assert_eq!((tally.spans, tally.data_points, tally.log_records), (3, 5, 2));
    assert_eq!((received.items(), tally.items(), tally.accepted_calls), (10, 10, 3));
    assert_eq!(Signal::ALL.map(|signal| tally.of(signal)), [3, 5, 2]);

    let third = &received.spans()[2];
    assert_eq!(
        (third.span.name.as_str(), third.service_name(), third.scope.name.as_str()),
        ("span 3", "shop", "tests")
    );
    assert_eq!(third.attempt.index, 0);
    assert_eq!(received.span_named("span 2").unwrap().span.span_id, 2u64.to_be_bytes());
    assert!(third.attribute("absent").is_none());
    assert_eq!(received.metrics()[0].metric.name, "queue.size");
    assert_eq!(received.metrics()[0].service_name(), "shop");
    assert_eq!(received.logs()[1].record.severity_text, "INFO");
    assert_eq!(
        received.logs()[1].resource_attribute("service.name"),
        third.resource_attribute("service.name")
    );
}

#[tokio::test]
async fn items_are_to_be_had_as_model_types() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let channel = channel(&collector);
    export(&channel, spans(1)).await.unwrap();
    MetricsServiceClient::new(channel.clone()).export(metrics(1)).await.unwrap();
    LogsServiceClient::new(channel.clone()).export(logs(1)).await.unwrap();
    let mut broken = spans(1);
    broken.resource_spans[0].scope_spans[0].spans[0].span_id = vec![1; 7];
    export(&channel, broken).await.unwrap();

    let received = collector.received();
    let [good, broken] = &received.spans()[..] else { panic!("two spans") };
    let span = good.to_model().unwrap();
    assert_eq!(
        (span.name.as_ref(), span.context.span_id().to_string().as_str()),
        ("span 1", "0000000000000001")
    );
    assert_eq!((good.scope_model().name.as_ref(), good.resource_model().attributes.len()), ("tests", 1));
    assert!(broken.to_model().unwrap_err().to_string().starts_with("span_id: 7 bytes long"));
    assert_eq!(received.metrics()[0].to_model().unwrap().name.as_ref(), "queue.size");
    assert_eq!(received.logs()[0].to_model().unwrap().severity_text.as_ref(), "INFO");
}

#[tokio::test]
async fn a_call_tells_how_it_was_sent() {
    let collector = Collector::builder().start().await.unwrap();
    let channel = channel(&collector);
    for _ in 0..2 {
        let mut request = tonic::Request::new(spans(1));
        request.metadata_mut().insert("x-tenant", "blue".parse().unwrap());
        TraceServiceClient::new(channel.clone()).export(request).await.unwrap();
    }
    export(&crate::client::channel(&collector), spans(1)).await.unwrap();

    let received = collector.received();
    let calls: Vec<_> = received.calls().collect();
    assert_eq!(calls[0].header("x-tenant"), Some("blue"));
    assert_eq!(calls[0].header("te"), Some("trailers"));
    assert_eq!((calls[0].protocol, calls[0].format), (Protocol::Grpc, Format::Protobuf));
    assert_eq!((calls[0].signal, calls[0].encoding), (Signal::Traces, Encoding::Identity));
    assert_eq!(calls[0].wire_bytes, 5 + spans(1).encoded_len() as u64);
    assert!(matches!(calls[0].peer, Peer::Tcp(address) if address.ip().is_loopback()));
    assert_eq!(calls[0].connection, calls[1].connection, "one channel, one connection");
    assert_ne!(calls[0].connection, calls[2].connection);
    assert_eq!(calls.iter().map(|call| call.number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[tokio::test]
async fn gzip_and_zstd_are_understood_and_told_apart() {
    // conf: GRPC-04
    let collector = Collector::builder().grpc().start().await.unwrap();
    let sizes = [(CompressionEncoding::Gzip, Encoding::Gzip), (CompressionEncoding::Zstd, Encoding::Zstd)];
    for (number, (sent, seen)) in sizes.into_iter().enumerate() {
        let mut client = TraceServiceClient::new(channel(&collector)).send_compressed(sent);
        client.export(spans(500)).await.unwrap();
        let received = collector.received();
        let call = received.calls().nth(number).unwrap();
        assert_eq!((call.encoding, call.items), (seen, 500));
        assert!(call.wire_bytes < spans(500).encoded_len() as u64 / 2, "{} bytes", call.wire_bytes);
        assert_eq!(call.payload, Payload::Traces(spans(500)));
    }
}

#[tokio::test]
async fn an_oversize_message_is_refused_as_a_collector_does() {
    // conf: SURV-01, SURV-02
    let collector = Collector::builder().grpc().max_request_bytes(1_000).start().await.unwrap();
    for compressed in [false, true] {
        let mut client = TraceServiceClient::new(channel(&collector));
        if compressed {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let status = client.export(spans(500)).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        assert!(status.details().is_empty(), "no RetryInfo");
    }
    assert_eq!((collector.tally().malformed, collector.tally().calls()), (2, 0));
    assert!(
        collector.malformed()[0].to_string().contains("ResourceExhausted"),
        "{}",
        collector.malformed()[0]
    );
}

#[tokio::test]
async fn what_is_no_export_call_is_refused_and_told() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let address = collector.grpc_endpoint().trim_start_matches("http://").to_owned();
    let request = |path: &str, body: &'static [u8]| {
        http::Request::post(format!("{}{path}", collector.grpc_endpoint()))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(http_body_util::Full::new(bytes::Bytes::from_static(body)))
            .unwrap()
    };
    let export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let wrong_path = send_http2(&address, request("/some.Service/Export", b"")).await.unwrap();
    assert_eq!(wrong_path.header("grpc-status"), "12");
    let garbage = send_http2(&address, request(export, b"\0\0\0\0\x02\xff\xff")).await.unwrap();
    assert_eq!(garbage.header("grpc-status"), "13");

    let malformed = collector.malformed();
    assert_eq!(malformed.len(), 2);
    assert_eq!((malformed[0].path.as_str(), malformed[0].protocol), ("/some.Service/Export", Protocol::Grpc));
    assert!(malformed[1].reason.starts_with("Internal"), "{}", malformed[1].reason);
    assert!(collector.attempts().is_empty());
}
