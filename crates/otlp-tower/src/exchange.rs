//! One request and its response, as the span that tells of it: from the call until the body has ended, failed, or was
//! dropped. Used by the future and the body, which report here what happens; decides what that means for the span.
//! Never reads or changes what passes.

use crate::attributes::{Attributes, Captured};
use crate::failure::{self, foreign};
use crate::grpc::{self, Code};
use crate::options::Options;
use crate::{keys, method};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Version, request, response};
use otlp::{Span, StatusCode as SpanStatus, TraceContext, ValueRef};
use std::fmt;
use std::sync::Arc;

/// Which end of the request this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

/// A call of gRPC.
#[derive(Debug)]
struct Call {
    path: Option<PathAndQuery>,
    code: Option<Code>,
    /// What an answer without a code stands for.
    fallback: Code,
    message: String,
}

/// See the module. Dropped before its end was reported, it takes that for the end.
#[derive(Debug)]
pub(crate) struct Exchange {
    span: Span,
    context: TraceContext,
    options: Arc<Options>,
    side: Side,
    call: Option<Call>,
    /// The request's method means that no body follows, whatever the headers say.
    is_head: bool,
    is_connect: bool,
    is_answered: bool,
    is_failed: bool,
    /// How much of the body is to come, where that is known.
    remaining: Option<u64>,
}

impl Exchange {
    pub(crate) fn new(
        mut span: Span,
        options: &Arc<Options>,
        side: Side,
        is_call: bool,
        request: &request::Parts,
    ) -> Self {
        if let Some(hook) = options.on_request.as_ref().filter(|_| span.is_recording()) {
            foreign(|| hook(&mut span, request));
        }
        let call = is_call.then(|| Call {
            path: request.uri.path_and_query().cloned(),
            code: None,
            fallback: Code::UNKNOWN,
            message: String::new(),
        });
        Self {
            context: span.context(),
            span,
            options: Arc::clone(options),
            side,
            call,
            is_head: request.method == Method::HEAD,
            is_connect: request.method == Method::CONNECT,
            is_answered: false,
            is_failed: false,
            remaining: None,
        }
    }

    pub(crate) fn context(&self) -> &TraceContext {
        &self.context
    }

    /// Does a part of the request's work: with its context current, and on the watch for panics.
    pub(crate) fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let _current = self.context.attach();
        let mut watch = Watch(Some(self));
        let result = work();
        watch.0 = None;
        result
    }

    /// The head of the response is there. Says whether that is all of it.
    pub(crate) fn answered(&mut self, response: &response::Parts, body: &impl http_body::Body) -> bool {
        self.is_answered = true;
        if self.span.is_recording() {
            match &mut self.call {
                Some(call) => call.answered(response),
                None => self.put_status(response.status, response.version),
            }
            let wanted = &self.options.response_headers;
            Captured::put(wanted, &response.headers, self.call.is_some(), &mut self.span);
            if let Some(hook) = &self.options.on_response {
                foreign(|| hook(&mut self.span, response));
            }
        }
        if self.call.is_none() {
            self.remaining = body.size_hint().exact().or_else(|| content_length(&response.headers));
        }
        self.passed(0, body.is_end_stream() || self.is_without_body(response.status))
    }

    fn put_status(&mut self, status: StatusCode, version: Version) {
        self.span.number(&keys::HTTP_RESPONSE_STATUS_CODE, status.as_u16());
        if self.side == Side::Client {
            // What was asked for is not what was agreed on.
            put_version(version, &mut self.span);
        }
        let is_error = status.is_server_error() || self.side == Side::Client && status.is_client_error();
        if is_error {
            self.failed(status.as_str(), "");
        }
    }

    /// Servers never read a body that HTTP does not allow, so its end would not be seen.
    fn is_without_body(&self, status: StatusCode) -> bool {
        let never = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || self.is_connect && status.is_success();
        self.call.is_none() && (self.is_head || never)
    }

    /// So much of the body has passed. Says whether that is all of it: a server that knows the length does not ask for
    /// more.
    pub(crate) fn passed(&mut self, bytes: usize, is_end: bool) -> bool {
        let remaining = self.remaining.map(|remaining| remaining.saturating_sub(bytes as u64));
        self.remaining = remaining;
        let is_whole = is_end || remaining == Some(0);
        if is_whole {
            self.completed();
        }
        is_whole
    }

    /// The trailers have passed, and with them all of the body.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(call) = self.call.as_mut().filter(|_| self.span.is_recording()) {
            call.learn(trailers);
        }
        self.completed();
    }

    /// Nothing more will come, and nothing is missing.
    pub(crate) fn completed(&mut self) {
        if self.span.is_recording() {
            if let Some(call) = self.call.take() {
                if self.side == Side::Server && call.code.is_none_or(|code| code == Code::UNIMPLEMENTED) {
                    self.unname(&call);
                }
                self.put_code(&call, call.code.unwrap_or(call.fallback));
            }
            self.span.end();
        }
    }

    /// The inner service, or the body, has failed.
    pub(crate) fn errored<E: fmt::Display + 'static>(&mut self, error: &E) {
        if self.span.is_recording() {
            self.errored_as(failure::kind_of(error), &failure::text_of(error));
        }
    }

    /// The same, with words of the caller's.
    pub(crate) fn errored_as(&mut self, kind: &str, message: &str) {
        let event =
            [("exception.type", ValueRef::String(kind)), ("exception.message", ValueRef::String(message))];
        self.span.add_event("exception", &event);
        self.failed(kind, message);
        self.span.end();
    }

    fn panicked(&mut self) {
        self.failed(failure::PANIC, "the inner service panicked");
        self.span.end();
    }

    /// Dropped in the middle. What it means depends on who lost interest.
    fn abandoned(&mut self) {
        match self.call.take() {
            Some(call) => self.put_code(&call, call.code.unwrap_or(Code::CANCELLED)),
            // The application has read as much as it wanted.
            None if self.side == Side::Client && self.is_answered => {}
            None if self.is_answered => {
                self.failed(failure::CANCELLED, "the response was dropped before its body had ended");
            }
            None => self.failed(failure::CANCELLED, "the request was dropped before there was a response"),
        }
        self.span.end();
    }

    /// Methods that do not exist, perhaps because this is no server of gRPC, are the caller's to invent: they must not
    /// become names.
    fn unname(&mut self, call: &Call) {
        self.span.text(&keys::RPC_METHOD, method::OTHER);
        if let Some(path) = &call.path {
            self.span.text(&keys::RPC_METHOD_ORIGINAL, grpc::method(path.path()));
        }
        self.span.update_name("grpc");
    }

    fn put_code(&mut self, call: &Call, code: Code) {
        self.span.text(&keys::RPC_STATUS_CODE, code.name());
        let is_error = match self.side {
            Side::Server => code.is_server_error(),
            Side::Client => code.is_client_error(),
        };
        if is_error {
            self.failed(code.name(), &call.message);
        }
    }

    /// The first failure gives the request its name.
    fn failed(&mut self, kind: &str, message: &str) {
        if !self.is_failed {
            self.is_failed = true;
            self.span.text(&keys::ERROR_TYPE, kind);
            self.span.set_status(SpanStatus::Error, message);
        }
    }
}

impl Call {
    fn answered(&mut self, response: &response::Parts) {
        if response.status != StatusCode::OK {
            self.fallback = Code::of_http(response.status);
        }
        self.learn(&response.headers);
    }

    fn learn(&mut self, headers: &HeaderMap) {
        if let Some(code) = Code::of(headers) {
            self.code = Some(code);
            self.message = grpc::message(headers).into_owned();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.span.is_recording() {
            self.abandoned();
        }
    }
}

/// Sees to it that a panic ends the span, wherever it is caught and whenever the rest is dropped.
struct Watch<'a>(Option<&'a mut Exchange>);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.0.take() {
            exchange.panicked();
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The version of HTTP, as the conventions write it.
pub(crate) fn put_version(version: Version, to: &mut impl Attributes) {
    let text = match version {
        Version::HTTP_09 => "0.9",
        Version::HTTP_10 => "1.0",
        Version::HTTP_11 => "1.1",
        Version::HTTP_2 => "2",
        Version::HTTP_3 => "3",
        _ => return,
    };
    to.text(&keys::NETWORK_PROTOCOL_VERSION, text);
}
