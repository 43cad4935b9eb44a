//! The composable sampler that asks the first of its rules that applies.

use crate::{ComposableSampler, Predicate, SamplingIntent, SamplingParameters, SamplingResult};
use std::borrow::Cow;
use std::fmt;

/// Asks the sampler of the first rule whose condition holds; a span to which no rule applies is dropped (SAMP-25).
///
/// ```
/// use otlp_model::SpanKind;
/// use otlp_sampling::{
///     ComposableAlwaysOff, ComposableAlwaysOn, ComposableParentThreshold, ComposableProbability, ComposableRuleBased,
///     CompositeSampler, Predicate,
/// };
/// // No health checks, every checkout, a hundredth of all other traces.
/// let rules = ComposableRuleBased::new()
///     .rule(Predicate::name("GET /healthz"), ComposableAlwaysOff)
///     .rule(Predicate::kind(SpanKind::Server).and(Predicate::name_prefix("POST /checkout")), ComposableAlwaysOn)
///     .otherwise(ComposableProbability::new(0.01));
/// let sampler = CompositeSampler::new(ComposableParentThreshold::new(rules));
/// # drop(sampler);
/// ```
#[derive(Default)]
pub struct ComposableRuleBased {
    rules: Vec<(Predicate, Box<dyn ComposableSampler>)>,
}

impl ComposableRuleBased {
    /// No rules: drops everything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule after those there are.
    #[must_use]
    pub fn rule(mut self, condition: Predicate, sampler: impl ComposableSampler + 'static) -> Self {
        self.rules.push((condition, Box::new(sampler)));
        self
    }

    /// Adds a rule that always applies; rules added after it are never asked.
    #[must_use]
    pub fn otherwise(self, sampler: impl ComposableSampler + 'static) -> Self {
        self.rule(Predicate::new("otherwise", |_| true), sampler)
    }

    fn sampler_for(&self, span: &SamplingParameters<'_>) -> Option<&dyn ComposableSampler> {
        self.rules.iter().find(|(condition, _)| condition.holds(span)).map(|(_, sampler)| &**sampler)
    }
}

impl ComposableSampler for ComposableRuleBased {
    fn sampling_intent(&self, span: &SamplingParameters<'_>) -> SamplingIntent {
        self.sampler_for(span).map_or(SamplingIntent::NEVER, |sampler| sampler.sampling_intent(span))
    }

    fn annotate(&self, span: &SamplingParameters<'_>, result: &mut SamplingResult) {
        if let Some(sampler) = self.sampler_for(span) {
            sampler.annotate(span, result);
        }
    }

    fn description(&self) -> Cow<'_, str> {
        let rules =
            self.rules.iter().map(|(condition, sampler)| format!("{condition}: {}", sampler.description()));
        Cow::Owned(format!("ComposableRuleBased{{{}}}", rules.collect::<Vec<_>>().join(", ")))
    }
}

impl fmt::Debug for ComposableRuleBased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description())
    }
}
