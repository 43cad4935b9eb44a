//! How a request is recognised on its way: by the span that comes first in it, and by the number of an attempt.
//!
//! Written by assemble and retry, read by observers, for people who look for something in a log. Decides nothing.

use crate::{Body, Signal, SpanId};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a request, its parts and its attempts have in common. Cloning counts a reference; clones count together.
///
/// ```
/// use otlp_model::{ExportRequest, Signal};
/// let request = ExportRequest::new(Signal::Traces, 0, bytes::Bytes::new());
/// let mut first = request.clone();
/// first.begin_attempt();
/// assert_eq!((first.trail().attempt(), request.trail().attempt()), (1, 1));
/// request.clone().begin_attempt();
/// assert_eq!((first.trail().attempt(), request.trail().attempt()), (1, 2));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Trail {
    first: SpanId,
    begun: Arc<AtomicU32>,
    own: Option<u32>,
}

impl Trail {
    /// The id of the first span in the request, or of the span that its first log record belongs to. `None` if there is none:
    /// metrics have none, nor has a request that was not assembled by [`assemble`](crate::assemble()).
    #[must_use]
    pub fn first_span_id(&self) -> Option<SpanId> {
        self.first.is_valid().then_some(self.first)
    }

    /// Which attempt this is, from 1 on; of a request above retry, how many there were so far.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.own.unwrap_or_else(|| self.begun.load(Ordering::Relaxed))
    }

    pub(crate) fn begin_attempt(&mut self) {
        self.own = Some(self.begun.fetch_add(1, Ordering::Relaxed).saturating_add(1));
    }

    /// With the first span of this body, uncompressed protobuf.
    pub(crate) fn with_first(self, signal: Signal, body: &Body) -> Self {
        Self { first: first_span_id(signal, body).unwrap_or_default(), ..self }
    }
}

/// Reads no more than the headers, and the first record up to the id. What is malformed has none.
fn first_span_id(signal: Signal, body: &Body) -> Option<SpanId> {
    // Request, resource, scope: the fields that lead down to the first record; and the id's in there.
    const WAY: [u64; 3] = [1, 2, 2];
    let id = match signal {
        Signal::Traces => 2,
        Signal::Logs => 10,
        Signal::Metrics => return None,
    };
    let mut cursor = Cursor { slices: body.slices(), position: 0, offset: 0 };
    let (mut depth, mut end) = (0, body.len() as u64);
    while cursor.offset < end {
        let tag = cursor.varint()?;
        let len = match tag & 7 {
            0 => {
                cursor.varint()?;
                continue;
            }
            1 => 8,
            2 => cursor.varint()?,
            5 => 4,
            _ => return None,
        };
        match WAY.get(depth) {
            Some(field) if tag == field << 3 | 2 => {
                depth += 1;
                end = end.min(cursor.offset.checked_add(len)?);
            }
            None if tag == id << 3 | 2 && len == 8 => {
                let mut bytes = [0; 8];
                for byte in &mut bytes {
                    *byte = cursor.byte()?;
                }
                return Some(SpanId::from_bytes(bytes));
            }
            _ => cursor.skip(len)?,
        }
    }
    None
}

/// A place in a body.
struct Cursor<'a> {
    slices: &'a [Bytes],
    /// In the first slice.
    position: usize,
    /// From the begin of the body.
    offset: u64,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.slices.first()?.get(self.position)?;
        self.skip(1)?;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// `None` beyond the end.
    fn skip(&mut self, count: u64) -> Option<()> {
        self.offset = self.offset.checked_add(count)?;
        let mut position = self.position.checked_add(usize::try_from(count).ok()?)?;
        while let Some(slice) = self.slices.first()
            && position >= slice.len()
        {
            position -= slice.len();
            self.slices = self.slices.get(1..)?;
        }
        self.position = position;
        (position == 0 || !self.slices.is_empty()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AnyValue, Groups, InstrumentationScope, Limits, LogRecord, RequestLimits, Resource, SpanContext,
        SpanData, TraceFlags, TraceId, assemble,
    };
    use proptest::prelude::*;

    fn context(id: u8) -> SpanContext {
        SpanContext::new(TraceId::from_bytes([9; 16]), SpanId::from_bytes([id; 8]), TraceFlags::SAMPLED)
    }

    #[test]
    fn a_request_is_known_by_its_first_span() {
        let groups = Groups::new();
        let resource = Resource::new().with("service.name", AnyValue::from("shop"));
        let group = groups.register(&resource, &InstrumentationScope::new("scope"));
        let span = |id| SpanData::new(context(id), "GET", 1, 2).to_record(group, &Limits::default());
        let requests =
            assemble(&groups, Signal::Traces, &vec![span(7), span(8)], RequestLimits::default()).requests;
        assert_eq!(requests[0].trail().first_span_id(), Some(SpanId::from_bytes([7; 8])));
        let (_, back) = requests[0].split().unwrap();
        assert_eq!(back.trail().first_span_id(), Some(SpanId::from_bytes([7; 8])), "that of the whole");
    }

    #[test]
    fn a_log_record_without_a_span_does_not_borrow_the_next_ones() {
        let groups = Groups::new();
        let group = groups.register(&Resource::new(), &InstrumentationScope::new("scope"));
        let record = |log: LogRecord| log.to_record(group, &Limits::default());
        let with = LogRecord {
            trace_id: context(3).trace_id(),
            span_id: context(3).span_id(),
            ..LogRecord::default()
        };
        let first = |records: Vec<_>| {
            let requests = assemble(&groups, Signal::Logs, &records, RequestLimits::default()).requests;
            requests[0].trail().first_span_id()
        };
        let without = LogRecord { body: Some(AnyValue::from("text")), ..LogRecord::default() };
        assert_eq!(first(vec![record(with.clone())]), Some(SpanId::from_bytes([3; 8])));
        assert_eq!(first(vec![record(without), record(with)]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_slices_are_read_without_harm(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..20)) {
            let cut: Body = pieces.iter().map(|piece| Bytes::from(piece.clone())).collect();
            let whole = Body::from(cut.to_bytes());
            for signal in Signal::ALL {
                prop_assert_eq!(first_span_id(signal, &cut), first_span_id(signal, &whole));
            }
        }
    }
}
