//! The table of what may be retried: every gRPC code, every HTTP status, every error of this crate, and foreign ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::{DropReason, ExportResponse, Format, Undelivered};
use otlp_transport::{
    BoxError, ConnectError, ConnectionLost, Disposition, Endpoint, ErrorType, GrpcCode, GrpcError, HttpError,
    Redirected, RequestTooLarge, ResponseTooLarge, TimeoutError, UnsupportedFormat, check_header, classify,
};
use std::io;
use std::time::Duration;

fn of(error: impl Into<BoxError>) -> Disposition {
    classify(&Err(error.into()))
}

fn retryable(error_type: ErrorType, after: Option<Duration>) -> Disposition {
    Disposition::Retryable { error_type, after }
}

const REFUSED: Disposition = Disposition::Permanent { reason: DropReason::NotRetryable };

#[test]
fn every_grpc_code_with_and_without_retry_info() {
    // conf: RETRY-02, RETRY-03, RETRY-05, RETRY-06, RETRY-07, GRPC-14, GRPC-27
    use GrpcCode::*;
    let mut retried = 0;
    for delay in [None, Some(Duration::ZERO), Some(Duration::from_secs(7))] {
        for code in GrpcCode::ALL {
            let expected = match code {
                Cancelled | Aborted | OutOfRange | DataLoss => retryable(ErrorType::Aborted, delay),
                DeadlineExceeded => retryable(ErrorType::Timeout, delay),
                Unavailable => retryable(ErrorType::Unavailable, delay),
                ResourceExhausted if delay.is_some() => retryable(ErrorType::RateLimited, delay),
                Ok | Unknown | InvalidArgument | NotFound | AlreadyExists | PermissionDenied
                | ResourceExhausted | FailedPrecondition | Unimplemented | Internal | Unauthenticated => {
                    REFUSED
                }
            };
            let found = of(GrpcError::new(code, "text").with_retry_delay(delay));
            assert_eq!(found, expected, "{code} {delay:?}");
            retried += usize::from(found.is_retryable());
        }
    }
    assert_eq!(retried, 6 + 7 + 7);
    for unknown in [-1, 17, i32::MAX] {
        assert_eq!(of(GrpcError::new(GrpcCode::from(unknown), "")), REFUSED);
    }
}

#[test]
fn every_http_status() {
    // conf: HTTP-11, HTTP-12, HTTP-13, RETRY-09, SURV-03, SURV-04, SURV-05
    for status in 100..600 {
        for wait in [None, Some(Duration::from_secs(3))] {
            let expected = match status {
                429 => retryable(ErrorType::RateLimited, wait),
                502..=504 => retryable(ErrorType::Unavailable, wait),
                413 => Disposition::Permanent { reason: DropReason::TooLarge },
                _ => REFUSED,
            };
            assert_eq!(of(HttpError::new(status).with_retry_after(wait)), expected, "{status}");
        }
    }
}

#[test]
fn success_is_never_retried_whatever_was_refused() {
    // conf: PART-02, RETRY-17
    for rejected in [0, 1, u64::MAX] {
        let response = ExportResponse { rejected, message: Some("full".into()) };
        assert_eq!(classify(&Ok(response)), Disposition::Delivered { rejected });
    }
}

#[test]
fn connections_and_timeouts_may_be_tried_again() {
    // conf: HTTP-15, HTTP-16, HTTP-26, RETRY-15
    let io = |kind| io::Error::from(kind);
    for kind in [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotFound, io::ErrorKind::TimedOut] {
        let error = ConnectError::new(Endpoint::default_grpc(), io(kind));
        assert_eq!(of(error), retryable(ErrorType::Network, None), "{kind}");
    }
    let lost = ConnectionLost::new(io(io::ErrorKind::ConnectionReset));
    assert_eq!(of(lost), retryable(ErrorType::Network, None));
    assert_eq!(of(TimeoutError::new(Duration::from_secs(1))), retryable(ErrorType::Timeout, None));
}

#[test]
fn sizes_redirects_and_what_cannot_be_sent_are_final() {
    // conf: RETRY-16, GRPC-13, GRPC-14, HTTP-17, HTTP-18, HTTP-20
    let permanent = |reason| Disposition::Permanent { reason };
    assert_eq!(of(ResponseTooLarge::new(1)), REFUSED);
    assert_eq!(of(Redirected::new(307, Some("http://elsewhere"))), REFUSED);
    assert_eq!(of(RequestTooLarge { size: 2, limit: 1 }), permanent(DropReason::TooLarge));
    assert_eq!(of(UnsupportedFormat { format: Format::Json }), permanent(DropReason::EncodeFailed));
    assert_eq!(of(check_header("te", "x").unwrap_err()), permanent(DropReason::EncodeFailed));
}

#[test]
fn a_layers_judgement_wins_over_what_it_wraps() {
    for reason in DropReason::ALL {
        let error = Undelivered::new(reason, HttpError::new(503));
        assert_eq!(of(error), Disposition::Permanent { reason });
    }
    // Even below a retryable error.
    let cancelled = Undelivered::new(DropReason::ShutDown, "closing");
    let error = ConnectError::new(Endpoint::default_http(), cancelled);
    assert_eq!(of(error), Disposition::Permanent { reason: DropReason::ShutDown });
}

#[test]
fn errors_of_users_layers_are_final_unless_they_wrap_one_of_ours() {
    let unknown = Disposition::Permanent { reason: DropReason::LayerFailed };
    assert_eq!(of("no such thing"), unknown);
    assert_eq!(of(io::Error::from(io::ErrorKind::ConnectionReset)), unknown);

    #[derive(Debug)]
    struct Wrapped(GrpcError);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("in my layer")
        }
    }
    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let wrapped = Wrapped(GrpcError::new(GrpcCode::Unavailable, ""));
    assert_eq!(of(wrapped), retryable(ErrorType::Unavailable, None));
}
