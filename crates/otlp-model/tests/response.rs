//! Decoding of what receivers answer, checked against prost's encoding of the same messages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use opentelemetry_proto::tonic::collector::logs::v1 as logs;
use opentelemetry_proto::tonic::collector::metrics::v1 as metrics;
use opentelemetry_proto::tonic::collector::trace::v1 as traces;
use otlp_model::response::{
    MAX_MESSAGE_CHARS, RpcStatus, decode_export_response, decode_rpc_status, is_deceptive,
};
use otlp_model::{ExportResponse, Signal};
use proptest::prelude::*;
use prost::Message;
use prost_types::{Any, Duration};
use std::time::Duration as Delay;

fn encode(signal: Signal, rejected: i64, error_message: String) -> Vec<u8> {
    match signal {
        Signal::Traces => traces::ExportTraceServiceResponse {
            partial_success: Some(traces::ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message,
            }),
        }
        .encode_to_vec(),
        Signal::Metrics => metrics::ExportMetricsServiceResponse {
            partial_success: Some(metrics::ExportMetricsPartialSuccess {
                rejected_data_points: rejected,
                error_message,
            }),
        }
        .encode_to_vec(),
        Signal::Logs => logs::ExportLogsServiceResponse {
            partial_success: Some(logs::ExportLogsPartialSuccess {
                rejected_log_records: rejected,
                error_message,
            }),
        }
        .encode_to_vec(),
        _ => unreachable!(),
    }
}

#[test]
fn nothing_said_is_full_success() {
    // conf: HTTP-08, PART-03, SURV-13
    for bytes in [&b""[..], b"\x0a\x00"] {
        for signal in Signal::ALL {
            assert_eq!(decode_export_response(signal, bytes, 7).unwrap(), ExportResponse::success());
        }
    }
}

#[test]
fn a_warning_rejects_nothing() {
    // conf: PART-05
    let response =
        decode_export_response(Signal::Logs, &encode(Signal::Logs, 0, "deprecated".into()), 7).unwrap();
    assert_eq!(response, ExportResponse { rejected: 0, message: Some("deprecated".into()) });
}

#[test]
fn nonsense_counts_are_clamped_and_told() {
    // conf: PART-06
    for (claim, rejected) in [(-1, 0), (i64::MIN, 0), (8, 7), (i64::MAX, 7)] {
        let bytes = encode(Signal::Metrics, claim, "no".into());
        let response = decode_export_response(Signal::Metrics, &bytes, 7).unwrap();
        assert_eq!(response.rejected, rejected);
        let told = format!("no (the receiver claims to have rejected {claim} of 7 data points)");
        assert_eq!(response.message, Some(told));
    }
}

#[test]
fn unknown_fields_are_skipped() {
    // conf: MODEL-33
    let mut bytes = b"\x7a\x03abc\xa1\x06\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(b"\x0a\x07\x08\x02\x18\x09\x22\x01x");
    assert_eq!(decode_export_response(Signal::Traces, &bytes, 7).unwrap().rejected, 2);
}

#[test]
fn messages_write_no_lines_of_their_own() {
    let message = "full\r\n2026-11-28 ERROR made up\u{1b}[31m\u{2028}x\u{202e}y\0";
    let mut partial = vec![0x12, u8::try_from(message.len()).unwrap()];
    partial.extend(message.bytes());
    let mut bytes = vec![0x0a, u8::try_from(partial.len()).unwrap()];
    bytes.extend(partial);
    let response = decode_export_response(Signal::Traces, &bytes, 1).unwrap();
    assert_eq!(response.message.as_deref(), Some("full  2026-11-28 ERROR made up [31m x y "));
}

#[test]
fn messages_are_capped() {
    // conf: HTTP-17
    let response =
        decode_export_response(Signal::Traces, &encode(Signal::Traces, 1, "é".repeat(5000)), 7).unwrap();
    let message = response.message.unwrap();
    assert_eq!(message.chars().count(), MAX_MESSAGE_CHARS);
    assert!(message.ends_with("é…"));
    let exact = "é".repeat(MAX_MESSAGE_CHARS);
    let bytes = encode(Signal::Traces, 1, exact.clone());
    assert_eq!(decode_export_response(Signal::Traces, &bytes, 7).unwrap().message, Some(exact));
}

proptest! {
    #[test]
    fn partial_success_is_read_as_prost_writes_it(
        signal in prop::sample::select(&Signal::ALL[..]),
        rejected in 0..100i64,
        more in 0..100u64,
        message in ".{0,30}",
    ) {
        // conf: PART-04
        let bytes = encode(signal, rejected, message.clone());
        let response = decode_export_response(signal, &bytes, rejected as u64 + more).unwrap();
        prop_assert_eq!(response.rejected, rejected as u64);
        let shown: String = message.chars().map(|c| if is_deceptive(c) { ' ' } else { c }).collect();
        prop_assert_eq!(response.message.unwrap_or_default(), shown);
    }

    #[test]
    fn whatever_prost_reads_is_read_alike(bytes in response_like()) {
        if let Ok(expected) = traces::ExportTraceServiceResponse::decode(&*bytes) {
            let expected = expected.partial_success.unwrap_or_default();
            let response = decode_export_response(Signal::Traces, &bytes, u64::MAX).unwrap();
            prop_assert_eq!(response.rejected, u64::try_from(expected.rejected_spans).unwrap_or(0));
        }
    }

    #[test]
    fn any_status_bytes_are_survived(bytes in response_like()) {
        // conf: HTTP-09
        if Status::decode(&*bytes).is_ok() {
            prop_assert!(decode_rpc_status(&bytes).is_ok());
        }
    }
}

/// Bytes that are often, but not always, fields with low numbers.
fn response_like() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![prop::sample::select(&[0x08, 0x0a, 0x10, 0x12, 0, 1, 2, 4][..]), any::<u8>()];
    prop::collection::vec(byte, 0..20)
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Duration>,
}

fn retry_info(retry_delay: Option<Duration>) -> Any {
    let value = RetryInfo { retry_delay }.encode_to_vec();
    Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".into(), value }
}

fn decode(details: Vec<Any>) -> RpcStatus {
    let status = Status { code: 14, message: "busy".into(), details };
    decode_rpc_status(&status.encode_to_vec()).unwrap()
}

#[test]
fn retry_info_is_found_among_details() {
    // conf: GRPC-10, RETRY-06
    let other =
        Any { type_url: "type.googleapis.com/google.rpc.DebugInfo".into(), value: b"\x0a\x01x".to_vec() };
    let status = decode(vec![other, retry_info(Some(Duration { seconds: 3, nanos: 500_000_000 }))]);
    let expected =
        RpcStatus { code: 14, message: "busy".into(), retry_delay: Some(Delay::from_millis(3500)) };
    assert_eq!(status, expected);
}

#[test]
fn a_zero_delay_is_a_delay_and_absence_is_none() {
    // conf: RETRY-05, RETRY-07
    assert_eq!(decode(vec![]).retry_delay, None);
    assert_eq!(decode(vec![retry_info(None)]).retry_delay, Some(Delay::ZERO));
    assert_eq!(decode(vec![retry_info(Some(Duration::default()))]).retry_delay, Some(Delay::ZERO));
}

#[test]
fn nonsense_delays_are_absent() {
    // conf: GRPC-10
    for (seconds, nanos) in [(-1, 0), (0, -1), (1, 1_000_000_000), (i64::MAX, 0), (i64::MIN, i32::MIN)] {
        assert_eq!(decode(vec![retry_info(Some(Duration { seconds, nanos }))]).retry_delay, None);
    }
    for value in [&b"\x0a\x05"[..], b"\x08\x05", b"\x0a\x02\x0a\x00"] {
        let type_url = "type.googleapis.com/google.rpc.RetryInfo".into();
        let broken = Any { type_url, value: value.to_vec() };
        assert_eq!(decode(vec![broken.clone()]).retry_delay, None);
        let good = retry_info(Some(Duration { seconds: 2, nanos: 0 }));
        assert_eq!(decode(vec![broken, good]).retry_delay, Some(Delay::from_secs(2)));
    }
}

#[test]
fn a_negative_code_and_broken_bytes_do_no_harm() {
    // conf: HTTP-09, HTTP-10
    let status = Status { code: -5, message: "x".repeat(2000), details: vec![] };
    let decoded = decode_rpc_status(&status.encode_to_vec()).unwrap();
    assert_eq!((decoded.code, decoded.message.chars().count()), (-5, MAX_MESSAGE_CHARS));
    assert!(decode_rpc_status(b"<html>502 Bad Gateway</html>").is_err());
    assert_eq!(decode_rpc_status(b"").unwrap(), RpcStatus::default());
}
