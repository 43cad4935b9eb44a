//! `google.rpc.Status` and `RetryInfo`, their JSON form, and the code mapping of a Collector's receiver.
//!
//! Used by the server to put a scripted status on the wire. Written from the protocol's definition, apart from the
//! product's own reader of the same messages, so that one tests the other.

use http::StatusCode;
use prost::Message;
use std::time::Duration;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<prost_types::Any>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

/// The protobuf form.
pub(crate) fn encode(code: i32, message: &str, retry_info: Option<Duration>) -> Vec<u8> {
    let details = retry_info.map(|delay| {
        let retry_delay = Some(prost_types::Duration {
            seconds: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
            nanos: delay.subsec_nanos().cast_signed(),
        });
        prost_types::Any { type_url: RETRY_INFO.to_owned(), value: RetryInfo { retry_delay }.encode_to_vec() }
    });
    RpcStatus { code, message: message.to_owned(), details: details.into_iter().collect() }.encode_to_vec()
}

/// The JSON form (JSON-20).
pub(crate) fn encode_json(code: i32, message: &str, retry_info: Option<Duration>) -> Vec<u8> {
    let mut status = serde_json::json!({ "code": code, "message": message });
    if let Some(delay) = retry_info {
        let delay = format!("{}.{:09}s", delay.as_secs(), delay.subsec_nanos());
        status["details"] = serde_json::json!([{ "@type": RETRY_INFO, "retryDelay": delay }]);
    }
    status.to_string().into_bytes()
}

/// The HTTP status that a Collector's receiver answers for a gRPC code (SURV-06).
pub(crate) fn http_code(grpc: i32) -> StatusCode {
    match grpc {
        0 => StatusCode::OK,
        1 | 4 | 10 | 11 | 14 | 15 => StatusCode::SERVICE_UNAVAILABLE,
        8 => StatusCode::TOO_MANY_REQUESTS,
        3 => StatusCode::BAD_REQUEST,
        16 => StatusCode::UNAUTHORIZED,
        7 => StatusCode::FORBIDDEN,
        12 => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The gRPC code that a Collector's receiver puts into an error of an HTTP status (SURV-07).
pub(crate) fn grpc_code(http: StatusCode) -> i32 {
    match http.as_u16() {
        400 => 3,
        401 => 16,
        403 => 7,
        404 => 12,
        429 => 8,
        502..=504 => 14,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_map_as_in_a_collector() {
        // conf: SURV-06, SURV-07
        let http: Vec<u16> = (0..=16).map(|code| http_code(code).as_u16()).collect();
        assert_eq!(
            http,
            [200, 503, 500, 400, 503, 500, 500, 403, 429, 500, 503, 503, 404, 500, 503, 503, 401]
        );
        let there_and_back = |status| grpc_code(StatusCode::from_u16(status).unwrap());
        let grpc = [400, 401, 403, 404, 429, 502, 503, 504, 500, 413].map(there_and_back);
        assert_eq!(grpc, [3, 16, 7, 12, 8, 14, 14, 14, 2, 2]);
    }

    #[test]
    fn json_holds_the_delay_as_protobuf_says() {
        // conf: JSON-20
        let json = encode_json(14, "full", Some(Duration::from_millis(1_500)));
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(json["code"], 14);
        assert_eq!(json["details"][0]["retryDelay"], "1.500000000s");
    }
}
