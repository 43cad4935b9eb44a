//! The trace context: what a span hands to its children, explicitly or as the current context of a thread or future.
//!
//! Nothing becomes current by itself (conformance SPAN-02): [`TraceContext::attach`] does it for a thread until the guard
//! is dropped, [`FutureExt::with_context`] for a future wherever it is polled.

use otlp_model::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use pin_project_lite::pin_project;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The identity of a span, as its children and other processes see it. Cloning is cheap.
///
/// ```
/// # async fn f(client: otlp::Client) {
/// let tracer = client.tracer("shop");
/// let mut parent = tracer.start("parent");
/// let context = parent.context();
/// let child = tracer.start_with_context("child", otlp::SpanKind::Internal, &context);
/// assert_eq!(child.context().trace_id(), context.trace_id());
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceContext(SpanContext);

impl TraceContext {
    /// A context from its parts, for example from a header of an incoming request.
    ///
    /// An invalid `context` (an all-zero id) is no parent: a span started with it is a root span.
    #[must_use]
    pub fn new(context: SpanContext) -> Self {
        Self(context)
    }

    /// The context that is current on this thread, if there is one.
    #[must_use]
    pub fn current() -> Option<Self> {
        with_current(|current| current.cloned())
    }

    /// Makes this context current on this thread until the guard is dropped; then the one before is current again.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let tracer = client.tracer("shop");
    /// let request = tracer.start("request");
    /// let guard = request.context().attach();
    /// let child = tracer.start("child of request");
    /// drop(guard);
    /// let root = tracer.start("root of its own trace");
    /// assert_ne!(root.context().trace_id(), child.context().trace_id());
    /// # }
    /// ```
    #[must_use = "the context is current only as long as the guard lives"]
    pub fn attach(&self) -> ContextGuard {
        ContextGuard { previous: replace_current(Some(self.clone())), not_send: PhantomData }
    }

    /// The trace's id.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.0.trace_id()
    }

    /// The span's id.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.0.span_id()
    }

    /// The W3C trace flags.
    #[must_use]
    pub fn flags(&self) -> TraceFlags {
        self.0.flags()
    }

    /// The W3C trace state.
    #[must_use]
    pub fn trace_state(&self) -> &TraceState {
        self.0.trace_state()
    }

    /// Whether the trace is sampled.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.0.is_sampled()
    }

    /// Whether the span runs in another process.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.0.is_remote()
    }

    /// Whether both ids are non-zero.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.0.is_valid()
    }

    /// The same as the model's type.
    #[must_use]
    pub fn span_context(&self) -> &SpanContext {
        &self.0
    }
}

impl From<SpanContext> for TraceContext {
    fn from(context: SpanContext) -> Self {
        Self(context)
    }
}

thread_local! {
    static CURRENT: RefCell<Option<TraceContext>> = const { RefCell::new(None) };
    /// Whether `CURRENT` holds one: without a destructor, so that asking costs one load.
    static IS_ANY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread has a current context.
#[inline]
pub(crate) fn is_any_current() -> bool {
    IS_ANY.get()
}

/// Calls `read` with the current context; while the thread is being torn down there is none.
#[inline]
pub(crate) fn with_current<R>(read: impl Fn(Option<&TraceContext>) -> R) -> R {
    match CURRENT.try_with(|current| current.try_borrow().ok().map(|current| read(current.as_ref()))) {
        Ok(Some(result)) => result,
        Ok(None) | Err(_) => read(None),
    }
}

fn replace_current(context: Option<TraceContext>) -> Option<TraceContext> {
    IS_ANY.set(context.is_some());
    CURRENT
        .try_with(|current| {
            current.try_borrow_mut().ok().and_then(|mut current| std::mem::replace(&mut *current, context))
        })
        .ok()
        .flatten()
}

/// Keeps a context current; see [`TraceContext::attach`]. Guards of a thread must be dropped in reverse order of their
/// making, as scopes do; it cannot leave its thread.
#[derive(Debug)]
pub struct ContextGuard {
    previous: Option<TraceContext>,
    not_send: PhantomData<*const ()>,
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        replace_current(self.previous.take());
    }
}

pin_project! {
    /// A future with a context that is current while it is polled; made by [`FutureExt::with_context`].
    #[derive(Debug)]
    pub struct WithContext<F> {
        #[pin]
        inner: F,
        context: TraceContext,
    }
}

impl<F: Future> Future for WithContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _current = this.context.attach();
        this.inner.poll(cx)
    }
}

/// Adds [`with_context`](FutureExt::with_context) to every future.
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
        WithContext { inner: self, context }
    }
}

impl<F: Future> FutureExt for F {}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(byte: u8) -> TraceContext {
        SpanContext::new(TraceId::from_bytes([byte; 16]), SpanId::from_bytes([byte; 8]), TraceFlags::SAMPLED)
            .into()
    }

    #[test]
    fn guards_nest_and_restore() {
        assert_eq!(TraceContext::current(), None);
        let outer = context(1).attach();
        {
            let _inner = context(2).attach();
            assert_eq!(TraceContext::current(), Some(context(2)));
        }
        assert_eq!(TraceContext::current(), Some(context(1)));
        drop(outer);
        assert_eq!(TraceContext::current(), None);
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
}
