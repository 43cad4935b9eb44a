//! Decoding of what receivers answer in JSON.
#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::response::{
    MAX_MESSAGE_CHARS, RpcStatus, decode_export_response_json, decode_rpc_status_json,
};
use otlp_model::{ExportResponse, Signal};
use std::time::Duration;

#[test]
fn empty_answers_are_full_success() {
    // conf: JSON-21, PART-03, SURV-13, HTTP-08
    for json in ["", " \n", "{}", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":null}"#, r#"{"x":[1]}"#] {
        for signal in Signal::ALL {
            assert_eq!(
                decode_export_response_json(signal, json.as_bytes(), 5).unwrap(),
                ExportResponse::success()
            );
        }
    }
}

#[test]
fn partial_success_counts_are_text_or_numbers() {
    // conf: JSON-06, JSON-07, PART-04, PART-06
    for (signal, name) in [
        (Signal::Traces, "rejectedSpans"),
        (Signal::Metrics, "rejectedDataPoints"),
        (Signal::Logs, "rejected_log_records"),
    ] {
        for (count, rejected) in [("3", 3), ("\"3\"", 3), ("\"-1\"", 0), ("9223372036854775807", 5)] {
            let json = format!(r#"{{"partialSuccess":{{"{name}":{count},"errorMessage":"why"}}}}"#);
            let response = decode_export_response_json(signal, json.as_bytes(), 5).unwrap();
            assert_eq!(response.rejected, rejected, "{json}");
            assert!(response.message.unwrap().starts_with("why"));
        }
    }
    assert!(decode_export_response_json(Signal::Logs, b"<html>", 5).is_err());
}

#[test]
fn errors_are_rpc_statuses() {
    // conf: JSON-20, HTTP-09, HTTP-10, GRPC-10, RETRY-07
    let retry = |delay: &str| {
        let json = format!(
            r#"{{"code":8,"message":"slow down","details":[{{"@type":"x/google.rpc.DebugInfo","retryDelay":"1s"}},7,
            {{"detail":{{}},"retryDelay":{delay},"@type":"type.googleapis.com/google.rpc.RetryInfo"}}]}}"#
        );
        let status = decode_rpc_status_json(json.as_bytes()).unwrap();
        assert_eq!((status.code, status.message.as_str()), (8, "slow down"));
        status.retry_delay
    };
    assert_eq!(retry("\"3.5s\""), Some(Duration::from_millis(3500)));
    assert_eq!(retry("\"0s\""), Some(Duration::ZERO));
    assert_eq!(retry("null"), Some(Duration::ZERO));
    assert_eq!(retry("\"0.000000001s\""), Some(Duration::from_nanos(1)));
    for nonsense in
        ["\"-1s\"", "\"1\"", "\"s\"", "\".5s\"", "\"1e3s\"", "5", "{}", "\"99999999999999s\"", "\"+1s\""]
    {
        assert_eq!(retry(nonsense), None, "{nonsense}");
    }
    assert_eq!(decode_rpc_status_json(b"{}").unwrap(), RpcStatus::default());
    let odd = decode_rpc_status_json(br#"{"code":"14","message":["?"],"details":{"a":1}}"#).unwrap();
    assert_eq!(odd, RpcStatus { code: 14, ..RpcStatus::default() });
    assert!(decode_rpc_status_json(b"Bad Gateway").is_err());
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(5000));
    assert_eq!(decode_rpc_status_json(long.as_bytes()).unwrap().message.chars().count(), MAX_MESSAGE_CHARS);
}
