//! The composable sampler that adds attributes to what another one keeps.

use crate::{ComposableSampler, SamplingIntent, SamplingParameters, SamplingResult};
use otlp_model::KeyValue;
use std::borrow::Cow;

/// Adds attributes to the spans that another sampler keeps, for example which rule kept them (SAMP-25).
///
/// ```
/// use otlp_model::{KeyValue, SpanKind, TraceId};
/// use otlp_sampling::{ComposableAlwaysOn, ComposableAnnotating, CompositeSampler, Sampler, SamplingParameters};
/// let sampler = CompositeSampler::new(ComposableAnnotating::new(ComposableAlwaysOn, [KeyValue::new("rule", "all")]));
/// let span = SamplingParameters::new(TraceId::from_bytes([1; 16]), "GET /", SpanKind::Server);
/// assert_eq!(sampler.should_sample(&span).attributes, [KeyValue::new("rule", "all")]);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ComposableAnnotating<S> {
    inner: S,
    attributes: Vec<KeyValue>,
}

impl<S> ComposableAnnotating<S> {
    /// Adds `attributes` to what `inner` keeps.
    pub fn new(inner: S, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        Self { inner, attributes: attributes.into_iter().collect() }
    }
}

impl<S: ComposableSampler> ComposableSampler for ComposableAnnotating<S> {
    fn sampling_intent(&self, span: &SamplingParameters<'_>) -> SamplingIntent {
        self.inner.sampling_intent(span)
    }

    fn annotate(&self, span: &SamplingParameters<'_>, result: &mut SamplingResult) {
        self.inner.annotate(span, result);
        result.attributes.extend_from_slice(&self.attributes);
    }

    fn description(&self) -> Cow<'_, str> {
        let keys: Vec<&str> = self.attributes.iter().map(|attribute| &*attribute.key).collect();
        Cow::Owned(format!("ComposableAnnotating{{{},{}}}", self.inner.description(), keys.join(",")))
    }
}
