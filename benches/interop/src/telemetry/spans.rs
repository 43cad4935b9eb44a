//! Spans with every field, with odd values, and with next to nothing.

use super::{PARENT_ID, SPAN_ID, TIME, TRACE_ID, attribute, every_kind_of_value, odd_values, text};
use otlp_model::proto::generated::trace::v1::span::{Event, Link};
use otlp_model::proto::generated::trace::v1::{Span, Status};

/// Sampled, and the context of the parent is known to be local or remote.
const SAMPLED: u32 = 0x101;
/// The same, with a remote parent.
const SAMPLED_REMOTE: u32 = 0x301;

pub(super) fn full() -> Vec<Span> {
    let event = |name: &str, offset, attributes, dropped_attributes_count| Event {
        time_unix_nano: TIME + offset,
        name: name.to_owned(),
        attributes,
        dropped_attributes_count,
    };
    let link = |span_id: [u8; 8], trace_state: &str, flags| Link {
        trace_id: TRACE_ID.iter().rev().copied().collect(),
        span_id: span_id.to_vec(),
        trace_state: trace_state.to_owned(),
        attributes: vec![attribute("link.kind", text("batch"))],
        dropped_attributes_count: 4,
        flags,
    };
    vec![Span {
        trace_state: "vendor=a:b,other@x=1".to_owned(),
        parent_span_id: PARENT_ID.to_vec(),
        flags: SAMPLED_REMOTE,
        kind: 2,
        end_time_unix_nano: TIME + 1_000_000_001,
        attributes: every_kind_of_value(),
        dropped_attributes_count: 1,
        events: vec![
            event("exception", 1, vec![attribute("exception.message", text("no such cart"))], 0),
            event("exhausted", 2, Vec::new(), 7),
        ],
        dropped_events_count: 2,
        links: vec![link(SPAN_ID, "", SAMPLED), link(PARENT_ID, "vendor=1", SAMPLED_REMOTE)],
        dropped_links_count: 3,
        status: Some(Status { message: "card declined: 余额不足".to_owned(), code: 2 }),
        ..span("POST /checkout", 1)
    }]
}

/// A span for each kind; a status that is fine; numbers that are none.
pub(super) fn odd() -> Vec<Span> {
    let mut odd: Vec<Span> = (1..=5).map(|kind| Span { kind, ..span("kind", 0x10 + kind as u8) }).collect();
    odd.push(Span { status: Some(Status { message: String::new(), code: 1 }), ..span("fine", 0x20) });
    // Without its sampled flag, as one has it who records what is not sampled.
    odd.push(Span { flags: 0x100, ..span("recorded only", 0x21) });
    odd.push(Span { attributes: odd_values(), ..span("values", 0x22) });
    odd
}

pub(super) fn few() -> Vec<Span> {
    vec![span("a", 0x30), span("an instant", 0x31)]
}

fn span(name: &str, number: u8) -> Span {
    let mut span_id = SPAN_ID.to_vec();
    span_id[0] = number;
    Span {
        trace_id: TRACE_ID.to_vec(),
        span_id,
        flags: SAMPLED,
        name: name.to_owned(),
        kind: 1,
        start_time_unix_nano: TIME,
        end_time_unix_nano: TIME,
        ..Span::default()
    }
}
