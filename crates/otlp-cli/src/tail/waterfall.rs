//! The spans of a trace as rows: children below their parents, each with its place in time.
//!
//! Used by the state when a trace is opened. Pure.

use crate::serve::items::StoredSpan;
use otlp_model::SpanId;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) span: Arc<StoredSpan>,
    /// How many parents are above it.
    pub(super) depth: usize,
    /// Where in the trace it begins and ends: 0 to 1.
    pub(super) from: f64,
    pub(super) to: f64,
}

/// Rows of spans that are ordered by their start. A span whose parent is not there is a root, and so is one that is its own
/// ancestor: every span has exactly one row.
pub(super) fn rows(spans: &[Arc<StoredSpan>]) -> Vec<Row> {
    let start = spans.iter().map(|it| it.span.start_time_unix_nano).min().unwrap_or(0);
    let end = spans.iter().map(|it| it.span.end_time_unix_nano).max().unwrap_or(0);
    let whole = end.saturating_sub(start).max(1) as f64;
    let place = |time: u64| (time.saturating_sub(start) as f64 / whole).min(1.0);

    let ids: HashSet<SpanId> = spans.iter().map(|it| it.span.context.span_id()).collect();
    let mut children: HashMap<SpanId, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for (at, stored) in spans.iter().enumerate() {
        let parent = stored.span.parent_span_id;
        if parent.is_valid() && ids.contains(&parent) && parent != stored.span.context.span_id() {
            children.entry(parent).or_default().push(at);
        } else {
            roots.push(at);
        }
    }

    let mut rows = Vec::with_capacity(spans.len());
    let mut placed = vec![false; spans.len()];
    // Whoever is in a circle is reached from no root, and comes after these.
    for root in roots.into_iter().chain(0..spans.len()) {
        let mut waiting = vec![(root, 0)];
        while let Some((at, depth)) = waiting.pop() {
            let Some(stored) = spans.get(at) else { continue };
            let Some(placed) = placed.get_mut(at).filter(|placed| !**placed) else { continue };
            *placed = true;
            let span = &stored.span;
            let (from, to) = (place(span.start_time_unix_nano), place(span.end_time_unix_nano));
            rows.push(Row { span: Arc::clone(stored), depth, from, to: to.max(from) });
            let below = children.get(&span.context.span_id()).into_iter().flatten();
            // The last in is the first out.
            waiting.extend(below.rev().map(|child| (*child, depth + 1)));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::{SpanContext, SpanData, TraceFlags, TraceId};

    fn span(number: u8, parent: u8, start: u64, end: u64) -> Arc<StoredSpan> {
        let context =
            SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([number; 8]), TraceFlags::NONE);
        let mut span = SpanData::new(context, format!("{number}"), start, end);
        span.parent_span_id = SpanId::from_bytes([parent; 8]);
        Arc::new(StoredSpan { origin: Arc::default(), span })
    }

    fn told(rows: &[Row]) -> Vec<(&str, usize)> {
        rows.iter().map(|row| (&*row.span.span.name, row.depth)).collect()
    }

    #[test]
    fn children_stand_below_their_parents_in_the_order_of_time() {
        let spans = [span(1, 0, 100, 200), span(3, 1, 110, 120), span(2, 1, 150, 200), span(4, 3, 115, 119)];
        let rows = rows(&spans);
        assert_eq!(told(&rows), [("1", 0), ("3", 1), ("4", 2), ("2", 1)]);
        assert_eq!((rows[3].from, rows[3].to), (0.5, 1.0));
    }

    #[test]
    fn spans_without_parent_or_in_circles_have_a_row_each() {
        let spans =
            [span(1, 2, 1, 2), span(2, 1, 1, 2), span(3, 9, 5, 4), span(4, 4, 6, 7), span(4, 4, 6, 7)];
        let rows = rows(&spans);
        assert_eq!(told(&rows), [("3", 0), ("4", 0), ("4", 0), ("1", 0), ("2", 1)]);
        assert!(rows.iter().all(|row| row.from <= row.to));
        assert!(super::rows(&[]).is_empty());
    }
}
