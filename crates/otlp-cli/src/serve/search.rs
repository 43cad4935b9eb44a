//! Which items hold all the words of a search.
//!
//! Used by the store's queries. Words are looked for in names, ids, texts and attributes, those of resource and scope, too;
//! ASCII letters match in either case. Pure.

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
                || contains(&record.severity_text, word)
                || contains(&record.event_name, word)
                || contains(&record.trace_id.to_string(), word)
                || contains(&record.span_id.to_string(), word)
                || in_attributes(&record.attributes, word)
                || in_origin(&stored.origin, word)
        })
    }

    /// Whether the words are in what all points of the metric have in common.
    pub(crate) fn finds_metric(&self, stored: &StoredMetric) -> bool {
        let metric = &stored.metric;
        self.0.iter().all(|word| {
            contains(&metric.name, word)
                || contains(&metric.description, word)
                || in_origin(&stored.origin, word)
        })
    }
}

fn in_origin(origin: &Origin, word: &str) -> bool {
    contains(&origin.scope.name, word) || in_attributes(&origin.resource.attributes, word)
}

fn in_attributes(attributes: &[KeyValue], word: &str) -> bool {
    attributes
        .iter()
        .any(|attribute| contains(&attribute.key, word) || contains(&text::value(&attribute.value), word))
}

fn contains(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}
