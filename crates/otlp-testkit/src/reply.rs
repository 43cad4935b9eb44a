//! What the collector answers to one call: success, an error status, or one of the ways a network fails.
//!
//! Built by tests, carried out by the server. Never decides when: that is the [`Script`](crate::Script).

mod bombs;

use crate::Protocol;
use crate::status::{grpc_code, http_code};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::time::Duration;

/// The answer to one call. The same reply works for gRPC and for HTTP: each protocol gets its form of it.
///
/// The constructors choose what happens; the other methods refine it. A refinement that makes no sense for the reply
/// (a `retry_info` on a success, a header value with a line break) makes the reply invalid: it is answered with gRPC
/// INTERNAL or HTTP 500 and a message that says so, so that no test passes on a fault that was never injected.
///
/// ```
/// use otlp_testkit::Reply;
/// use std::time::Duration;
///
/// let busy = Reply::unavailable().with_message("queue is full").retry_info(Duration::from_millis(50));
/// let throttled = Reply::http_status(429).retry_after(2);
/// let partial = Reply::partial_success(3, "3 spans had no name");
/// let slow = Reply::ok().delay(Duration::from_millis(20));
/// let lost_answer = Reply::accept_then_hang();
/// let proxy = Reply::body("<h1>bad gateway</h1>", "text/html").with_http_status(502);
/// # drop((busy, throttled, partial, slow, lost_answer, proxy));
/// ```
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) kind: Kind,
    pub(crate) delay: Duration,
    pub(crate) headers: HeaderMap,
    accept: Option<bool>,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Success { http: StatusCode, partial: Option<Partial> },
    Status(Status),
    Body(Body),
    Hang,
    Close,
    Reset(u32),
    Invalid(String),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Partial {
    pub(crate) rejected: i64,
    pub(crate) message: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) grpc: i32,
    pub(crate) http: StatusCode,
    pub(crate) message: String,
    pub(crate) retry_info: Option<Duration>,
}

#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) status: StatusCode,
    pub(crate) bytes: Bytes,
    pub(crate) trailers: HeaderMap,
    pub(crate) pace: Option<(usize, Duration)>,
    pub(crate) ending: Ending,
}

/// How a raw body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Complete,
    Never,
    Cut,
}

impl Reply {
    fn new(kind: Kind) -> Self {
        Self { kind, delay: Duration::ZERO, headers: HeaderMap::new(), accept: None }
    }

    /// Full success, as a Collector says it: `partial_success` present and empty (SURV-13).
    #[must_use]
    pub fn ok() -> Self {
        Self::new(Kind::Success { http: StatusCode::OK, partial: None })
    }

    /// A success that says `rejected` items were not taken, and why; with 0 rejected it is a warning. Sent as given,
    /// also when negative or more than were sent. The data counts as received: the collector cannot know which.
    #[must_use]
    pub fn partial_success(rejected: i64, message: impl Into<String>) -> Self {
        let partial = Some(Partial { rejected, message: message.into() });
        Self::new(Kind::Success { http: StatusCode::OK, partial })
    }

    /// An error by its gRPC code: a number or `tonic::Code`. Over HTTP the status that a Collector's receiver maps it
    /// to (SURV-06). Code 0 is [`ok`](Self::ok); codes beyond 16 are sent as given.
    #[must_use]
    pub fn status(code: impl Into<i32>) -> Self {
        match code.into() {
            0 => Self::ok(),
            code => {
                Self::new(Kind::Status(Status::of(code, http_code(code), "the collector's script says no")))
            }
        }
    }

    /// An error by its HTTP status, 200 to 999. Over gRPC the code that a Collector's receiver maps it to (SURV-07).
    /// Over HTTP a 2xx status is a success with that status.
    #[must_use]
    pub fn http_status(status: u16) -> Self {
        match StatusCode::from_u16(status) {
            Ok(http) if http.is_success() => Self::ok().with_http_status(status),
            Ok(http) if !http.is_informational() => {
                Self::new(Kind::Status(Status::of(grpc_code(http), http, "the collector's script says no")))
            }
            _ => Self::invalid(format!("{status} is no HTTP status to answer with")),
        }
    }

    /// gRPC UNAVAILABLE, HTTP 503: the error to retry.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::status(14)
    }

    /// gRPC RESOURCE_EXHAUSTED, HTTP 429: to retry only with [`retry_info`](Self::retry_info).
    #[must_use]
    pub fn resource_exhausted() -> Self {
        Self::status(8)
    }

    /// gRPC INVALID_ARGUMENT, HTTP 400: never to retry.
    #[must_use]
    pub fn invalid_argument() -> Self {
        Self::status(3)
    }

    /// No answer at all, ever; the connection stays open until the client leaves or the collector stops. The data is
    /// not received.
    #[must_use]
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// The data is received and then there is no answer, as when an answer is lost: makes duplicates.
    #[must_use]
    pub fn accept_then_hang() -> Self {
        Self::hang().accepting(true)
    }

    /// The connection is dropped without an answer, with every other call on it. The data is not received.
    #[must_use]
    pub fn close() -> Self {
        Self::new(Kind::Close)
    }

    /// The data is received and then the connection is dropped without an answer: makes duplicates.
    #[must_use]
    pub fn accept_then_close() -> Self {
        Self::close().accepting(true)
    }

    /// The call's stream is reset (RST_STREAM) with an HTTP/2 error code, such as 7, REFUSED_STREAM; other calls on the
    /// connection go on. An HTTP/1.1 connection is closed. The data is not received.
    #[must_use]
    pub fn reset(code: u32) -> Self {
        Self::new(Kind::Reset(code))
    }

    /// A raw HTTP answer, 200 unless [`with_http_status`](Self::with_http_status) says otherwise: what a proxy, a
    /// broken or a hostile server sends. Over gRPC it is the HTTP/2 answer, framing and trailers being yours to add.
    ///
    /// The data counts as received when the answer says so: a 2xx status over HTTP, `grpc-status: 0` in a header or
    /// trailer over gRPC. An empty content type sends none.
    #[must_use]
    pub fn body(bytes: impl Into<Bytes>, content_type: &str) -> Self {
        let body = Body {
            status: StatusCode::OK,
            bytes: bytes.into(),
            trailers: HeaderMap::new(),
            pace: None,
            ending: Ending::Complete,
        };
        let reply = Self::new(Kind::Body(body));
        if content_type.is_empty() { reply } else { reply.with_header("content-type", content_type) }
    }

    /// The message of a status or partial success.
    #[must_use]
    pub fn with_message(mut self, text: impl Into<String>) -> Self {
        match &mut self.kind {
            Kind::Status(status) => status.message = text.into(),
            Kind::Success { partial: Some(partial), .. } => partial.message = text.into(),
            _ => return self.misuse("with_message", "a status or a partial success"),
        }
        self
    }

    /// The gRPC code of a status, whatever its HTTP status is.
    #[must_use]
    pub fn with_grpc_status(mut self, code: impl Into<i32>) -> Self {
        match &mut self.kind {
            Kind::Status(status) => status.grpc = code.into(),
            _ => return self.misuse("with_grpc_status", "an error status"),
        }
        self
    }

    /// The HTTP status of a status, a raw body, or (2xx only) a success; gRPC's code stays what it is.
    #[must_use]
    pub fn with_http_status(mut self, status: u16) -> Self {
        let code = match StatusCode::from_u16(status) {
            Ok(code) if !code.is_informational() => code,
            _ => return Self::invalid(format!("{status} is no HTTP status to answer with")),
        };
        match &mut self.kind {
            Kind::Status(status) => status.http = code,
            Kind::Body(body) => body.status = code,
            Kind::Success { http, .. } if code.is_success() => *http = code,
            _ => return self.misuse("with_http_status", "a status, a raw body, or with 2xx a success"),
        }
        self
    }

    /// Adds `google.rpc.RetryInfo` to a status: in `grpc-status-details-bin`, and in the `Status` body over HTTP. As a
    /// Collector does, HTTP 429 and 503 also get `Retry-After` with the delay in whole seconds, cut off (SURV-08),
    /// unless [`retry_after`](Self::retry_after) says otherwise.
    #[must_use]
    pub fn retry_info(mut self, delay: Duration) -> Self {
        match &mut self.kind {
            Kind::Status(status) => status.retry_info = Some(delay),
            _ => return self.misuse("retry_info", "an error status"),
        }
        self
    }

    /// Sets the `Retry-After` header, to seconds, an HTTP date, or any text. It is a header of HTTP: over gRPC it is
    /// sent as well, as metadata that a client should not act on.
    ///
    /// ```
    /// use otlp_testkit::Reply;
    /// let replies = [
    ///     Reply::unavailable().retry_after(3),
    ///     Reply::unavailable().retry_after("Wed, 21 Oct 2065 07:28:00 GMT"),
    ///     Reply::unavailable().retry_after("soon"),
    /// ];
    /// # drop(replies);
    /// ```
    #[must_use]
    pub fn retry_after(self, value: impl ToString) -> Self {
        self.with_header("retry-after", &value.to_string())
    }

    /// Adds a header to the answer (over gRPC: metadata).
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        match header(name, value) {
            Ok((name, value)) => {
                self.headers.append(name, value);
                self
            }
            Err(reason) => Self::invalid(reason),
        }
    }

    /// Adds a trailer after a raw body, such as `grpc-status`.
    #[must_use]
    pub fn with_trailer(mut self, name: &str, value: &str) -> Self {
        match (&mut self.kind, header(name, value)) {
            (Kind::Body(body), Ok((name, value))) => {
                body.trailers.append(name, value);
                self
            }
            (_, Err(reason)) => Self::invalid(reason),
            _ => self.misuse("with_trailer", "a raw body"),
        }
    }

    /// Sends a raw body in pieces of `bytes` bytes, waiting `every` before each: a slow-drip answer.
    #[must_use]
    pub fn dripping(mut self, bytes: usize, every: Duration) -> Self {
        match &mut self.kind {
            Kind::Body(body) => body.pace = Some((bytes.max(1), every)),
            _ => return self.misuse("dripping", "a raw body"),
        }
        self
    }

    /// Repeats a raw body for ever.
    #[must_use]
    pub fn endless(self) -> Self {
        self.ending(Ending::Never, "endless")
    }

    /// Breaks off after a raw body's bytes, without the end that the protocol asks for.
    #[must_use]
    pub fn cut_short(self) -> Self {
        self.ending(Ending::Cut, "cut_short")
    }

    fn ending(mut self, ending: Ending, method: &str) -> Self {
        match &mut self.kind {
            Kind::Body(body) if !body.bytes.is_empty() || ending == Ending::Cut => body.ending = ending,
            _ => return self.misuse(method, "a raw body with bytes in it"),
        }
        self
    }

    /// Waits before answering. The data of an accepted call counts as received from its arrival on, so a client that
    /// gives up during the wait and sends again makes a duplicate.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Says whether the call's data counts as received, whatever the answer is.
    #[must_use]
    pub fn accepting(mut self, accept: bool) -> Self {
        self.accept = Some(accept);
        self
    }

    /// Items that the reply claims were not taken.
    pub(crate) fn rejected(&self) -> u64 {
        match &self.kind {
            Kind::Success { partial: Some(partial), .. } => u64::try_from(partial.rejected).unwrap_or(0),
            _ => 0,
        }
    }

    pub(crate) fn accepts(&self, protocol: Protocol) -> bool {
        let by_kind = || match &self.kind {
            Kind::Success { .. } => true,
            Kind::Body(body) if protocol == Protocol::Http => body.status.is_success(),
            Kind::Body(body) => {
                let status = body.trailers.get("grpc-status").or_else(|| self.headers.get("grpc-status"));
                status.is_some_and(|status| status == "0")
            }
            Kind::Status(_) | Kind::Hang | Kind::Close | Kind::Reset(_) | Kind::Invalid(_) => false,
        };
        self.accept.unwrap_or_else(by_kind)
    }

    fn misuse(self, method: &str, place: &str) -> Self {
        Self::invalid(format!("{method} is for {place}"))
    }

    fn invalid(reason: String) -> Self {
        Self::new(Kind::Invalid(format!("otlp-testkit: the scripted reply is invalid: {reason}")))
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let name = name.parse::<HeaderName>().map_err(|_| format!("{name:?} is no header name"))?;
    let value =
        HeaderValue::from_str(value).map_err(|_| format!("{value:?} is no value for the header {name}"))?;
    Ok((name, value))
}

impl Status {
    fn of(grpc: i32, http: StatusCode, message: &str) -> Self {
        Self { grpc, http, message: message.to_owned(), retry_info: None }
    }
}
