//! OTLP/JSON against prost and the serde form of the generated types: what goes through must come back.
#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/proto.rs"]
mod proto;

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use otlp_model::Signal;
use otlp_model::json::{request_from_json, request_to_json};
use proptest::prelude::*;
use prost::Message;
use proto::Doubles;

/// Protobuf → JSON → protobuf; the result must mean the same to prost.
///
/// Compared as prost's own encoding of what it decodes: not-a-number does not equal itself.
fn round_trip<M: Message + Default>(signal: Signal, message: &M) {
    let protobuf = message.encode_to_vec();
    let json = request_to_json(signal, &protobuf).unwrap();
    serde_json::from_slice::<serde_json::Value>(&json).expect("it is JSON");
    let back = request_from_json(signal, &json).unwrap();
    let decoded = M::decode(&*back).expect("it is the message");
    assert_eq!(decoded.encode_to_vec(), protobuf, "{}", String::from_utf8_lossy(&json));
}

proptest! {
    #[test]
    fn traces_survive(request in proto::traces(Doubles::Any)) {
        // conf: JSON-03, JSON-18
        round_trip(Signal::Traces, &request);
    }

    #[test]
    fn logs_survive(request in proto::logs(Doubles::Any)) {
        // conf: JSON-18
        round_trip(Signal::Logs, &request);
    }

    #[test]
    fn metrics_survive(request in proto::metrics(Doubles::Any)) {
        // conf: JSON-15, JSON-18
        round_trip(Signal::Metrics, &request);
    }

    #[test]
    fn what_serde_writes_of_traces_is_read(request in proto::traces(Doubles::Finite)) {
        // conf: JSON-18
        let back = request_from_json(Signal::Traces, &serde_json::to_vec(&request).unwrap()).unwrap();
        prop_assert_eq!(ExportTraceServiceRequest::decode(&*back).unwrap(), request);
    }

    #[test]
    fn what_serde_writes_of_logs_is_read(request in proto::logs(Doubles::Finite)) {
        // conf: JSON-18
        let back = request_from_json(Signal::Logs, &serde_json::to_vec(&request).unwrap()).unwrap();
        prop_assert_eq!(ExportLogsServiceRequest::decode(&*back).unwrap(), request);
    }

    #[test]
    fn what_serde_writes_of_metrics_is_read(request in proto::metrics(Doubles::Finite)) {
        // conf: JSON-18
        let back = request_from_json(Signal::Metrics, &serde_json::to_vec(&request).unwrap()).unwrap();
        prop_assert_eq!(ExportMetricsServiceRequest::decode(&*back).unwrap(), request);
    }

    #[test]
    fn what_prost_reads_is_read_alike(
        request in proto::traces(Doubles::Any),
        more in proto::traces(Doubles::Any),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        // conf: JSON-18, MODEL-33
        let mut protobuf = request.encode_to_vec();
        protobuf.extend(more.encode_to_vec());
        for (position, byte) in flips {
            if !protobuf.is_empty() {
                let position = position.index(protobuf.len());
                protobuf[position] = byte;
            }
        }
        let json = request_to_json(Signal::Traces, &protobuf);
        if let Ok(expected) = ExportTraceServiceRequest::decode(&*protobuf) {
            // Debug text: any not-a-number looks the same. The fields of profiles are not ours.
            let expected = format!("{expected:?}");
            if let Ok(back) = request_from_json(Signal::Traces, &json.unwrap())
                && !expected.contains("StringValueStrindex")
            {
                let back = format!("{:?}", ExportTraceServiceRequest::decode(&*back).unwrap());
                let without_strindex = |text: &str| {
                    let parts = text.split("key_strindex: ");
                    parts.map(|part| part.trim_start_matches(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']))
                        .collect::<Vec<_>>().concat()
                };
                prop_assert_eq!(without_strindex(&back), without_strindex(&expected));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        for signal in Signal::ALL {
            let _ = request_to_json(signal, &bytes);
            let _ = request_from_json(signal, &bytes);
        }
    }

    #[test]
    fn cut_off_json_is_an_error(request in proto::logs(Doubles::Any), cut in any::<prop::sample::Index>()) {
        let json = request_to_json(Signal::Logs, &request.encode_to_vec()).unwrap();
        prop_assert!(request_from_json(Signal::Logs, &json[..cut.index(json.len())]).is_err());
    }
}
