//! The body of a response, traced: the span ends with it, and its context is current while it is polled.

use crate::exchange::Exchange;
use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The body of a response that passed [`TraceServer`](crate::TraceServer) or [`TraceClient`](crate::TraceClient):
    /// the inner one, unchanged.
    ///
    /// The span ends when the body has ended or failed, or when it is dropped.
    #[derive(Debug, Default)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        exchange: Option<Exchange>,
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn new(inner: B, exchange: Option<Exchange>) -> Self {
        Self { inner, exchange }
    }

    pub(crate) fn untraced(inner: B) -> Self {
        Self::new(inner, None)
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body,
    B::Error: fmt::Display + 'static,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(exchange) = this.exchange else { return this.inner.poll_frame(cx) };
        let frame = ready!(exchange.run(|| this.inner.as_mut().poll_frame(cx)));
        let is_whole = match &frame {
            Some(Ok(frame)) => match (frame.data_ref(), frame.trailers_ref()) {
                (Some(data), _) => exchange.passed(data.remaining(), this.inner.is_end_stream()),
                (None, Some(trailers)) => {
                    exchange.trailers(trailers);
                    true
                }
                (None, None) => false,
            },
            Some(Err(error)) => {
                exchange.errored(error);
                true
            }
            None => {
                exchange.completed();
                true
            }
        };
        if is_whole {
            *this.exchange = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
