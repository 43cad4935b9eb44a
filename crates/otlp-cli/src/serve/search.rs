//! Which items hold all the words of a search.
//!
//! Used by the store's queries. Words are looked for in names, ids, texts and attributes, those of resource and scope, too;
//! `key=value` is looked for in attributes, and `kind=`, `status=` and `severity=` are there as if they were some. ASCII
//! letters match in either case. Pure.

use super::items::{Origin, StoredLog, StoredMetric, StoredSpan};
use super::text;
use otlp_model::KeyValue;

/// The words of a search; without any, everything is found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search(Vec<String>);

impl Search {
    pub(crate) fn new(words: &str) -> Self {
        Self(words.split_whitespace().map(str::to_owned).collect())
    }

    pub(crate) fn finds_span(&self, stored: &StoredSpan) -> bool {
        let span = &stored.span;
        self.0.iter().all(|word| {
            contains(&span.name, word)
                || contains(&span.status.description, word)
                || contains(&span.context.trace_id().to_string(), word)
                || contains(&span.context.span_id().to_string(), word)
                || is(word, "kind", text::kind(span.kind))
                || is(word, "status", text::status(span.status.code))
                || in_attributes(&span.attributes, word)
                || span
                    .events
                    .iter()
                    .any(|event| contains(&event.name, word) || in_attributes(&event.attributes, word))
                || in_origin(&stored.origin, word)
        })
    }

    pub(crate) fn finds_log(&self, stored: &StoredLog) -> bool {
        let record = &stored.record;
        self.0.iter().all(|word| {
            record.body.as_ref().is_some_and(|body| contains(&text::value(body), word))
                || contains(record.severity.as_str(), word)
                || is(word, "severity", record.severity.as_str())
                || contains(&record.severity_text, word)
                || contains(&record.event_name, word)
                || contains(&record.trace_id.to_string(), word)
                || contains(&record.span_id.to_string(), word)
                || in_attributes(&record.attributes, word)
                || in_origin(&stored.origin, word)
        })
    }

    /// Whether the words are in a metric or in the attributes of points of it.
    pub(crate) fn finds_points(&self, stored: &StoredMetric, attributes: &[KeyValue]) -> bool {
        let metric = &stored.metric;
        self.0.iter().all(|word| {
            contains(&metric.name, word)
                || contains(&metric.description, word)
                || in_attributes(attributes, word)
                || in_origin(&stored.origin, word)
        })
    }
}

fn in_origin(origin: &Origin, word: &str) -> bool {
    contains(&origin.scope.name, word) || in_attributes(&origin.resource.attributes, word)
}

fn in_attributes(attributes: &[KeyValue], word: &str) -> bool {
    let pair = word.split_once('=');
    attributes.iter().any(|KeyValue { key, value }| {
        let value = text::value(value);
        contains(key, word)
            || contains(&value, word)
            || pair.is_some_and(|(end, start)| ends_with(key, end) && starts_with(&value, start))
    })
}

/// Whether the word says `name=` and how the value begins.
fn is(word: &str, name: &str, value: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(key, start)| key.eq_ignore_ascii_case(name) && starts_with(value, start))
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

fn ends_with(text: &str, end: &str) -> bool {
    let at = text.len().checked_sub(end.len());
    at.and_then(|at| text.get(at..)).is_some_and(|rest| rest.eq_ignore_ascii_case(end))
}

fn contains(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}
