//! The seventeen status codes of gRPC, their names, and where one must be made up from an HTTP status.
//!
//! Used by the gRPC terminal and by `classify`. Says nothing about retrying; that is `classify`'s.

use std::fmt;

/// A status code of gRPC.
///
/// ```
/// use otlp_transport::GrpcCode;
/// assert_eq!(GrpcCode::from(14), GrpcCode::Unavailable);
/// assert_eq!(GrpcCode::from(99), GrpcCode::Unknown);
/// assert_eq!(GrpcCode::Unavailable.to_string(), "UNAVAILABLE");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum GrpcCode {
    /// 0: success.
    Ok = 0,
    /// 1: the call was cancelled.
    Cancelled = 1,
    /// 2: an unknown error, or a code that does not exist (GRPC-27).
    Unknown = 2,
    /// 3: the request makes no sense to the server.
    InvalidArgument = 3,
    /// 4: the deadline passed before the server was done.
    DeadlineExceeded = 4,
    /// 5: something was not found.
    NotFound = 5,
    /// 6: something exists already.
    AlreadyExists = 6,
    /// 7: the caller is known and may not do this.
    PermissionDenied = 7,
    /// 8: a quota, a memory limit or a size limit is reached.
    ResourceExhausted = 8,
    /// 9: the server's state forbids the operation.
    FailedPrecondition = 9,
    /// 10: the operation was given up halfway.
    Aborted = 10,
    /// 11: past a valid range.
    OutOfRange = 11,
    /// 12: the server does not offer this service.
    Unimplemented = 12,
    /// 13: something is broken inside.
    Internal = 13,
    /// 14: the server cannot serve now.
    Unavailable = 14,
    /// 15: data were lost or corrupted beyond repair.
    DataLoss = 15,
    /// 16: the caller is not known.
    Unauthenticated = 16,
}

impl GrpcCode {
    /// Every code, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The code's name in the specification of gRPC, for example `DEADLINE_EXCEEDED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// The code of a `grpc-status` value; anything but a number from 0 to 16 is [`Unknown`](Self::Unknown) (GRPC-27).
    #[must_use]
    pub fn from_header(value: &[u8]) -> Self {
        std::str::from_utf8(value)
            .ok()
            .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|text| text.parse::<i32>().ok())
            .map_or(Self::Unknown, Self::from)
    }

    /// The code to assume when an answer with this HTTP status has no `grpc-status` (GRPC-07).
    #[must_use]
    pub const fn from_http_status(status: u16) -> Self {
        match status {
            400 | 431 => Self::Internal,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::Unimplemented,
            429 | 502 | 503 | 504 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }
}

impl From<i32> for GrpcCode {
    /// Numbers that are no code are [`Unknown`](Self::Unknown) (GRPC-27).
    fn from(number: i32) -> Self {
        usize::try_from(number).ok().and_then(|n| Self::ALL.get(n)).copied().unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for GrpcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_headers() {
        // conf: GRPC-27
        for (number, code) in (0..).zip(GrpcCode::ALL) {
            assert_eq!(code as i32, number);
            assert_eq!(GrpcCode::from(number), code);
            assert_eq!(GrpcCode::from_header(number.to_string().as_bytes()), code);
        }
        for unknown in [&b"17"[..], b"-1", b"", b"99999999999999999999", b"OK", b"\xff", b"+1"] {
            assert_eq!(GrpcCode::from_header(unknown), GrpcCode::Unknown, "{unknown:?}");
        }
    }

    #[test]
    fn codes_from_http_statuses() {
        // conf: GRPC-07
        for status in 100..600 {
            let expected = match status {
                400 | 431 => GrpcCode::Internal,
                401 => GrpcCode::Unauthenticated,
                403 => GrpcCode::PermissionDenied,
                404 => GrpcCode::Unimplemented,
                429 | 502 | 503 | 504 => GrpcCode::Unavailable,
                _ => GrpcCode::Unknown,
            };
            assert_eq!(GrpcCode::from_http_status(status), expected, "{status}");
        }
    }
}
