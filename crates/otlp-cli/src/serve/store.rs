//! What was received and is kept: in memory, bounded, the oldest requests going first.
//!
//! Written by the intake, read by whatever shows it, on any thread. A query copies pointers under the lock and does its
//! work after it. What is written to a file is none of its business.

mod keep;
mod series;
mod traces;

pub(crate) use keep::{Keep, parse as parse_keep};
pub(crate) use series::{Point, PointValue, Series, points};
pub(crate) use traces::{Trace, TraceSummary};

use super::footprint;
use super::items::{Batch, StoredLog};
use super::search::Search;
use otlp_model::TraceId;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The store. Shared by an [`Arc`].
#[derive(Debug)]
pub(crate) struct Store {
    keep: Keep,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<(Arc<Batch>, usize)>,
    /// Requests that were in front of these.
    forgotten: u64,
    totals: Totals,
}

/// What was received since the start, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    /// Requests that were taken; changes whenever something arrives.
    pub(crate) requests: u64,
    pub(crate) spans: u64,
    pub(crate) data_points: u64,
    pub(crate) log_records: u64,
    /// Data points that were rejected in partial successes.
    pub(crate) rejected: u64,
    /// Requests that were no good, and answered so.
    pub(crate) refused: u64,
    /// Items that are no longer kept.
    pub(crate) forgotten: u64,
    /// Items that are kept, and the memory that these take.
    pub(crate) kept: u64,
    pub(crate) kept_bytes: usize,
}

impl Totals {
    /// Items received, of all signals.
    pub(crate) fn items(&self) -> u64 {
        self.spans + self.data_points + self.log_records
    }
}

impl Store {
    pub(crate) fn new(keep: Keep) -> Self {
        Self { keep, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the items of a request, and forgets the oldest while there are too many. A request that is too large to be
    /// kept at all is forgotten at once, and alone. Returns the memory that it takes.
    pub(crate) fn add(&self, batch: Arc<Batch>) -> usize {
        let (items, bytes) = (batch.items(), footprint::of(&batch));
        let mut forgotten = Vec::new();
        let mut state = self.lock();
        let State { batches, forgotten: gone, totals } = &mut *state;
        totals.requests += 1;
        totals.spans += batch.spans.len() as u64;
        totals.log_records += batch.logs.len() as u64;
        totals.data_points += batch.data_points();
        totals.rejected += batch.rejected;
        if self.keep.exceeded_by(items, bytes) {
            totals.forgotten += items;
            return bytes;
        }
        if items > 0 {
            totals.kept += items;
            totals.kept_bytes += bytes;
            batches.push_back((batch, bytes));
        }
        while self.keep.exceeded_by(totals.kept, totals.kept_bytes) {
            let Some((oldest, its_bytes)) = batches.pop_front() else { break };
            *gone += 1;
            totals.kept -= oldest.items();
            totals.kept_bytes -= its_bytes;
            totals.forgotten += oldest.items();
            forgotten.push(oldest);
        }
        // Freed after the lock: there may be many.
        drop(state);
        bytes
    }

    /// Counts a request that was no good.
    pub(crate) fn refuse(&self) {
        self.lock().totals.refused += 1;
    }

    pub(crate) fn totals(&self) -> Totals {
        self.lock().totals
    }

    /// The kept requests, oldest first.
    fn batches(&self) -> Vec<Arc<Batch>> {
        self.numbered().0
    }

    /// The same, and how many were before them.
    fn numbered(&self) -> (Vec<Arc<Batch>>, u64) {
        let state = self.lock();
        (state.batches.iter().map(|(batch, _)| Arc::clone(batch)).collect(), state.forgotten)
    }

    /// At most `most` traces of which a span is found, those that began last first. What a summary says is of the spans that
    /// are kept.
    pub(crate) fn traces(&self, search: &Search, most: usize) -> Vec<TraceSummary> {
        traces::summaries(&self.batches(), search, most)
    }

    /// One trace; `None` if no span of it is kept, and no log record.
    pub(crate) fn trace(&self, id: TraceId) -> Option<Trace> {
        let (batches, forgotten) = self.numbered();
        traces::one(&batches, forgotten, id)
    }

    /// At most `most` log records that are found, those that arrived last first.
    pub(crate) fn logs(&self, search: &Search, most: usize) -> Vec<Arc<StoredLog>> {
        let batches = self.batches();
        let newest_first = batches.iter().rev().flat_map(|batch| batch.logs.iter().rev());
        newest_first.filter(|stored| search.finds_log(stored)).take(most).cloned().collect()
    }

    /// At most `most` metrics by attributes, ordered by name, each with its points in the order of their times.
    pub(crate) fn metrics(&self, search: &Search, most: usize) -> Vec<Series> {
        series::all(&self.batches(), search, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::items::{Origin, StoredSpan};
    use otlp_model::{LogRecord, Severity, SpanContext, SpanData, SpanId, StatusCode, TraceFlags};

    fn id(trace: u8) -> TraceId {
        TraceId::from_bytes([trace; 16])
    }

    fn span(trace: u8, number: u8, parent: u8, name: &'static str, start: u64, end: u64) -> SpanData {
        let context = SpanContext::new(id(trace), SpanId::from_bytes([number; 8]), TraceFlags::SAMPLED);
        let mut span = SpanData::new(context, name, start, end);
        span.parent_span_id = SpanId::from_bytes([parent; 8]);
        span
    }

    fn spans(of: impl IntoIterator<Item = SpanData>) -> Arc<Batch> {
        let origin = Arc::new(Origin {
            resource: Arc::new(otlp_model::Resource::new().with("service.name", "shop")),
            ..Origin::default()
        });
        let stored = |span| Arc::new(StoredSpan { origin: Arc::clone(&origin), span });
        Arc::new(Batch { spans: of.into_iter().map(stored).collect(), ..Batch::default() })
    }

    fn logs(trace: u8, body: &'static str) -> Arc<Batch> {
        let record = LogRecord { trace_id: id(trace), ..LogRecord::new(5, Severity::Warn, body) };
        let stored = StoredLog { origin: Arc::default(), record };
        Arc::new(Batch { logs: vec![Arc::new(stored)], ..Batch::default() })
    }

    #[test]
    fn a_trace_is_summed_up_over_its_requests_and_found_by_any_span() {
        let store = Store::new(Keep::Items(100));
        let mut failed = span(1, 2, 1, "SELECT", 20, 180);
        failed.status.code = StatusCode::Error;
        failed.attributes.push(otlp_model::KeyValue::new("db.system", "PostgreSQL"));
        store.add(spans([failed, span(2, 1, 0, "later", 50, 60)]));
        store.add(spans([span(1, 1, 0, "GET /cart", 10, 200)]));
        store.add(logs(1, "slow"));

        let all = store.traces(&Search::default(), 10);
        let told: Vec<_> = all.iter().map(|it| (it.root.as_str(), it.spans, it.errors)).collect();
        assert_eq!(told, [("later", 1, 0), ("GET /cart", 2, 1)]);
        let cart = &all[1];
        assert_eq!((cart.start_unix_nano, cart.duration_nano, cart.service.as_str()), (10, 190, "shop"));

        assert_eq!(store.traces(&Search::new("postgresql select"), 10), all[1..]);
        assert!(store.traces(&Search::new("postgresql later"), 10).is_empty());
        for words in ["status=error", "STATUS=err kind=internal", "db.system=postgres", "system=PostgreSQL"] {
            assert_eq!(store.traces(&Search::new(words), 10), std::slice::from_ref(cart), "{words}");
        }
        for words in ["status=ok", "db=postgresql", "db.system=sql", "service.name=other"] {
            assert!(store.traces(&Search::new(words), 10).is_empty(), "{words}");
        }
        assert_eq!(store.traces(&Search::new(&id(2).to_string()), 10).len(), 1);
        assert_eq!(store.traces(&Search::default(), 1).len(), 1);

        let trace = store.trace(id(1)).unwrap();
        let names: Vec<_> = trace.spans.iter().map(|stored| stored.span.name.as_ref()).collect();
        assert_eq!((names, trace.logs.len()), (vec!["GET /cart", "SELECT"], 1));
        assert!(store.trace(id(9)).is_none());
        assert_eq!(store.logs(&Search::new("warn SLOW"), 10).len(), 1);
        assert!(store.logs(&Search::new("fast"), 10).is_empty());
        assert_eq!(store.logs(&Search::new("severity=warn"), 10).len(), 1);
        assert!(store.logs(&Search::new("severity=error"), 10).is_empty());
    }

    #[test]
    fn the_oldest_go_first_and_everything_is_counted() {
        let store = Store::new(Keep::Items(3));
        for trace in 1..=4 {
            store.add(spans([span(trace, 1, 0, "a", 1, 2)]));
        }
        assert!(store.trace(id(1)).is_none() && store.trace(id(2)).is_some());
        // More than is kept of all: it is not kept, and costs the others nothing.
        store.add(spans((10..14).map(|trace| span(trace, 1, 0, "b", 1, 2))));
        let totals = store.totals();
        assert_eq!((totals.items(), totals.kept, totals.forgotten), (8, 3, 5));
        assert_eq!(store.traces(&Search::default(), 10).len(), 3);

        let one = footprint::of(&spans([span(1, 1, 0, "a", 1, 2)]));
        let store = Store::new(Keep::Bytes(3 * one));
        for trace in 1..=10 {
            store.add(spans([span(trace, 1, 0, "a", 1, 2)]));
        }
        assert_eq!((store.totals().kept, store.totals().kept_bytes), (3, 3 * one));
        store.add(spans([span(11, 1, 0, "a longer name costs the oldest", 1, 2)]));
        assert_eq!((store.totals().kept, store.totals().forgotten), (2, 9));
    }
}
