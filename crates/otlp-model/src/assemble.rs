//! From records to requests: the last place that knows groups.
//!
//! Used by `otlp-transport`'s assemble layer. Records are copied once, under the headers of their groups, into a body
//! of exactly the right size; nothing is decoded or encoded again. Pure: no clock, no waiting, no counting of its own.

mod layout;
mod walk;

use crate::{ExportRequest, GroupId, Groups, Records, Signal};
use bytes::Bytes;
use layout::{Body, Layout};

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
    let plan = plan(groups, signal, records, limits);
    let mut bodies: Vec<Body> = plan.layouts.iter().map(Body::of).collect();
    let mut pieces = plan.pieces.iter();
    let (mut place, mut left) = (None, 0);
    records.for_each_run(&mut |_, items, run| {
        let mut rest = if items == 0 { &[] } else { run };
        while !rest.is_empty() {
            if left == 0 {
                let Some(piece) = pieces.next() else { break };
                (place, left) = (piece.place, piece.len);
            }
            let (part, after) = rest.split_at(left.min(rest.len()));
            (rest, left) = (after, left - part.len());
            if let Some((request, scope)) = place
                && let Some(body) = bodies.get_mut(request)
            {
                body.put(scope, part);
            }
        }
    });
    let requests =
        plan.layouts.iter().zip(bodies).map(|(layout, body)| {
            ExportRequest::new(signal, layout.items(), Bytes::from(body.finish(layout)))
        });
    Assembled { requests: requests.collect(), too_large: plan.too_large }
}

/// Where everything goes: decided in a first pass over the runs, carried out in a second.
#[derive(Default)]
struct Plan {
    layouts: Vec<Layout>,
    pieces: Vec<Piece>,
    too_large: u64,
}

/// Bytes that follow each other, over as many runs as they may, with one destination.
struct Piece {
    len: usize,
    /// The request and the scope within; `None` for what is not sent.
    place: Option<(usize, usize)>,
}

fn plan<R: Records + ?Sized>(groups: &Groups, signal: Signal, records: &R, limits: RequestLimits) -> Plan {
    let mut plan = Plan::default();
    records.for_each_run(&mut |group, items, run| {
        if items == 0 || run.is_empty() {
            // No items are nothing to send (MODEL-32). Items without bytes cannot be sent, but are not forgotten.
            plan.too_large += items;
        } else if !plan.add(groups, group, items, run.len(), limits) {
            // The run does not fit whole: take it record by record.
            walk::for_each_record(signal, items, run, |items, len| {
                plan.add_record(groups, group, items, len, limits);
            });
        }
    });
    plan.layouts.retain(|layout| !layout.is_empty());
    plan
}

impl Plan {
    /// Puts bytes into the current request if the limits allow.
    fn add(
        &mut self,
        groups: &Groups,
        group: GroupId,
        items: u64,
        len: usize,
        limits: RequestLimits,
    ) -> bool {
        if self.layouts.is_empty() {
            self.layouts.push(Layout::default());
        }
        let current = self.layouts.len() - 1;
        let Some(scope) = self.layouts[current].add(groups, group, items, len, limits) else { return false };
        self.put(len, Some((current, scope)));
        true
    }

    /// Puts a record into the current request, or a new one; what does not even fit into that is not sent.
    fn add_record(&mut self, groups: &Groups, group: GroupId, items: u64, len: usize, limits: RequestLimits) {
        if items == 0 {
            return self.put(len, None);
        }
        // Alone in its request, a record may have more items than that: it cannot be split.
        let limits = RequestLimits { max_items: limits.max_items.max(items), ..limits };
        if !self.add(groups, group, items, len, limits) {
            self.layouts.push(Layout::default());
            if !self.add(groups, group, items, len, limits) {
                // The request so far is not closed: smaller records may still fit into it.
                self.layouts.pop();
                self.too_large += items;
                self.put(len, None);
            }
        }
    }

    fn put(&mut self, len: usize, place: Option<(usize, usize)>) {
        match self.pieces.last_mut() {
            Some(last) if last.place == place => last.len += len,
            _ => self.pieces.push(Piece { len, place }),
        }
    }
}
