//! Spans.

use super::common::attributes;
use super::generated::trace::v1 as proto;
use super::{ConvertError, convert_all, into_all, optional, span_id, trace_id};
use crate::wire::{REMOTE, is_link_kept, link_flags, span_flags};
use crate::{Event, Link, SpanContext, SpanData, SpanKind, Status, StatusCode, TraceFlags, TraceState};

impl From<SpanData> for proto::Span {
    fn from(span: SpanData) -> Self {
        let (attributes, discarded) = attributes(&span.attributes);
        let said = |link: &Link| !link.attributes.is_empty() || link.dropped_attributes_count > 0;
        let links = span.links.into_iter().filter(|link| is_link_kept(&link.context, said(link)));
        Self {
            trace_id: span.context.trace_id().as_bytes().to_vec(),
            span_id: span.context.span_id().as_bytes().to_vec(),
            trace_state: span.context.trace_state().as_str().to_owned(),
            parent_span_id: optional(span.parent_span_id.is_valid(), span.parent_span_id.as_bytes()),
            flags: span_flags(&span.context, span.parent_span_id, span.parent_is_remote),
            name: span.name.into_owned(),
            kind: span.kind as i32,
            start_time_unix_nano: span.start_time_unix_nano,
            end_time_unix_nano: span.end_time_unix_nano,
            attributes,
            dropped_attributes_count: span.dropped_attributes_count.saturating_add(discarded),
            events: into_all(span.events),
            dropped_events_count: span.dropped_events_count,
            links: links.map(proto::span::Link::from).collect(),
            dropped_links_count: span.dropped_links_count,
            status: (span.status.code != StatusCode::Unset).then(|| span.status.into()),
        }
    }
}

impl From<Event> for proto::span::Event {
    fn from(event: Event) -> Self {
        let (attributes, discarded) = attributes(&event.attributes);
        Self {
            time_unix_nano: event.time_unix_nano,
            name: event.name.into_owned(),
            attributes,
            dropped_attributes_count: event.dropped_attributes_count.saturating_add(discarded),
        }
    }
}

impl From<Link> for proto::span::Link {
    fn from(link: Link) -> Self {
        let (attributes, discarded) = attributes(&link.attributes);
        let (trace_id, span_id) = (link.context.trace_id(), link.context.span_id());
        Self {
            trace_id: optional(trace_id.is_valid(), trace_id.as_bytes()),
            span_id: optional(span_id.is_valid(), span_id.as_bytes()),
            trace_state: link.context.trace_state().as_str().to_owned(),
            attributes,
            dropped_attributes_count: link.dropped_attributes_count.saturating_add(discarded),
            flags: link_flags(&link.context),
        }
    }
}

impl From<Status> for proto::Status {
    fn from(status: Status) -> Self {
        let described = status.code == StatusCode::Error;
        let message = if described { status.description.into_owned() } else { String::new() };
        Self { message, code: status.code as i32 }
    }
}

impl TryFrom<proto::Span> for SpanData {
    type Error = ConvertError;

    /// An unspecified kind is internal. Of the flags word, the reserved bits are not kept (conformance MODEL-06).
    fn try_from(span: proto::Span) -> Result<Self, ConvertError> {
        Ok(Self {
            context: context(&span.trace_id, &span.span_id, &span.trace_state, span.flags)?,
            parent_span_id: span_id("parent_span_id", &span.parent_span_id)?,
            parent_is_remote: span.flags & REMOTE != 0,
            name: span.name.into(),
            kind: kind(span.kind)?,
            start_time_unix_nano: span.start_time_unix_nano,
            end_time_unix_nano: span.end_time_unix_nano,
            attributes: into_all(span.attributes),
            dropped_attributes_count: span.dropped_attributes_count,
            events: into_all(span.events),
            dropped_events_count: span.dropped_events_count,
            links: convert_all(span.links)?,
            dropped_links_count: span.dropped_links_count,
            status: span.status.map(Status::try_from).transpose()?.unwrap_or_default(),
        })
    }
}

impl From<proto::span::Event> for Event {
    fn from(event: proto::span::Event) -> Self {
        Self {
            name: event.name.into(),
            time_unix_nano: event.time_unix_nano,
            attributes: into_all(event.attributes),
            dropped_attributes_count: event.dropped_attributes_count,
        }
    }
}

impl TryFrom<proto::span::Link> for Link {
    type Error = ConvertError;

    fn try_from(link: proto::span::Link) -> Result<Self, ConvertError> {
        let context = context(&link.trace_id, &link.span_id, &link.trace_state, link.flags)?;
        Ok(Self {
            context: context.with_remote(link.flags & REMOTE != 0),
            attributes: into_all(link.attributes),
            dropped_attributes_count: link.dropped_attributes_count,
        })
    }
}

impl TryFrom<proto::Status> for Status {
    type Error = ConvertError;

    fn try_from(status: proto::Status) -> Result<Self, ConvertError> {
        let code = match status.code {
            0 => StatusCode::Unset,
            1 => StatusCode::Ok,
            2 => StatusCode::Error,
            code => return Err(ConvertError::new("status.code", format!("{code} is no status code"))),
        };
        Ok(Self { code, description: status.message.into() })
    }
}

/// A local context.
fn context(trace: &[u8], span: &[u8], state: &str, flags: u32) -> Result<SpanContext, ConvertError> {
    let state =
        TraceState::parse(state).map_err(|error| ConvertError::new("trace_state", error.to_string()))?;
    // The W3C flags are the low byte (MODEL-06).
    let flags = TraceFlags::from_bits((flags & 0xff) as u8);
    Ok(SpanContext::new(trace_id(trace)?, span_id("span_id", span)?, flags).with_trace_state(state))
}

fn kind(kind: i32) -> Result<SpanKind, ConvertError> {
    match kind {
        0 | 1 => Ok(SpanKind::Internal),
        2 => Ok(SpanKind::Server),
        3 => Ok(SpanKind::Client),
        4 => Ok(SpanKind::Producer),
        5 => Ok(SpanKind::Consumer),
        kind => Err(ConvertError::new("kind", format!("{kind} is no span kind"))),
    }
}
