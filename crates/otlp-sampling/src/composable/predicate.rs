//! Questions about a span that is about to start, to which the answer is yes or no.
//!
//! Used by the rules of a rule-based sampler. Looks at a span's parameters and at nothing else.

use super::text;
use crate::SamplingParameters;
use otlp_model::{AnyValue, SpanKind};
use std::borrow::Cow;
use std::fmt;

/// A condition on a span that is about to start.
///
/// ```
/// use otlp_model::{SpanKind, TraceId};
/// use otlp_sampling::{Predicate, SamplingParameters};
/// let entry = Predicate::root().and(Predicate::kind(SpanKind::Server));
/// assert_eq!(entry.to_string(), "root and kind=Server");
/// assert!(entry.holds(&SamplingParameters::new(TraceId::from_bytes([1; 16]), "GET /", SpanKind::Server)));
/// ```
pub struct Predicate {
    holds: Box<dyn Fn(&SamplingParameters<'_>) -> bool + Send + Sync>,
    text: Cow<'static, str>,
}

impl Predicate {
    /// A condition of your own; `text` says in words what it is.
    ///
    /// ```
    /// use otlp_sampling::Predicate;
    /// let linked = Predicate::new("has links", |span| !span.links.is_empty());
    /// # drop(linked);
    /// ```
    pub fn new(
        text: impl Into<Cow<'static, str>>,
        holds: impl Fn(&SamplingParameters<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { holds: Box::new(holds), text: text.into() }
    }

    /// The span has exactly this name.
    pub fn name(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::new(format!("name={name}"), move |span| span.name == name)
    }

    /// The span's name begins with this.
    pub fn name_prefix(prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        Self::new(format!("name={prefix}…"), move |span| span.name.starts_with(&prefix))
    }

    /// The span is of this kind.
    #[must_use]
    pub fn kind(kind: SpanKind) -> Self {
        Self::new(format!("kind={kind:?}"), move |span| span.kind == kind)
    }

    /// The span starts with this attribute, and this value; what is set later is not seen.
    pub fn attribute(key: impl Into<String>, value: impl Into<AnyValue>) -> Self {
        let (key, value) = (key.into(), value.into());
        Self::new(format!("{key}={value:?}"), move |span| {
            span.attributes.iter().any(|attribute| attribute.key == key && attribute.value == value)
        })
    }

    /// The span starts with this attribute, and `matches` holds of its text, or of that of one of its items if it is an array;
    /// `text` says in words what that is. Numbers are as Rust displays them; bytes and maps have no text.
    ///
    /// ```
    /// use otlp_model::{KeyValue, SpanKind, TraceId};
    /// use otlp_sampling::{Predicate, SamplingParameters};
    /// let code = "http.response.status_code";
    /// let failed = Predicate::attribute_text(code, "a server error", |text| text.starts_with('5'));
    /// let attributes = [KeyValue::new(code, 503)];
    /// let span = SamplingParameters::new(TraceId::from_bytes([1; 16]), "GET /", SpanKind::Server);
    /// assert!(failed.holds(&span.with_attributes(&attributes)));
    /// ```
    pub fn attribute_text(
        key: impl Into<String>,
        text: impl Into<Cow<'static, str>>,
        matches: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let key = key.into();
        Self::new(text, move |span| {
            let mut found = span.attributes.iter().filter(|attribute| attribute.key == key);
            found.any(|attribute| text::of_any(&attribute.value, &matches))
        })
    }

    /// The span has no parent.
    #[must_use]
    pub fn root() -> Self {
        Self::new("root", |span| span.parent().is_none())
    }

    /// The span's parent is in another process.
    #[must_use]
    pub fn remote_parent() -> Self {
        Self::new("remote parent", |span| span.parent().is_some_and(|parent| parent.is_remote()))
    }

    /// The span's parent is in this process.
    #[must_use]
    pub fn local_parent() -> Self {
        Self::new("local parent", |span| span.parent().is_some_and(|parent| !parent.is_remote()))
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let text = format!("{self} and {other}");
        Self::new(text, move |span| self.holds(span) && other.holds(span))
    }

    /// One of them holds, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let text = format!("({self} or {other})");
        Self::new(text, move |span| self.holds(span) || other.holds(span))
    }

    /// This does not hold.
    ///
    /// ```
    /// # use otlp_sampling::Predicate;
    /// assert_eq!(Predicate::root().negated().to_string(), "not (root)");
    /// ```
    #[must_use]
    pub fn negated(self) -> Self {
        let text = format!("not ({self})");
        Self::new(text, move |span| !self.holds(span))
    }

    /// The answer for `span`.
    #[must_use]
    pub fn holds(&self, span: &SamplingParameters<'_>) -> bool {
        (self.holds)(span)
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Predicate({self})")
    }
}
