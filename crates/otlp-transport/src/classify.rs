//! What the result of an attempt, or of a whole export, means: the one place that decides what may be retried.
//!
//! Used by retry, observe and assemble. Pure: reads types along the error's `source()` chain, never texts, clocks or state.

use crate::error::find;
use crate::{
    BoxError, ConnectError, ConnectionLost, CredentialsError, Disposition, ErrorType, GrpcCode, GrpcError,
    HttpError, InvalidHeader, NoAvailableConnection, Redirected, RequestTooLarge, ResponseTooLarge,
    SentInParts, TimeoutError, UnsupportedFormat,
};
use otlp_model::{DropReason, ExportResponse, Outcome, Undelivered, causes};
use std::error::Error;
use std::time::Duration;

/// Reads what `result` means for the request: delivered, worth another attempt, or lost and why.
///
/// - `Ok` is delivered, partial success included; it is never retried (PART-02, RETRY-17).
/// - [`Undelivered`] anywhere in the chain is final, with its reason: a layer has judged already.
/// - Otherwise the first error in the chain that this crate knows decides: gRPC by code (RETRY-02, RETRY-03,
///   RETRY-05), HTTP by status (HTTP-11, HTTP-12), connections that failed, broke or were all in use and timeouts are
///   retryable (HTTP-15, HTTP-16, RETRY-15), so are credentials that could not be had, sizes, redirects and invalid
///   headers are not (RETRY-16, SURV-02, SURV-03).
/// - [`SentInParts`] says by itself what became of each part; here it counts as its greatest loss.
/// - An error of which nothing is known, such as one of a user's layer, is final: [`DropReason::LayerFailed`].
///
/// ```
/// use otlp_model::{DropReason, ExportResponse};
/// use otlp_transport::{classify, BoxError, Disposition, ErrorType, HttpError};
/// assert_eq!(classify(&Ok(ExportResponse::success())), Disposition::Delivered { rejected: 0 });
/// let busy: Result<ExportResponse, BoxError> = Err(HttpError::new(503).into());
/// assert_eq!(
///     classify(&busy),
///     Disposition::Retryable { error_type: ErrorType::Unavailable, after: None }
/// );
/// let bad: Result<ExportResponse, BoxError> = Err(HttpError::new(400).into());
/// assert_eq!(classify(&bad), Disposition::Permanent { reason: DropReason::NotRetryable });
/// ```
#[must_use]
pub fn classify(result: &Result<ExportResponse, BoxError>) -> Disposition {
    let error = match result {
        Ok(response) => return Disposition::Delivered { rejected: response.rejected },
        Err(error) => &**error as &(dyn Error + 'static),
    };
    if let Some(parts) = find::<SentInParts>(error) {
        return permanent(parts.worst());
    }
    if let Some(reason) = Undelivered::reason_of(error) {
        return Disposition::Permanent { reason };
    }
    causes(error).find_map(known).unwrap_or(Disposition::Permanent { reason: DropReason::LayerFailed })
}

/// What became of `items` items that were sent in one request, for the books: it adds up to `items`.
///
/// ```
/// use otlp_model::{DropReason, ExportResponse, Outcome};
/// use otlp_transport::{BoxError, HttpError, outcome_of};
/// let response = ExportResponse { rejected: 2, message: None };
/// assert_eq!(outcome_of(&Ok(response), 5), Outcome { delivered: 3, rejected: 2, ..Outcome::default() });
/// let refused: Result<ExportResponse, BoxError> = Err(HttpError::new(400).into());
/// assert_eq!(outcome_of(&refused, 5), Outcome::lost(DropReason::NotRetryable, 5));
/// ```
#[must_use]
pub fn outcome_of(result: &Result<ExportResponse, BoxError>, items: u64) -> Outcome {
    if let Err(error) = result
        && let Some(parts) = find::<SentInParts>(&**error)
        && parts.outcome().items() == items
    {
        return *parts.outcome();
    }
    match classify(result) {
        Disposition::Delivered { rejected } => {
            let rejected = rejected.min(items);
            Outcome { delivered: items - rejected, rejected, ..Outcome::default() }
        }
        Disposition::Permanent { reason } => Outcome::lost(reason, items),
        // Nothing above sends it again, so the one attempt was all the attempts there were.
        Disposition::Retryable { .. } => Outcome::lost(DropReason::RetriesExhausted, items),
    }
}

/// The disposition of one error, if it is one of ours.
fn known(error: &(dyn Error + 'static)) -> Option<Disposition> {
    let disposition = if let Some(error) = error.downcast_ref::<GrpcError>() {
        if error.is_too_large() {
            permanent(DropReason::TooLarge)
        } else {
            grpc(error.code(), error.retry_delay())
        }
    } else if let Some(error) = error.downcast_ref::<HttpError>() {
        if error.is_too_large() {
            permanent(DropReason::TooLarge)
        } else {
            http(error.status(), error.retry_after())
        }
    } else if let Some(error) = error.downcast_ref::<CredentialsError>() {
        // The data is fine. Not before credentials are asked for again: until then every request would fail alike.
        retryable(ErrorType::Unavailable, Some(error.wait()))
    } else if error.is::<TimeoutError>() {
        retryable(ErrorType::Timeout, None)
    } else if error.is::<ConnectError>()
        || error.is::<ConnectionLost>()
        || error.is::<NoAvailableConnection>()
    {
        retryable(ErrorType::Network, None)
    } else if error.is::<RequestTooLarge>() {
        permanent(DropReason::TooLarge)
    } else if error.is::<InvalidHeader>() || error.is::<UnsupportedFormat>() {
        permanent(DropReason::EncodeFailed)
    } else if error.is::<ResponseTooLarge>() || error.is::<Redirected>() {
        permanent(DropReason::NotRetryable)
    } else {
        return None;
    };
    Some(disposition)
}

/// OTLP's table of gRPC codes. OUT_OF_RANGE, DATA_LOSS and CANCELLED are retryable here, though not in general (DEC-03).
fn grpc(code: GrpcCode, retry_delay: Option<Duration>) -> Disposition {
    match code {
        GrpcCode::Unavailable => retryable(ErrorType::Unavailable, retry_delay),
        GrpcCode::DeadlineExceeded => retryable(ErrorType::Timeout, retry_delay),
        GrpcCode::Cancelled | GrpcCode::Aborted | GrpcCode::OutOfRange | GrpcCode::DataLoss => {
            retryable(ErrorType::Aborted, retry_delay)
        }
        // Only the server's RetryInfo says that the exhausted resource comes back.
        GrpcCode::ResourceExhausted if retry_delay.is_some() => {
            retryable(ErrorType::RateLimited, retry_delay)
        }
        _ => permanent(DropReason::NotRetryable),
    }
}

/// OTLP's table of HTTP statuses: exactly these four may pass.
fn http(status: u16, retry_after: Option<Duration>) -> Disposition {
    match status {
        429 => retryable(ErrorType::RateLimited, retry_after),
        502..=504 => retryable(ErrorType::Unavailable, retry_after),
        _ => permanent(DropReason::NotRetryable),
    }
}

const fn retryable(error_type: ErrorType, after: Option<Duration>) -> Disposition {
    Disposition::Retryable { error_type, after }
}

const fn permanent(reason: DropReason) -> Disposition {
    Disposition::Permanent { reason }
}
