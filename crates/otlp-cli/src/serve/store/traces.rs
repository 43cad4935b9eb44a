//! Traces, put together from the spans of the kept requests.
//!
//! Used by the store's queries, without its lock. Pure.

use crate::serve::items::{Batch, StoredLog, StoredSpan};
use crate::serve::search::Search;
use otlp_model::{StatusCode, TraceId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A trace in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TraceSummary {
    pub(crate) trace_id: TraceId,
    /// The name of the root; while that has not arrived, of the span that began first.
    pub(crate) root: String,
    /// The service of that span.
    pub(crate) service: String,
    /// The services of all spans but that one, by name.
    pub(crate) others: Vec<String>,
    pub(crate) start_unix_nano: u64,
    /// From the first start to the last end.
    pub(crate) duration_nano: u64,
    pub(crate) spans: usize,
    /// Spans with an error.
    pub(crate) errors: usize,
}

/// One trace, as far as it is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    /// By start.
    pub(crate) spans: Vec<Arc<StoredSpan>>,
    /// The log records with this trace's id, by time.
    pub(crate) logs: Vec<Arc<StoredLog>>,
    /// The first and the last of the kept requests that have any of it, counted from 1 and over those that are forgotten.
    /// Requests come last and go first: while these are the same, so is the trace.
    pub(crate) requests: (u64, u64),
}

/// What is known of a trace while spans are looked at.
struct Draft<'a> {
    root: &'a StoredSpan,
    start: u64,
    end: u64,
    spans: usize,
    errors: usize,
    services: BTreeSet<&'a str>,
    found: bool,
}

impl<'a> Draft<'a> {
    fn new(first: &'a StoredSpan) -> Self {
        Self {
            root: first,
            start: u64::MAX,
            end: 0,
            spans: 0,
            errors: 0,
            services: BTreeSet::new(),
            found: false,
        }
    }

    fn add(&mut self, stored: &'a StoredSpan, search: &Search) {
        let span = &stored.span;
        self.start = self.start.min(span.start_time_unix_nano);
        self.end = self.end.max(span.end_time_unix_nano);
        self.spans += 1;
        self.errors += usize::from(span.status.code == StatusCode::Error);
        self.services.insert(stored.origin.service());
        self.found = self.found || search.finds_span(stored);
        let rank =
            |stored: &StoredSpan| (stored.span.parent_span_id.is_valid(), stored.span.start_time_unix_nano);
        if rank(stored) < rank(self.root) {
            self.root = stored;
        }
    }
}

pub(super) fn summaries(batches: &[Arc<Batch>], search: &Search, most: usize) -> Vec<TraceSummary> {
    let mut drafts: HashMap<TraceId, Draft<'_>> = HashMap::new();
    for stored in batches.iter().flat_map(|batch| &batch.spans) {
        let id = stored.span.context.trace_id();
        drafts.entry(id).or_insert_with(|| Draft::new(stored)).add(stored, search);
    }
    let mut found: Vec<_> = drafts.into_iter().filter(|(_, draft)| draft.found).collect();
    // The id last, so that the order is the same each time.
    found.sort_unstable_by_key(|(id, draft)| (std::cmp::Reverse(draft.start), *id));
    found.truncate(most);
    let summary = |(trace_id, draft): (TraceId, Draft<'_>)| TraceSummary {
        trace_id,
        root: draft.root.span.name.to_string(),
        service: draft.root.origin.service().to_owned(),
        others: (draft.services.iter().filter(|service| **service != draft.root.origin.service()))
            .map(|service| (*service).to_owned())
            .collect(),
        start_unix_nano: draft.start,
        duration_nano: draft.end.saturating_sub(draft.start),
        spans: draft.spans,
        errors: draft.errors,
    };
    found.into_iter().map(summary).collect()
}

/// `forgotten` requests were before the first of these.
pub(super) fn one(batches: &[Arc<Batch>], forgotten: u64, id: TraceId) -> Option<Trace> {
    let of_trace = |stored: &&Arc<StoredSpan>| stored.span.context.trace_id() == id;
    let mut spans: Vec<_> = batches.iter().flat_map(|batch| &batch.spans).filter(of_trace).cloned().collect();
    spans.sort_by_key(|stored| stored.span.start_time_unix_nano);
    let of_trace = |stored: &&Arc<StoredLog>| stored.record.trace_id == id;
    let mut logs: Vec<_> = batches.iter().flat_map(|batch| &batch.logs).filter(of_trace).cloned().collect();
    logs.sort_by_key(|stored| stored.time_unix_nano());
    let has_any = |batch: &Arc<Batch>| {
        batch.spans.iter().any(|stored| stored.span.context.trace_id() == id)
            || batch.logs.iter().any(|stored| stored.record.trace_id == id)
    };
    let number = |at: usize| forgotten + at as u64 + 1;
    let (first, last) = (batches.iter().position(has_any)?, batches.iter().rposition(has_any)?);
    Some(Trace { spans, logs, requests: (number(first), number(last)) })
}
