//! The parts of composite samplers as data, as configuration files describe them.

use super::Patterns;
use otlp_model::SpanKind;
use otlp_sampling::{
    ComposableAlwaysOff, ComposableAlwaysOn, ComposableParentThreshold, ComposableProbability,
    ComposableRuleBased, ComposableSampler, Predicate,
};

/// A sampler that can be put together with others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ComposableSpec {
    AlwaysOn,
    AlwaysOff,
    /// The share of traces, between 0 and 1.
    Probability(f64),
    /// What decides of roots; children follow their parent.
    ParentThreshold(Box<ComposableSpec>),
    /// The first that applies; where none does, nothing is kept.
    RuleBased(Vec<RuleSpec>),
}

/// A sampler, and for which spans it is asked: those for which all holds that is said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RuleSpec {
    /// An attribute, and the texts that it may have.
    pub(crate) values: Option<(String, Vec<String>)>,
    /// An attribute, and what its text must be like.
    pub(crate) patterns: Option<(String, Patterns)>,
    /// One of these; any if there are none.
    pub(crate) kinds: Vec<SpanKind>,
    /// One of these; any if there are none.
    pub(crate) parents: Vec<SpanParent>,
    pub(crate) sampler: ComposableSpec,
}

/// Where a span's parent is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SpanParent {
    None,
    Remote,
    Local,
}

impl ComposableSpec {
    pub(crate) fn sampler(&self) -> Box<dyn ComposableSampler> {
        match self {
            Self::AlwaysOn => Box::new(ComposableAlwaysOn),
            Self::AlwaysOff => Box::new(ComposableAlwaysOff),
            Self::Probability(ratio) => Box::new(ComposableProbability::new(*ratio)),
            Self::ParentThreshold(root) => Box::new(ComposableParentThreshold::new(root.sampler())),
            Self::RuleBased(rules) => {
                Box::new(rules.iter().fold(ComposableRuleBased::new(), |all, rule| rule.added_to(all)))
            }
        }
    }
}

impl RuleSpec {
    fn added_to(&self, rules: ComposableRuleBased) -> ComposableRuleBased {
        match self.conditions().into_iter().reduce(Predicate::and) {
            Some(condition) => rules.rule(condition, self.sampler.sampler()),
            None => rules.otherwise(self.sampler.sampler()),
        }
    }

    fn conditions(&self) -> Vec<Predicate> {
        let values = self.values.clone().map(|(key, values)| {
            let text = format!("{key} is one of {values:?}");
            Predicate::attribute_text(key, text, move |text| values.iter().any(|value| value == text))
        });
        let patterns = self.patterns.clone().map(|(key, patterns)| {
            let text = format!("{key} is {patterns}");
            Predicate::attribute_text(key, text, move |text| patterns.hold(text))
        });
        let kinds = self.kinds.iter().copied().map(Predicate::kind).reduce(Predicate::or);
        let parent = |parent: &SpanParent| match parent {
            SpanParent::None => Predicate::root(),
            SpanParent::Remote => Predicate::remote_parent(),
            SpanParent::Local => Predicate::local_parent(),
        };
        let parents = self.parents.iter().map(parent).reduce(Predicate::or);
        [values, patterns, kinds, parents].into_iter().flatten().collect()
    }
}
