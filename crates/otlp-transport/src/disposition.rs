//! What one attempt came to: the value that retry, throttling, counters and log lines all read.
//!
//! Produced by `classify` and read by the layers of this crate. Holds no error: the error travels
//! beside it, with its source chain intact. Never decides how often or when to try again; that is
//! `RetryPolicy`.

use otlp_model::DropReason;
use std::fmt;
use std::time::Duration;

/// The class of a failure that may pass when tried again; a retry policy names the classes it retries.
///
/// ```
/// use otlp_transport::ErrorType;
/// assert_eq!(ErrorType::RateLimited.as_str(), "rate_limited");
/// assert_eq!(ErrorType::ALL.len(), 5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorType {
    /// No connection, or one that broke: refused, unreachable, reset, closed before the answer.
    Network,
    /// No answer in time: the attempt's own timeout or gRPC `DEADLINE_EXCEEDED`.
    Timeout,
    /// The server or a proxy cannot serve now: gRPC `UNAVAILABLE`, HTTP 502, 503 or 504.
    Unavailable,
    /// The server asks for less: HTTP 429, gRPC `RESOURCE_EXHAUSTED` with `RetryInfo`.
    RateLimited,
    /// The server gave the call up halfway: gRPC `CANCELLED`, `ABORTED`, `OUT_OF_RANGE` or `DATA_LOSS`.
    Aborted,
}

impl ErrorType {
    /// Every class, the set a retry policy retries unless told otherwise.
    pub const ALL: [Self; 5] =
        [Self::Network, Self::Timeout, Self::Unavailable, Self::RateLimited, Self::Aborted];

    /// The class's name in logs and metrics, for example `rate_limited`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::RateLimited => "rate_limited",
            Self::Aborted => "aborted",
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one request came to.
///
/// ```
/// use otlp_transport::{Disposition, ErrorType};
/// use std::time::Duration;
/// let throttled =
///     Disposition::Retryable { error_type: ErrorType::RateLimited, after: Some(Duration::from_secs(7)) };
/// assert!(throttled.is_retryable());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// The server took it. Never retried, whole or in part, even when it refused some items (conformance RETRY-17).
    Delivered {
        /// Items the server refused, at most the number sent.
        rejected: u64,
    },
    /// It failed in a way that may pass.
    Retryable {
        /// The class of the failure.
        error_type: ErrorType,
        /// How long the server ordered to wait at least, counted from its answer; `None` and zero both mean that it
        /// set no minimum (conformance RETRY-07, RETRY-09).
        after: Option<Duration>,
    },
    /// It failed for good.
    Permanent {
        /// The reason under which its items count as lost.
        reason: DropReason,
    },
}

impl Disposition {
    /// Whether the server took the request, wholly or in part.
    #[must_use]
    pub const fn is_delivered(&self) -> bool {
        matches!(self, Self::Delivered { .. })
    }

    /// Whether another attempt may succeed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Retryable { .. })
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { rejected: 0 } => f.write_str("delivered"),
            Self::Delivered { rejected } => write!(f, "delivered, {rejected} rejected"),
            Self::Retryable { error_type, after: None } => write!(f, "retryable ({error_type})"),
            Self::Retryable { error_type, after: Some(after) } => {
                write!(f, "retryable ({error_type}, not before {after:?})")
            }
            Self::Permanent { reason } => write!(f, "failed ({reason})"),
        }
    }
}
