//! `google.rpc.Status` and `RetryInfo`, written with prost: an encoder that is not ours.

use base64::Engine as _;
use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
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
    pub retry_delay: Option<prost_types::Duration>,
}

/// The bytes of a status, with a `RetryInfo` if there is a delay.
pub(crate) fn status(code: i32, message: &str, delay: Option<prost_types::Duration>) -> Vec<u8> {
    let details = delay.map(|delay| prost_types::Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".into(),
        value: RetryInfo { retry_delay: Some(delay) }.encode_to_vec(),
    });
    Status { code, message: message.into(), details: details.into_iter().collect() }.encode_to_vec()
}

/// The value of `grpc-status-details-bin`.
#[allow(dead_code, reason = "not every test file that reads statuses has headers to put them in")]
pub(crate) fn base64(bytes: &[u8], padded: bool) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    if padded { text } else { text.trim_end_matches('=').to_owned() }
}
