//! From the HTTP client's errors to ours.
//!
//! Used by the client and by the terminals for bodies that break. Keeps the cause as `source()`.

use crate::error::find;
use crate::{BoxError, ConnectionLost, Endpoint};

/// The error of an exchange that broke while it was under way.
pub(crate) fn broken(endpoint: &Endpoint, error: BoxError) -> BoxError {
    #[cfg(feature = "grpc")]
    if let Some(h2) = find::<h2::Error>(&*error) {
        return http2(endpoint, h2.reason(), Stage::of(h2), error);
    }
    let lost = ConnectionLost::new(error).at(endpoint);
    let garbage = find::<hyper::Error>(&lost).filter(|error| error.is_parse());
    #[cfg(feature = "http")]
    if garbage.is_some_and(hyper::Error::is_parse_too_large) {
        return crate::ResponseTooLarge::new(crate::terminal::HEAD_LIMIT).at(endpoint).into();
    }
    if garbage.is_some() { lost.with_hint("; is this a port for OTLP/HTTP?").into() } else { lost.into() }
}

/// Who ended what on an HTTP/2 connection.
#[cfg(feature = "grpc")]
#[derive(Clone, Copy)]
enum Stage {
    /// The peer reset the stream.
    PeerReset,
    /// We reset the stream, or gave up the connection, because the answer broke the protocol or its headers were too large.
    OwnReset,
    /// The peer is closing the connection.
    PeerGoAway,
    /// We closed the connection, because what came was no HTTP/2.
    OwnGoAway,
    /// The connection itself failed.
    Io,
}

#[cfg(feature = "grpc")]
impl Stage {
    fn of(error: &h2::Error) -> Self {
        match (error.is_reset(), error.is_go_away(), error.is_remote()) {
            (true, _, true) => Self::PeerReset,
            (true, _, false) => Self::OwnReset,
            (_, true, true) => Self::PeerGoAway,
            (_, true, false) if Self::is_swollen(error) => Self::OwnReset,
            (_, true, false) => Self::OwnGoAway,
            _ => Self::Io,
        }
    }

    /// Whether the connection was given up over headers: without end, of a bomb, or too many to stay in step with.
    fn is_swollen(error: &h2::Error) -> bool {
        matches!(error.reason(), Some(h2::Reason::ENHANCE_YOUR_CALM | h2::Reason::COMPRESSION_ERROR))
    }
}

#[cfg(feature = "grpc")]
fn http2(endpoint: &Endpoint, reason: Option<h2::Reason>, stage: Stage, error: BoxError) -> BoxError {
    use crate::{GrpcCode, GrpcError};
    let name = reason.map_or_else(String::new, |reason| format!(" ({reason:?})"));
    let (code, message) = match stage {
        Stage::PeerReset => (reset_code(reason), format!("the stream was reset{name}")),
        Stage::OwnReset => {
            (GrpcCode::Internal, format!("the response broke HTTP/2 or its headers are too large{name}"))
        }
        // Streams that a GOAWAY cut off were not processed: another connection may take them (GRPC-22).
        Stage::PeerGoAway => (GrpcCode::Unavailable, format!("the connection is being closed{name}")),
        Stage::OwnGoAway => {
            return ConnectionLost::new(error)
                .at(endpoint)
                .with_hint("; is this a port for OTLP/gRPC?")
                .into();
        }
        Stage::Io => return ConnectionLost::new(error).at(endpoint).into(),
    };
    GrpcError::new(code, message).at(endpoint).caused_by(error).into()
}

/// How a server says that it has not looked at a request.
#[cfg(feature = "grpc")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unprocessed {
    /// It refused the stream.
    Refused,
    /// It drew the line below the stream when it announced to close the connection in peace.
    Goodbye,
}

/// Whether the server said that it has not looked at the request.
#[cfg(feature = "grpc")]
pub(crate) fn unprocessed(error: &(dyn std::error::Error + 'static)) -> Option<Unprocessed> {
    let h2 = find::<h2::Error>(error).filter(|h2| h2.is_remote())?;
    match h2.reason() {
        Some(h2::Reason::REFUSED_STREAM) if h2.is_reset() => Some(Unprocessed::Refused),
        Some(h2::Reason::NO_ERROR) if h2.is_go_away() => Some(Unprocessed::Goodbye),
        _ => None,
    }
}

/// gRPC's table of HTTP/2 error codes of a reset stream (GRPC-08).
#[cfg(feature = "grpc")]
fn reset_code(reason: Option<h2::Reason>) -> crate::GrpcCode {
    use crate::GrpcCode;
    match reason {
        Some(h2::Reason::REFUSED_STREAM) => GrpcCode::Unavailable,
        Some(h2::Reason::CANCEL) => GrpcCode::Cancelled,
        Some(h2::Reason::ENHANCE_YOUR_CALM) => GrpcCode::ResourceExhausted,
        Some(h2::Reason::INADEQUATE_SECURITY) => GrpcCode::PermissionDenied,
        Some(
            h2::Reason::NO_ERROR
            | h2::Reason::PROTOCOL_ERROR
            | h2::Reason::INTERNAL_ERROR
            | h2::Reason::FLOW_CONTROL_ERROR
            | h2::Reason::SETTINGS_TIMEOUT
            | h2::Reason::FRAME_SIZE_ERROR
            | h2::Reason::COMPRESSION_ERROR
            | h2::Reason::CONNECT_ERROR,
        ) => GrpcCode::Internal,
        _ => GrpcCode::Unknown,
    }
}
