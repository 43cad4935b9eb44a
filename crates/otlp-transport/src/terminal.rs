//! What both terminals have in common: limits, and what a success with an unreadable answer is.

/// The largest request sent unless told otherwise, in bytes before compression: 64 MiB (GRPC-12, HTTP-18).
pub const DEFAULT_MAX_REQUEST_SIZE: usize = 64 * 1024 * 1024;

/// The largest response read unless told otherwise, in bytes before and after decompression: 4 MiB (GRPC-13, HTTP-17).
pub const DEFAULT_MAX_RESPONSE_SIZE: usize = 4 * 1024 * 1024;

/// The largest head of an HTTP/1.1 answer, and the largest list of headers or trailers of an HTTP/2 one, in bytes: enough for
/// any answer's, and no more (GRPC-28).
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) const HEAD_LIMIT: usize = 64 * 1024;

/// How much of a failure's body is read: it only adds a message to the status.
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// How long a body is waited for when the status has said what matters already.
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) const BODY_WAIT: std::time::Duration = std::time::Duration::from_secs(5);

/// The response of a success of which nothing more is known: delivered, with a diagnosis (PART-08).
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) fn unreadable(why: &str) -> otlp_model::ExportResponse {
    let mut response = otlp_model::ExportResponse::success();
    response.message = Some(format!("(the request was taken, but its response could not be read: {why})"));
    response
}
