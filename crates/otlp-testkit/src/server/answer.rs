//! Answers as HTTP responses, and the body of raw ones: dripping, endless, or cut short.
//!
//! Used by both protocols at the very end of a call. Never chooses an answer.

use crate::reply::{Body as RawBody, Ending};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::Sleep;
use tonic::body::Body as BoxBody;

pub(crate) enum Answer {
    Response(Response<BoxBody>),
    /// The call is broken off, with this HTTP/2 error code.
    Reset(u32),
}

impl Answer {
    /// The call is broken off: INTERNAL_ERROR, as by a server that fails.
    pub(crate) const NONE: Self = Self::Reset(2);
}

/// A response with a whole body.
pub(crate) fn plain(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<BoxBody> {
    let mut response = Response::new(BoxBody::new(http_body_util::Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

/// A scripted raw response.
pub(crate) fn raw(body: &RawBody) -> Response<BoxBody> {
    let mut response = Response::new(BoxBody::new(Raw {
        rest: body.bytes.clone(),
        wait: body.pace.map(|(_, every)| Box::pin(tokio::time::sleep(every))),
        trailers: Some(body.trailers.clone()).filter(|trailers| !trailers.is_empty()),
        body: body.clone(),
        done: false,
    }));
    *response.status_mut() = body.status;
    response
}

/// Adds scripted headers, replacing those of the same name.
pub(crate) fn add_headers(response: &mut Response<BoxBody>, headers: &HeaderMap) {
    for name in headers.keys() {
        response.headers_mut().remove(name);
        for value in headers.get_all(name) {
            response.headers_mut().append(name, value.clone());
        }
    }
}

struct Raw {
    body: RawBody,
    rest: Bytes,
    wait: Option<Pin<Box<Sleep>>>,
    trailers: Option<HeaderMap>,
    done: bool,
}

impl Body for Raw {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if this.rest.is_empty() && this.body.ending == Ending::Never {
            this.rest = this.body.bytes.clone();
        }
        if !this.rest.is_empty() {
            let piece = if let (Some((bytes, every)), Some(wait)) = (this.body.pace, &mut this.wait) {
                ready!(wait.as_mut().poll(cx));
                wait.set(tokio::time::sleep(every));
                this.rest.split_to(bytes.min(this.rest.len()))
            } else {
                std::mem::take(&mut this.rest)
            };
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if this.done {
            return Poll::Ready(None);
        }
        this.done = true;
        Poll::Ready(match (this.body.ending, this.trailers.take()) {
            (Ending::Cut, _) => Some(Err(io::Error::other("cut short by the collector's script").into())),
            (_, Some(trailers)) => Some(Ok(Frame::trailers(trailers))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.ending == Ending::Complete && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.body.ending {
            Ending::Complete if self.trailers.is_none() => SizeHint::with_exact(self.rest.len() as u64),
            _ => SizeHint::new(),
        }
    }
}
