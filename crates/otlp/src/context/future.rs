//! Futures with a context: current while they are polled and while they are dropped, on whichever thread.

use super::TraceContext;
use crate::span::Span;
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// A future with a context that is current while it is polled or dropped; made by [`FutureExt::with_context`].
    #[derive(Debug)]
    pub struct WithContext<F> {
        // Gone only while it is being dropped.
        #[pin]
        inner: Option<F>,
        context: TraceContext,
    }

    impl<F> PinnedDrop for WithContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _current = this.context.attach();
            this.inner.set(None);
        }
    }
}

impl<F: Future> Future for WithContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = this.context.attach();
        match this.inner.as_pin_mut() {
            Some(inner) => inner.poll(cx),
            None => Poll::Pending,
        }
    }
}

pin_project! {
    /// A future with a span that is current while it is polled or dropped, and ends with it; made by
    /// [`FutureExt::with_span`].
    #[derive(Debug)]
    pub struct WithSpan<F> {
        // Dropped before the span is: what it does at its end belongs to the span.
        #[pin]
        inner: WithContext<F>,
        span: Option<Span>,
    }
}

impl<F: Future> Future for WithSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let output = ready!(this.inner.poll(cx));
        *this.span = None;
        Poll::Ready(output)
    }
}

/// Adds contexts and spans to every future.
pub trait FutureExt: Future + Sized {
    /// Makes `context` current whenever this future is polled, on whichever thread. Cancel-safe if the future is.
    ///
    /// ```
    /// use otlp::FutureExt;
    /// # async fn f(client: otlp::Client) {
    /// let tracer = client.tracer("shop");
    /// let request = tracer.start("request");
    /// let work = async move { tracer.start("child of request"); };
    /// tokio::spawn(work.with_context(request.context()));
    /// # }
    /// ```
    fn with_context(self, context: TraceContext) -> WithContext<Self> {
        WithContext { inner: Some(self), context }
    }

    /// Makes `span` current whenever this future is polled, and ends it when the future is ready or dropped, whichever
    /// comes first. Cancel-safe if the future is: a future that is cancelled ends its span.
    ///
    /// What is known of the span has to be said before. A future that wants to say more keeps its span itself, and
    /// runs its parts [`with_context`](Self::with_context).
    ///
    /// ```
    /// use otlp::FutureExt;
    /// # async fn query() -> u32 { 7 }
    /// # async fn f(client: otlp::Client) {
    /// let tracer = client.tracer("shop");
    /// let rows = query().with_span(tracer.start("SELECT carts")).await;
    ///
    /// let report = async move {
    ///     let mut span = tracer.start("report");
    ///     let rows = query().with_context(span.context()).await;
    ///     span.set_attribute("rows", rows);
    /// };
    /// # }
    /// ```
    fn with_span(self, span: Span) -> WithSpan<Self> {
        WithSpan { inner: self.with_context(span.context()), span: Some(span) }
    }
}

impl<F: Future> FutureExt for F {}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::{SpanContext, SpanId, TraceFlags, TraceId};
    use std::sync::{Arc, Mutex};

    fn context(byte: u8) -> TraceContext {
        SpanContext::new(TraceId::from_bytes([byte; 16]), SpanId::from_bytes([byte; 8]), TraceFlags::SAMPLED)
            .into()
    }

    #[tokio::test]
    async fn a_future_carries_its_context_across_await_and_leaks_none() {
        let inside = async {
            let before = TraceContext::current();
            tokio::task::yield_now().await;
            (before, TraceContext::current())
        };
        let polled = tokio::spawn(inside.with_context(context(3))).await.unwrap();
        assert_eq!(polled, (Some(context(3)), Some(context(3))));
        assert_eq!(TraceContext::current(), None);
    }

    #[test]
    fn what_a_cancelled_future_drops_sees_the_context() {
        struct Witness(Arc<Mutex<Option<TraceContext>>>);
        impl Drop for Witness {
            fn drop(&mut self) {
                *self.0.lock().unwrap() = TraceContext::current();
            }
        }
        let seen = Arc::new(Mutex::new(None));
        let witness = Witness(Arc::clone(&seen));
        let never = async move {
            let _witness = witness;
            std::future::pending::<()>().await;
        };
        drop(never.with_context(context(4)));
        assert_eq!(*seen.lock().unwrap(), Some(context(4)));
        assert_eq!(TraceContext::current(), None);
    }
}
