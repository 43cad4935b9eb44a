//! Why an export failed and what to do: from the errors of the transport, by type, never by text.
//!
//! Used for every request that is sent. Pure.

use super::chain::find;
use super::finding::Diagnosis;
use super::plan::Outcome;
use crate::section::Section;
use crate::wire::Wire;
use otlp_model::{Encoding, Signal};
use otlp_transport::{
    BoxError, ConnectError, ConnectionLost, GrpcCode, GrpcError, HttpError, Redirected, ResponseTooLarge,
    TimeoutError,
};
use std::time::Duration;

/// What was asked when the error came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) wire: Wire,
    pub(crate) signal: Signal,
    /// Path and query of the request, over HTTP.
    pub(crate) path: &'a str,
    /// The size of the request in bytes.
    pub(crate) size: usize,
    /// Whether any header was configured.
    pub(crate) has_headers: bool,
}

/// Whether the receiver says that a request is larger than it takes.
pub(crate) fn is_too_large(error: &BoxError) -> bool {
    find::<HttpError>(&**error).is_some_and(HttpError::is_too_large)
        || find::<GrpcError>(&**error).is_some_and(GrpcError::is_too_large)
}

/// How long the receiver asks to wait: with `Retry-After` over HTTP, with `RetryInfo` over gRPC.
pub(crate) fn retry_after(error: &BoxError) -> Option<Duration> {
    let of_http = find::<HttpError>(&**error).and_then(HttpError::retry_after);
    of_http.or_else(|| find::<GrpcError>(&**error).and_then(GrpcError::retry_delay))
}

/// Whether a request may be refused so because it is compressed.
pub(crate) fn may_be_for_compression(error: &BoxError) -> bool {
    let of_http = find::<HttpError>(&**error).map(HttpError::status);
    let of_grpc = find::<GrpcError>(&**error).map(GrpcError::code);
    matches!(of_http, Some(400 | 405 | 406 | 415 | 422 | 500 | 501))
        || matches!(
            of_grpc,
            Some(
                GrpcCode::Unimplemented | GrpcCode::InvalidArgument | GrpcCode::Internal | GrpcCode::Unknown
            )
        )
}

/// Whether what answers may be something else than asked for, and the diagnosis.
pub(crate) fn judge(error: &BoxError, question: Question<'_>) -> (Outcome, Diagnosis) {
    if is_too_large(error) {
        return (Outcome::Failed, too_large(question));
    }
    let error = &**error;
    if let Some(error) = find::<HttpError>(error) {
        of_http(error, question)
    } else if let Some(error) = find::<GrpcError>(error) {
        of_grpc(error, question)
    } else if let Some(redirect) = find::<Redirected>(error) {
        let there = redirect.location().map_or_else(|| "it".to_owned(), ToOwned::to_owned);
        let diagnosis = Diagnosis::new(
            "the receiver is said to be somewhere else, and redirects are not followed",
            format!("if {there} is the receiver, make it the endpoint"),
            Section::Refused,
        );
        (Outcome::Odd, diagnosis)
    } else if find::<TimeoutError>(error).is_some() {
        let diagnosis = Diagnosis::new(
            "the connection stands, but the request is not answered: the receiver is overloaded, or something between \
             takes connections and passes nothing on",
            "look at the receiver's own log and load, and at proxies and firewalls on the way; a larger --timeout tells \
             slow from silent",
            Section::Timeout,
        );
        (Outcome::Failed, diagnosis)
    } else if find::<ConnectError>(error).is_some() || find::<ConnectionLost>(error).is_some() {
        let diagnosis = Diagnosis::new(
            "the connection was closed instead of an answer",
            "look at the receiver's own log: it restarts, refuses the request unread, or speaks another protocol",
            Section::Connect,
        );
        (Outcome::Odd, diagnosis)
    } else if find::<ResponseTooLarge>(error).is_some() {
        (Outcome::Odd, no_otlp(question))
    } else {
        let cure = "the text says what is wrong; if it does not help, report it";
        (Outcome::Failed, Diagnosis::new("the request could not be made", cure, Section::Refused))
    }
}

fn of_http(error: &HttpError, question: Question<'_>) -> (Outcome, Diagnosis) {
    match error.status() {
        401 => (Outcome::Failed, unauthenticated(question)),
        403 => (Outcome::Failed, forbidden()),
        404 => match appended_twice(question) {
            Some(diagnosis) => (Outcome::Failed, diagnosis),
            None => (Outcome::Odd, missing(question)),
        },
        405 | 415 | 501 => (Outcome::Odd, no_otlp(question)),
        407 => (Outcome::Failed, proxy_wants_credentials()),
        429 => (Outcome::Failed, throttled(error.retry_after(), true)),
        // Also what a port for TLS says to clear text (Go's server, nginx).
        400 => (Outcome::Odd, malformed(question)),
        502..=504 => (Outcome::Failed, unavailable(error.retry_after())),
        status if status >= 500 => (Outcome::Failed, broken()),
        _ => (Outcome::Odd, no_otlp(question)),
    }
}

fn of_grpc(error: &GrpcError, question: Question<'_>) -> (Outcome, Diagnosis) {
    match error.code() {
        GrpcCode::Unauthenticated => (Outcome::Failed, unauthenticated(question)),
        GrpcCode::PermissionDenied => (Outcome::Failed, forbidden()),
        GrpcCode::Unimplemented => (Outcome::Odd, missing(question)),
        GrpcCode::ResourceExhausted => {
            (Outcome::Failed, throttled(error.retry_delay(), error.retry_delay().is_some()))
        }
        GrpcCode::InvalidArgument => (Outcome::Failed, malformed(question)),
        GrpcCode::Unavailable | GrpcCode::DeadlineExceeded => {
            (Outcome::Failed, unavailable(error.retry_delay()))
        }
        // What gRPC makes of an answer that is none.
        GrpcCode::Unknown | GrpcCode::Internal => (Outcome::Odd, broken()),
        _ => (Outcome::Failed, broken()),
    }
}

fn unauthenticated(question: Question<'_>) -> Diagnosis {
    let cause = if question.has_headers {
        "the receiver does not accept the credentials that were sent: wrong, expired, or under another header's name"
    } else {
        "the receiver wants credentials, and none were sent"
    };
    let cure = "send the token that the receiver expects: OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20…', headers of \
                the exporter in a configuration file, or --header 'authorization=Bearer …'; some want a header of their own, \
                such as api-key";
    Diagnosis::new(cause, cure, Section::Refused)
}

fn forbidden() -> Diagnosis {
    Diagnosis::new(
        "the receiver knows the credentials, and does not allow this with them; or a gateway before it forbids it",
        "give the token the right to write telemetry (of this signal, to this tenant), or use one that has it",
        Section::Refused,
    )
}

/// The commonest reason for which a path is not there: what is appended to the endpoint for all signals was written there, too.
fn appended_twice(question: Question<'_>) -> Option<Diagnosis> {
    let own = format!("/v1/{}", question.signal);
    let base = question.path.strip_suffix(&own)?;
    let written =
        Signal::ALL.map(|signal| format!("/v1/{signal}")).into_iter().find(|it| base.ends_with(it))?;
    // The same words for all signals: they are told once.
    let cause = format!(
        "the path of a signal was appended twice: the endpoint ends in {written} already, and there is no {base}/v1/… on this \
         server"
    );
    Some(Diagnosis::new(
        cause,
        format!(
            "leave {written} out of the endpoint: the path of each signal is appended to OTEL_EXPORTER_OTLP_ENDPOINT, as to \
             the ENDPOINT of the command line; only that of one signal, such as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, is used as it is"
        ),
        Section::Refused,
    ))
}

fn missing(question: Question<'_>) -> Diagnosis {
    let signal = question.signal;
    if question.wire.is_grpc() {
        return Diagnosis::new(
            format!("the server speaks gRPC, but has no service for {signal}"),
            format!(
                "add {signal} to a pipeline of the receiver (service: pipelines: in a Collector), or do not send them"
            ),
            Section::Refused,
        );
    }
    let path = question.path;
    Diagnosis::new(
        format!(
            "there is no {path} on this server: another path, a pipeline without {signal}, or no OTLP receiver at all"
        ),
        format!(
            "check the path: the endpoint for all signals is a base, to which /v1/{signal} is appended; that of one signal, or \
             in a configuration file, is used as it is. Check that the receiver has a pipeline for {signal}; a Collector \
             listens for HTTP on port 4318"
        ),
        Section::Refused,
    )
}

/// What is not compressed is taken.
pub(crate) fn not_decompressed(encoding: Encoding) -> Diagnosis {
    let encoding = encoding.as_str();
    Diagnosis::new(
        format!(
            "the client is told to compress with {encoding}, and the receiver does not take that: all that is sent so is lost. \
             Without compression it is taken"
        ),
        format!(
            "turn it off where the application runs (OTEL_EXPORTER_OTLP_COMPRESSION or the signal's own, compression of the \
             exporter in a configuration file, with_compression: none), or enable {encoding} at the receiver, or the \
             gateway before it"
        ),
        Section::Refused,
    )
}

fn no_otlp(question: Question<'_>) -> Diagnosis {
    Diagnosis::new(
        format!("what answers here does not take OTLP as {}", question.wire),
        if question.wire == Wire::HttpJson {
            "use http/protobuf (OTEL_EXPORTER_OTLP_PROTOCOL, --protocol): not every receiver takes JSON; if that is not taken \
             either, check host, port and path of the endpoint"
        } else {
            "check host, port and path of the endpoint, and which protocol the receiver expects (--protocol)"
        },
        Section::Refused,
    )
}

fn too_large(question: Question<'_>) -> Diagnosis {
    if question.size == 0 {
        return Diagnosis::new(
            "the receiver, or a gateway before it, calls even a request without content too large: it takes none, of any size",
            "look at its limit and the unit that is meant (max_request_body_size, max_recv_msg_size_mib, \
             client_max_body_size), and at its own log",
            Section::Refused,
        );
    }
    Diagnosis::new(
        format!("the receiver, or a gateway before it, does not take a request of {} bytes", question.size),
        "raise its limit (max_request_body_size, max_recv_msg_size_mib, client_max_body_size), or send less at once: \
         with_max_request_bytes, OTEL_BSP_MAX_EXPORT_BATCH_SIZE, max_export_batch_size in a configuration file; --limits finds out how much it takes",
        Section::Refused,
    )
}

fn throttled(after: Option<Duration>, is_retried: bool) -> Diagnosis {
    let wait = after.map_or_else(String::new, |after| format!("; it asks to wait {after:?}"));
    Diagnosis::new(
        format!("the receiver asks for less: a quota or rate limit is used up{wait}"),
        if is_retried {
            "wait, send less (sampling, fewer attributes), or have the quota raised; the client waits and retries by \
             itself as it is told"
        } else {
            "send less (sampling, fewer attributes), or have the quota raised; without RetryInfo in the answer, which this \
             one has not, the client does not try again"
        },
        Section::Refused,
    )
}

fn malformed(question: Question<'_>) -> Diagnosis {
    Diagnosis::new(
        format!("the receiver found no sense in a correct request ({})", question.wire),
        "is it a receiver for OTLP 1.x? Try another --protocol; http/json and compression are not everywhere",
        Section::Refused,
    )
}

fn proxy_wants_credentials() -> Diagnosis {
    Diagnosis::new(
        "a proxy on the way wants credentials",
        "http://user:password@proxy:port as HTTPS_PROXY, HTTP_PROXY or --proxy, percent-encoded",
        Section::Proxy,
    )
}

fn unavailable(after: Option<Duration>) -> Diagnosis {
    let wait = after.map_or_else(String::new, |after| format!("; it asks to wait {after:?}"));
    Diagnosis::new(
        format!("the receiver, or a gateway before it, can't serve now{wait}"),
        "is it starting, overloaded, or out of memory (memory_limiter)? Is what stands behind it reachable? The client \
         retries this by itself",
        Section::Refused,
    )
}

fn broken() -> Diagnosis {
    Diagnosis::new(
        "the receiver has a problem of its own, or is no OTLP receiver",
        "look at the receiver's own log at this time",
        Section::Refused,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(error: impl Into<BoxError>) -> (Outcome, Diagnosis) {
        let question = Question {
            wire: Wire::HttpProtobuf,
            signal: Signal::Traces,
            path: "/v1/traces",
            size: 123,
            has_headers: false,
        };
        judge(&error.into(), question)
    }

    #[test]
    fn statuses_have_causes_of_their_own() {
        let statuses = [400, 401, 403, 404, 405, 407, 413, 429, 500, 503];
        let mut causes: Vec<String> =
            statuses.iter().map(|status| judged(HttpError::new(*status)).1.cause).collect();
        causes.sort();
        causes.dedup();
        assert_eq!(causes.len(), statuses.len(), "{causes:#?}");
        assert!(judged(HttpError::new(413)).1.cause.contains("123 bytes"));
        let throttled = HttpError::new(429).with_retry_after(Some(Duration::from_secs(7)));
        assert!(judged(throttled).1.cause.ends_with("it asks to wait 7s"));
    }

    #[test]
    fn only_what_may_be_something_else_is_odd() {
        assert_eq!(judged(HttpError::new(404)).0, Outcome::Odd);
        assert_eq!(judged(HttpError::new(400)).0, Outcome::Odd);
        assert_eq!(judged(HttpError::new(401)).0, Outcome::Failed);
        assert_eq!(judged(GrpcError::new(GrpcCode::Unimplemented, "")).0, Outcome::Odd);
        assert_eq!(judged(GrpcError::new(GrpcCode::Unauthenticated, "")).0, Outcome::Failed);
        assert_eq!(judged(TimeoutError::new(Duration::from_secs(1))).1.section, Section::Timeout);
    }
}
