//! What the doctor sends: empty requests, requests with one item, and padded ones that hold nothing.
//!
//! Pure. An item is marked as what it is, so that nobody takes it for telemetry of an application.

use otlp_model::{ExportRequest, Signal, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A request without items. Every receiver has to take it.
pub(crate) fn empty(signal: Signal) -> ExportRequest {
    ExportRequest::new(signal, 0, bytes::Bytes::new())
}

/// A request with one item, made `now`; `random` makes its ids.
pub(crate) fn real(signal: Signal, now: SystemTime, random: u128) -> ExportRequest {
    let end = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (start, end) = (end.saturating_sub(Duration::from_millis(1)).as_nanos(), end.as_nanos());
    let resource =
        r#""resource":{"attributes":[{"key":"service.name","value":{"stringValue":"otlp-doctor"}}]}"#;
    let scope = format!(r#""scope":{{"name":"otlp doctor","version":"{}"}}"#, env!("CARGO_PKG_VERSION"));
    // Never zero, which would be no id.
    let (trace, span) = (random | 1, (random >> 64) as u64 | 1);
    let text = match signal {
        Signal::Metrics => format!(
            r#"{{"resourceMetrics":[{{{resource},"scopeMetrics":[{{{scope},"metrics":[{{"name":"otlp.doctor.check","unit":"1",
            "gauge":{{"dataPoints":[{{"timeUnixNano":"{end}","asInt":"1"}}]}}}}]}}]}}]}}"#
        ),
        Signal::Logs => format!(
            r#"{{"resourceLogs":[{{{resource},"scopeLogs":[{{{scope},"logRecords":[{{"timeUnixNano":"{end}",
            "observedTimeUnixNano":"{end}","severityNumber":9,"severityText":"INFO","body":{{"stringValue":"otlp doctor: check"}}}}]}}]}}]}}"#
        ),
        _ => format!(
            r#"{{"resourceSpans":[{{{resource},"scopeSpans":[{{{scope},"spans":[{{"traceId":"{trace:032x}","spanId":"{span:016x}",
            "name":"otlp doctor: check","kind":1,"startTimeUnixNano":"{start}","endTimeUnixNano":"{end}"}}]}}]}}]}}"#
        ),
    };
    let body = json::request_from_json(signal, text.as_bytes()).unwrap_or_default();
    ExportRequest::new(signal, 1, body)
}

/// A request of about `size` bytes that holds nothing: one field that no version of OTLP has, which every reader skips.
pub(crate) fn padded(signal: Signal, size: usize) -> ExportRequest {
    // Field 536,870,911, the last there can be, of bytes; then their number.
    let mut body = vec![0xfa, 0xff, 0xff, 0xff, 0x0f];
    let content = size.saturating_sub(body.len() + 4);
    let mut left = content;
    while left >= 0x80 {
        body.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    body.push(left as u8);
    // Not zeros: a gateway that compresses must not make it small.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    body.extend((0..content).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    }));
    ExportRequest::new(signal, 0, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_whole_and_say_what_they_are() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for signal in Signal::ALL {
            let request = real(signal, now, 7 << 64 | 9);
            assert_eq!(request.items(), 1);
            let text = json::request_to_json(signal, &request.body().to_bytes()).unwrap();
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains("otlp-doctor") && text.contains("1700000000000000000"), "{text}");
        }
    }

    #[test]
    fn padding_is_a_request_without_content() {
        for size in [20, 1000, 100_000] {
            let request = padded(Signal::Logs, size);
            assert!(request.raw_len().abs_diff(size) <= 8, "{size}: {}", request.raw_len());
            let text = json::request_to_json(Signal::Logs, &request.body().to_bytes()).unwrap();
            assert_eq!(text, br#"{"resourceLogs":[]}"#);
        }
    }
}
