//! Answers of receivers: what prost decodes we decode to the same, and all texts and counts stay within their bounds.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use otlp_fuzz::Edited;
use otlp_model::Signal;
use otlp_model::response::{
    MAX_MESSAGE_CHARS, RpcStatus, decode_export_response, decode_export_response_json, decode_rpc_status,
    decode_rpc_status_json, is_deceptive,
};
use prost::Message;
use std::time::Duration;

/// What a claim of an impossible count adds to a message.
const CLAIM: usize = 120;

/// The beginning of a receiver's message as it may be shown.
fn harmless(message: &str) -> String {
    message.chars().map(|c| if is_deceptive(c) { ' ' } else { c }).take(MAX_MESSAGE_CHARS - 1).collect()
}

/// As the Collector, vendors and proxies answer.
const PROTOBUF: [&[u8]; 5] = [
    b"",
    b"\x0a\x00",
    b"\x0a\x08\x08\x03\x12\x04full",
    b"\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x0a\x06\x12\x04warn\x10\x07\x1b\x08\x01\x1c",
];

#[test]
fn protobuf() {
    bolero::check!().with_type::<(Edited, u8)>().for_each(|(body, sent)| {
        let (body, sent) = (body.bytes(&PROTOBUF), u64::from(*sent));
        let ours = decode_export_response(Signal::Traces, &body, sent);
        let theirs = ExportTraceServiceResponse::decode(&body[..]);
        if let Ok(theirs) = theirs {
            let ours = ours.as_ref().expect("prost takes it");
            let partial = theirs.partial_success.unwrap_or_default();
            let clamped = u64::try_from(partial.rejected_spans).unwrap_or(0).min(sent);
            assert_eq!(ours.rejected, clamped, "{body:?}");
            let begin = harmless(&partial.error_message);
            assert!(ours.message.as_deref().unwrap_or_default().starts_with(&begin), "{ours:?}");
        }
        if let Ok(ours) = ours {
            assert!(ours.rejected <= sent);
            assert!(ours.message.is_none_or(|text| text.chars().count() <= MAX_MESSAGE_CHARS + CLAIM));
        }
    });
}

const JSON: [&str; 6] = [
    r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"full"}}"#,
    r#"{"partialSuccess":null}"#,
    r#"{"partial_success":{"rejected_spans":-1}}"#,
    "{}",
    r#"{"status":"ok","took":[1,2]}"#,
    "<html>502 Bad Gateway</html>",
];

#[test]
fn json() {
    bolero::check!().with_type::<(Edited, u8)>().for_each(|(body, sent)| {
        let (body, sent) = (body.text(&JSON), u64::from(*sent));
        let Ok(ours) = decode_export_response_json(Signal::Traces, body.as_bytes(), sent) else { return };
        assert!(ours.rejected <= sent);
        let other = serde_json::from_str::<serde_json::Value>(&body);
        let skipped = other.as_ref().is_err_and(|error| error.to_string().contains("recursion limit"));
        assert!(body.trim_ascii().is_empty() || other.is_ok() || skipped, "{body:?}");
    });
}

/// The schema of `google.rpc.Status`, for prost.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

/// The schema of `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

impl Status {
    /// The first readable delay.
    fn retry_delay(&self) -> Option<Duration> {
        self.details
            .iter()
            .filter(|any| any.type_url.rsplit('/').next() == Some("google.rpc.RetryInfo"))
            .find_map(|any| {
                let delay = RetryInfo::decode(&any.value[..]).ok()?.retry_delay.unwrap_or_default();
                let (seconds, nanos) = (u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?);
                (seconds <= 315_576_000_000 && nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
            })
    }
}

const STATUS: [&[u8]; 3] = [
    b"\x08\x0e\x12\x04busy",
    b"\x08\x08\x1a\x2e\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x02\x0a\x00",
    b"\x08\x0e\x1a\x35\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x09\x0a\x07\x08\x03\x10\x80\xca\xb5\xee",
];

#[test]
fn status() {
    bolero::check!().with_type::<Edited>().for_each(|body| {
        let body = body.bytes(&STATUS);
        let ours = decode_rpc_status(&body);
        if let Ok(theirs) = Status::decode(&body[..]) {
            let RpcStatus { code, message, retry_delay } = ours.expect("prost takes it");
            assert_eq!((code, retry_delay), (theirs.code, theirs.retry_delay()), "{body:?}");
            let begin = harmless(&theirs.message);
            assert!(message.starts_with(&begin) && message.chars().count() <= MAX_MESSAGE_CHARS);
        }
    });
}

const STATUS_JSON: [&str; 3] = [
    r#"{"code":14,"message":"busy","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3.5s"}]}"#,
    r#"{"code":"14","message":null,"details":{}}"#,
    r#"{"error":{"code":503}}"#,
];

#[test]
fn status_json() {
    bolero::check!().with_type::<Edited>().for_each(|body| {
        let body = body.text(&STATUS_JSON);
        let Ok(status) = decode_rpc_status_json(body.as_bytes()) else { return };
        assert!(status.message.chars().count() <= MAX_MESSAGE_CHARS);
        assert!(status.retry_delay.is_none_or(|delay| delay.as_secs() <= 315_576_000_000));
        // The same said in protobuf.
        let proto = Status { code: status.code, message: status.message.clone(), details: Vec::new() };
        let again = decode_rpc_status(&proto.encode_to_vec()).expect("prost wrote it");
        assert_eq!(again, RpcStatus { retry_delay: None, ..status });
    });
}
