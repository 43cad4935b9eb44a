//! Sampling as a tower stage: spans the sampler does not keep are answered here and go no further.
//!
//! Used at the very top of a stack of typed spans, as in the facade's `stack_by_hand` example. The facade's own tracer
//! asks its sampler before a span is made, which costs nothing for what is dropped, and does without this layer.

use crate::{Sampler, SamplingDecision, SamplingParameters};
use otlp_model::{SpanContext, SpanData};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

/// Puts a [`Sampler`] in front of a service of finished spans.
///
/// The sampler is asked once per span, with the span's final name and attributes. What a finished span does not hold of
/// its parent, its flags and trace state, the span's own stand in for; they agree unless a sampler came in between. Of
/// a kept span the sampled flag is set, the sampler's attributes are added behind the span's own, so that they win, and
/// the sampler's trace state replaces the span's, except that a root keeps its own if the sampler has none (SAMP-02 to
/// SAMP-04). A span that is recorded only is not exported, and so not passed on (BATCH-09).
///
/// **Position**: outermost, above the stage that encodes spans into records; below it nothing is typed any more.
/// **Clone**: clones share the sampler. **Readiness**: the inner service's; a span that is not kept leaves the inner
/// service ready, for the next call to use.
///
/// ```
/// use otlp_model::{SpanContext, SpanData, SpanId, TraceFlags, TraceId};
/// use otlp_sampling::{AlwaysOffSampler, SampleLayer, Sampled};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # tokio_test::block_on(async {
/// let stack = ServiceBuilder::new()
///     .layer(SampleLayer::new(AlwaysOffSampler))
///     .service(service_fn(|span: SpanData| async move { Ok::<_, std::io::Error>(span.name) }));
/// let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::NONE);
/// let answer = stack.oneshot(SpanData::new(context, "GET /", 1, 2)).await.unwrap();
/// assert_eq!(answer, Sampled::Discarded);
/// # });
/// ```
#[derive(Clone)]
pub struct SampleLayer {
    sampler: Arc<dyn Sampler>,
}

impl SampleLayer {
    /// Keeps what `sampler` keeps.
    #[must_use]
    pub fn new(sampler: impl Sampler + 'static) -> Self {
        Self { sampler: Arc::new(sampler) }
    }
}

impl<S> Layer<S> for SampleLayer {
    type Service = Sample<S>;

    fn layer(&self, inner: S) -> Sample<S> {
        Sample { inner, sampler: Arc::clone(&self.sampler) }
    }
}

impl fmt::Debug for SampleLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SampleLayer").field(&self.sampler.description()).finish()
    }
}

/// The service of [`SampleLayer`]. Dropping its future cancels the inner call, if there is one.
#[derive(Clone)]
pub struct Sample<S> {
    inner: S,
    sampler: Arc<dyn Sampler>,
}

impl<S: fmt::Debug> fmt::Debug for Sample<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sampler = self.sampler.description();
        f.debug_struct("Sample").field("inner", &self.inner).field("sampler", &sampler).finish()
    }
}

impl<S: Service<SpanData>> Service<SpanData> for Sample<S> {
    type Response = Sampled<S::Response>;
    type Error = S::Error;
    type Future = SampleFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, span: SpanData) -> Self::Future {
        SampleFuture { inner: keep(&*self.sampler, span).map(|span| self.inner.call(span)) }
    }
}

/// The span as it goes on, or `None` when the sampler does not export it.
fn keep(sampler: &dyn Sampler, mut span: SpanData) -> Option<SpanData> {
    let own = &span.context;
    let parent = SpanContext::new(own.trace_id(), span.parent_span_id, own.flags())
        .with_remote(span.parent_is_remote)
        .with_trace_state(own.trace_state().clone());
    let mut result = sampler.should_sample(
        &SamplingParameters::new(own.trace_id(), &span.name, span.kind)
            .with_parent(&parent)
            .with_attributes(&span.attributes)
            .with_links(&span.links),
    );
    if result.decision != SamplingDecision::RecordAndSample {
        return None;
    }
    span.attributes.append(&mut result.attributes);
    // A root has no parent to take a trace state from, so that a sampler with nothing to say answers with none.
    let keeps_own = !parent.is_valid() && result.trace_state.is_empty();
    let trace_state = if keeps_own { own.trace_state().clone() } else { result.trace_state };
    span.context = SpanContext::new(own.trace_id(), own.span_id(), own.flags().with_sampled(true))
        .with_remote(own.is_remote())
        .with_trace_state(trace_state);
    Some(span)
}

/// What became of a span that went through [`Sample`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Sampled<T> {
    /// It was kept, and the inner service answered.
    Kept(T),
    /// It was not sampled; the inner service was not called. This is no loss: the span was never accepted.
    Discarded,
}

impl<T> Sampled<T> {
    /// The inner service's answer, if the span was kept.
    ///
    /// ```
    /// use otlp_sampling::Sampled;
    /// assert_eq!(Sampled::Kept(3).kept(), Some(3));
    /// assert_eq!(Sampled::<u8>::Discarded.kept(), None);
    /// ```
    pub fn kept(self) -> Option<T> {
        match self {
            Self::Kept(answer) => Some(answer),
            Self::Discarded => None,
        }
    }
}

pin_project! {
    /// The future of [`Sample`]: the inner call, or nothing.
    #[derive(Debug)]
    pub struct SampleFuture<F> {
        #[pin]
        inner: Option<F>,
    }
}

impl<F: Future<Output = Result<T, E>>, T, E> Future for SampleFuture<F> {
    type Output = Result<Sampled<T>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().inner.as_pin_mut() {
            Some(inner) => Poll::Ready(ready!(inner.poll(cx)).map(Sampled::Kept)),
            None => Poll::Ready(Ok(Sampled::Discarded)),
        }
    }
}
