//! From records to requests: the last place that knows groups.
//!
//! Used by `otlp-transport`'s assemble layer. Records are put under the headers of their groups: those that the batch
//! shares stay where they are and become slices of the body, the others are copied once; nothing is decoded or encoded
//! again. Pure: no clock, no waiting, no counting of its own.

mod layout;
mod walk;

use crate::{ExportRequest, GroupId, Groups, Records, Run, Signal};
use layout::{Draft, Layout};
use std::ops::Range;
pub(crate) use walk::items_of;

/// What one request may hold.
///
/// ```
/// assert_eq!(otlp_model::RequestLimits::default().max_bytes, 64 * 1024 * 1024);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Spans, log records or data points; default unlimited. A metric with more data points than this is sent in a
    /// request of its own: records are not taken apart.
    pub max_items: u64,
    /// Bytes of the encoded request before compression, headers included; default 64 MiB (conformance GRPC-12).
    pub max_bytes: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self { max_items: u64::MAX, max_bytes: 64 * 1024 * 1024 }
    }
}

/// A batch as requests. The items of the requests and those too large are together the items of the batch.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Assembled {
    /// The requests, in order of arrival; none is empty (conformance MODEL-32).
    pub requests: Vec<ExportRequest>,
    /// Items of records that alone exceed [`RequestLimits::max_bytes`] and are not sent.
    pub too_large: u64,
}

/// Assembles the requests of a batch.
///
/// Within a request a resource and a scope appear once, in order of first arrival, and records keep their order within
/// a scope (conformance MODEL-14). A batch over the limits is split between records (DEC-19). Records of a group that
/// `groups` does not know are sent without resource and scope.
///
/// ```
/// use otlp_model::*;
/// let groups = Groups::new();
/// let group = groups.register(&Resource::new().with("service.name", "a"), &InstrumentationScope::new("b"));
/// let span = SpanData::new(SpanContext::default(), "GET", 1, 2).to_record(group, &Limits::default());
/// let batch = vec![span.clone(), span];
/// let assembled = assemble(&groups, Signal::Traces, &batch, RequestLimits::default());
/// assert_eq!((assembled.requests.len(), assembled.requests[0].items(), assembled.too_large), (1, 2, 0));
/// ```
pub fn assemble<R: Records + ?Sized>(
    groups: &Groups,
    signal: Signal,
    records: &R,
    limits: RequestLimits,
) -> Assembled {
    let mut plan = Plan::default();
    records.for_each_shared_run(&mut |group, items, run| {
        plan.add_run(groups, signal, group, items, run, limits)
    });
    plan.layouts.retain(|layout| !layout.is_empty());

    let mut drafts: Vec<Draft> = plan.layouts.iter().map(Draft::of).collect();
    if plan.copies() {
        plan.copy(records, &mut drafts);
    }
    let requests = plan.layouts.into_iter().zip(drafts).map(|(layout, draft)| {
        let items = layout.items();
        ExportRequest::new(signal, items, draft.finish(layout)).with_trail()
    });
    Assembled { requests: requests.collect(), too_large: plan.too_large }
}

/// Where everything goes: decided in a first pass over the runs, which also takes what is shared. A second one copies
/// the rest, if there is any.
#[derive(Default)]
struct Plan {
    layouts: Vec<Layout>,
    pieces: Vec<Piece>,
    too_large: u64,
}

/// A request, and a scope within.
type Place = (usize, usize);

/// Bytes that follow each other, over as many runs as they may, with one destination.
struct Piece {
    len: usize,
    /// Where they are copied to; `None` for what is shared, or not sent.
    place: Option<Place>,
}

impl Plan {
    fn add_run(
        &mut self,
        groups: &Groups,
        signal: Signal,
        group: GroupId,
        items: u64,
        run: Run<'_>,
        limits: RequestLimits,
    ) {
        let bytes = run.bytes();
        if items == 0 || bytes.is_empty() {
            // No items are nothing to send (MODEL-32). Items without bytes cannot be sent, but are not forgotten.
            self.too_large += items;
            return;
        }
        if let Some(place) = self.find(groups, group, items, bytes.len(), limits) {
            return self.put(run, 0..bytes.len(), Some(place));
        }
        // The run does not fit whole: take it record by record, and neighbours with one destination together.
        let mut neighbours: (Range<usize>, Option<Place>) = (0..0, None);
        walk::for_each_record(signal, items, bytes, |items, len| {
            let place = self.find_for_record(groups, group, items, len, limits);
            let end = neighbours.0.end;
            if place != neighbours.1 {
                self.put(run, neighbours.0.clone(), neighbours.1);
                neighbours = (end..end, place);
            }
            neighbours.0.end = end + len;
        });
        self.put(run, neighbours.0, neighbours.1);
    }

    /// Makes room in the current request if the limits allow.
    fn find(
        &mut self,
        groups: &Groups,
        group: GroupId,
        items: u64,
        len: usize,
        limits: RequestLimits,
    ) -> Option<Place> {
        if self.layouts.is_empty() {
            self.layouts.push(Layout::default());
        }
        let current = self.layouts.len() - 1;
        let scope = self.layouts[current].add(groups, group, items, len, limits)?;
        Some((current, scope))
    }

    /// Makes room in the current request, or a new one; what does not even fit into that is not sent.
    fn find_for_record(
        &mut self,
        groups: &Groups,
        group: GroupId,
        items: u64,
        len: usize,
        limits: RequestLimits,
    ) -> Option<Place> {
        if items == 0 {
            return None;
        }
        // Alone in its request, a record may have more items than that: it cannot be split.
        let limits = RequestLimits { max_items: limits.max_items.max(items), ..limits };
        self.find(groups, group, items, len, limits).or_else(|| {
            self.layouts.push(Layout::default());
            let place = self.find(groups, group, items, len, limits);
            if place.is_none() {
                // The request so far is not closed: smaller records may still fit into it.
                self.layouts.pop();
                self.too_large += items;
            }
            place
        })
    }

    /// Puts a part of a run into its place: at once if it is shared.
    fn put(&mut self, run: Run<'_>, range: Range<usize>, place: Option<Place>) {
        let len = range.len();
        let copied = place.filter(|&(request, scope)| match (run, self.layouts.get_mut(request)) {
            (Run::Shared(bytes), Some(layout)) => {
                layout.share(scope, bytes.slice(range.clone()));
                false
            }
            (Run::Borrowed(_), Some(layout)) => {
                layout.copy(scope, len);
                true
            }
            (_, None) => false,
        });
        match self.pieces.last_mut() {
            Some(last) if last.place == copied => last.len += len,
            _ => self.pieces.push(Piece { len, place: copied }),
        }
    }

    fn copies(&self) -> bool {
        self.pieces.iter().any(|piece| piece.place.is_some())
    }

    /// Copies what is not shared.
    fn copy<R: Records + ?Sized>(&self, records: &R, drafts: &mut [Draft]) {
        let mut pieces = self.pieces.iter();
        let (mut place, mut left) = (None, 0);
        records.for_each_shared_run(&mut |_, items, run| {
            let mut rest = if items == 0 { &[] } else { run.bytes() };
            while !rest.is_empty() {
                if left == 0 {
                    let Some(piece) = pieces.next() else { break };
                    (place, left) = (piece.place, piece.len);
                }
                let (part, after) = rest.split_at(left.min(rest.len()));
                (rest, left) = (after, left - part.len());
                if let Some((request, scope)) = place
                    && let Some(draft) = drafts.get_mut(request)
                {
                    draft.put(scope, part);
                }
            }
        });
    }
}
