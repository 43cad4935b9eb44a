//! A span's links, each a message in its record.

use super::SpanWriter;
use super::nested::Unfinished;
use crate::wire::buffer::{put_bytes, put_str, put_uint};
use crate::wire::span_head::{id_field, link_flags};
use crate::{SpanContext, ToKey, ToValue};

const LINK_TAG: u8 = 0x6a;

impl SpanWriter {
    /// Adds a link; beyond [`Limits::links`](crate::Limits::links) it is discarded and counted. A link whose context is invalid is kept if
    /// it has attributes or a trace state (conformance SPAN-18); otherwise it says nothing and is left out.
    pub fn add_link<K, V>(&mut self, context: &SpanContext, attributes: impl IntoIterator<Item = (K, V)>)
    where
        K: ToKey,
        V: ToValue,
    {
        self.put_link(context, attributes, 0);
    }

    /// As [`add_link`](Self::add_link), of a link that has lost `dropped` attributes before.
    pub fn put_link<K: ToKey, V: ToValue>(
        &mut self,
        context: &SpanContext,
        attributes: impl IntoIterator<Item = (K, V)>,
        dropped: u32,
    ) {
        if !self.live.recording {
            return;
        }
        let mut attributes = attributes.into_iter().peekable();
        if !is_link_kept(context, attributes.peek().is_some() || dropped > 0) {
            return;
        }
        if self.links >= self.limits.links {
            self.dropped_links = self.dropped_links.saturating_add(1);
            return;
        }
        let link = Unfinished::new(self);
        let body = link.writer.live.buffer.append(|bytes| {
            bytes.extend_from_slice(&[LINK_TAG, 0]);
            let body = bytes.len();
            if context.trace_id().is_valid() {
                put_bytes(bytes, 0x0a, context.trace_id().as_bytes());
            }
            if context.span_id().is_valid() {
                bytes.extend_from_slice(&id_field(0x12, context.span_id()));
            }
            put_str(bytes, 0x1a, context.trace_state().as_str());
            body
        });
        let max = link.writer.limits.attributes_per_link;
        let dropped = dropped.saturating_add(link.writer.put_inner::<0x22, _, _>(max, None, attributes));
        link.writer.live.buffer.append(|bytes| {
            put_uint(bytes, 0x28, dropped.into());
            bytes.push(0x35);
            bytes.extend_from_slice(&link_flags(context).to_le_bytes());
        });
        link.writer.links += 1;
        link.finish(body);
    }
}

/// Whether a link says anything: an invalid context without attributes, kept or dropped, does not (conformance SPAN-18).
pub(crate) fn is_link_kept(context: &SpanContext, had_attributes: bool) -> bool {
    context.is_valid() || had_attributes || !context.trace_state().is_empty()
}
