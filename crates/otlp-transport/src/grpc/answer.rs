//! Reading the answer to a gRPC call: status first, message second.
//!
//! Used by the gRPC terminal. A status is never lost to a bad message or bad details around it.

use crate::body::{self, DecompressError, ReadError, Received};
use crate::client::broken;
use crate::{BoxError, Endpoint, GrpcCode, GrpcError, ResponseTooLarge, status};
use bytes::{Buf, Bytes};
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use otlp_model::response::decode_export_response;
use otlp_model::{ExportRequest, ExportResponse};

/// The frame head before a message: a flag and the length.
const HEAD: usize = 5;

/// Reads `response` to a success or the error it stands for.
///
/// Cancel safety: dropping the future cancels the call.
pub(super) async fn read<B>(
    response: Response<B>,
    request: &ExportRequest,
    endpoint: &Endpoint,
    limit: usize,
) -> Result<ExportResponse, BoxError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    // Trailers-only: the status is in the headers and there is no message (GRPC-06).
    if let Some(failed) = failure(&head.headers) {
        return match failed {
            Some(error) => Err(error.at(endpoint).into()),
            None => Ok(ExportResponse::success()),
        };
    }
    let received = match read_body(body, head.status, limit).await {
        Ok(received) => received,
        // A proxy's error page counts by its HTTP status, read or not (GRPC-07).
        Err(_) if head.status != StatusCode::OK => Received::default(),
        Err(ReadError::TooLarge) => return Err(ResponseTooLarge::new(limit).at(endpoint).into()),
        Err(ReadError::Broken(error)) => return Err(broken(endpoint, error)),
    };
    match received.trailers.as_ref().and_then(failure) {
        Some(None) => message(&head.headers, received.bytes, request, endpoint, limit),
        Some(Some(error)) => Err(error.at(endpoint).into()),
        None => Err(no_status(head.status, &head.headers).at(endpoint).into()),
    }
}

async fn read_body<B>(body: B, http_status: StatusCode, limit: usize) -> Result<Received, ReadError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    if http_status == StatusCode::OK {
        return body::read(body, limit.saturating_add(HEAD)).await;
    }
    let read = body::read(body, crate::terminal::ERROR_BODY_LIMIT.min(limit));
    tokio::time::timeout(crate::terminal::BODY_WAIT, read).await.unwrap_or(Err(ReadError::TooLarge))
}

/// What `headers` say about failure: nothing without a `grpc-status`, `Some(None)` when it is OK.
fn failure(headers: &HeaderMap) -> Option<Option<GrpcError>> {
    let code = GrpcCode::from_header(headers.get("grpc-status")?.as_bytes());
    if code == GrpcCode::Ok {
        return Some(None);
    }
    let details = headers.get("grpc-status-details-bin").and_then(|value| status::details(value.as_bytes()));
    let mut message =
        headers.get("grpc-message").map(|value| status::message(value.as_bytes())).unwrap_or_default();
    let mut retry_delay = None;
    if let Some(details) = details {
        retry_delay = details.retry_delay;
        if message.is_empty() {
            message = status::printable(&details.message);
        }
    }
    let is_too_large = retry_delay.is_none() && says_too_large(code, &message);
    Some(Some(GrpcError::new(code, message).with_retry_delay(retry_delay).with_too_large(is_too_large)))
}

/// Whether a status says that the request is larger than the receiver takes. gRPC has no code for that, and no field:
/// only the texts of its implementations tell it from other exhausted resources (SURV-02).
fn says_too_large(code: GrpcCode, message: &str) -> bool {
    let said = message.to_ascii_lowercase();
    match code {
        GrpcCode::ResourceExhausted => {
            // Go, C core, Node, Python: "received message larger than max (5 vs. 4)", "… after decompression larger than max 4".
            said.contains("message") && said.contains("larger than max")
                // Java: "gRPC message exceeds maximum size 4: 5". .NET: "… exceeds the maximum configured message size."
                || said.contains("message exceeds")
                // Rust (tonic), compressed: "… size limit, of 4 bytes, exceeded while decompressing message".
                || said.contains("exceeded while decompressing")
                || said.contains("message length too large")
        }
        // Rust (tonic), plain: "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes".
        GrpcCode::OutOfRange => said.contains("message length too large"),
        _ => false,
    }
}

/// The error of an answer without `grpc-status`, as a proxy or a plain HTTP server gives (GRPC-07, SURV-19).
fn no_status(http_status: StatusCode, headers: &HeaderMap) -> GrpcError {
    let code = GrpcCode::from_http_status(http_status.as_u16());
    let is_grpc = headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
    let hint = if is_grpc { "" } else { ", and it is no gRPC: is this a port for OTLP/gRPC?" };
    GrpcError::new(code, format!("the answer, HTTP {http_status}, has no grpc-status{hint}"))
        .with_too_large(http_status == StatusCode::PAYLOAD_TOO_LARGE)
}

/// The message of a successful call. What cannot be read does not undo the success (PART-08).
fn message(
    headers: &HeaderMap,
    mut bytes: Bytes,
    request: &ExportRequest,
    endpoint: &Endpoint,
    limit: usize,
) -> Result<ExportResponse, BoxError> {
    if bytes.is_empty() {
        return Ok(ExportResponse::success());
    }
    if bytes.len() < HEAD {
        return Ok(crate::terminal::unreadable("its frame is cut off"));
    }
    let compressed = bytes.get_u8() != 0;
    let length = bytes.get_u32() as usize;
    if length != bytes.len() {
        return Ok(crate::terminal::unreadable("its frame has another length than it says"));
    }
    if compressed {
        let encoding = headers.get("grpc-encoding").map_or(&b"unnamed"[..], |value| value.as_bytes());
        bytes = match body::decompress(encoding, &bytes, limit) {
            Ok(bytes) => bytes,
            Err(DecompressError::TooLarge) => return Err(ResponseTooLarge::new(limit).at(endpoint).into()),
            Err(error) => return Ok(crate::terminal::unreadable(error.as_str())),
        };
    }
    Ok(decode_export_response(request.signal(), &bytes, request.items())
        .unwrap_or_else(|error| crate::terminal::unreadable(&error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_implementations_say_of_a_request_that_is_too_large() {
        // conf: SURV-02
        use GrpcCode::{Internal, OutOfRange, ResourceExhausted};
        for (code, said) in [
            (ResourceExhausted, "grpc: received message larger than max (5000000 vs. 4194304)"),
            (ResourceExhausted, "grpc: received message after decompression larger than max 4194304"),
            (ResourceExhausted, "SERVER: Received message larger than max (5000000 vs. 4194304)"),
            (ResourceExhausted, "gRPC message exceeds maximum size 4194304: 5000000"),
            (ResourceExhausted, "Decompressed gRPC message exceeds maximum size 4194304"),
            (ResourceExhausted, "Received message exceeds the maximum configured message size."),
            (
                ResourceExhausted,
                "Error decompressing: size limit, of 4 bytes, exceeded while decompressing message",
            ),
            (OutOfRange, "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes"),
        ] {
            assert!(says_too_large(code, said), "{said}");
        }
        for (code, said) in [
            (ResourceExhausted, ""),
            (ResourceExhausted, "the tenant's quota is used up"),
            (ResourceExhausted, "sending_queue is full"),
            (OutOfRange, "timestamps are larger than max"),
            (Internal, "grpc: received message larger than max (5 vs. 4)"),
        ] {
            assert!(!says_too_large(code, said), "{said}");
        }
    }
}
