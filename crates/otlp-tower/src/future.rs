//! The future of a response, traced: the span's context is current while the inner one is polled.

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The future of [`TraceServer`](crate::TraceServer) and [`TraceClient`](crate::TraceClient).
    ///
    /// Dropping it before it is ready cancels the inner one, and ends the span with `error.type` `cancelled`.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        exchange: Option<Exchange>,
    }
}

impl<F> ResponseFuture<F> {
    /// The future that `call` makes. It is called as it will be polled: as a part of the exchange, if there is one.
    pub(crate) fn of(mut exchange: Option<Exchange>, call: impl FnOnce() -> F) -> Self {
        let inner = match &mut exchange {
            Some(exchange) => exchange.run(call),
            None => call(),
        };
        Self { inner, exchange }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: fmt::Display + 'static,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(exchange) = this.exchange else {
            return this.inner.poll(cx).map_ok(|response| response.map(ResponseBody::untraced));
        };
        match ready!(exchange.run(|| this.inner.poll(cx))) {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let is_whole = exchange.answered(&parts, &body);
                let exchange = this.exchange.take().filter(|_| !is_whole);
                Poll::Ready(Ok(Response::from_parts(parts, ResponseBody::new(body, exchange))))
            }
            Err(error) => {
                exchange.errored(&error);
                *this.exchange = None;
                Poll::Ready(Err(error))
            }
        }
    }
}
