//! Typed spans on the wire, through the same writer as live ones.

use super::SpanWriter;
use crate::{GroupId, KeyValue, Limits, Record, SpanData};
use std::borrow::Cow;

/// Appends a span to `out` as one record.
///
/// Ids are written as they are: that they are valid (`span.context.is_valid()`) is for the caller to see to.
///
/// ```
/// use otlp_model::{Limits, SpanContext, SpanData, SpanId, TraceFlags, TraceId, encode_span};
/// let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
/// let mut records = Vec::new();
/// encode_span(&SpanData::new(context, "GET", 1_000, 2_000), &Limits::default(), &mut records);
/// assert_eq!(usize::from(records[1]), records.len() - 2);
/// ```
pub fn encode_span(span: &SpanData, limits: &Limits, out: &mut Vec<u8>) {
    out.extend_from_slice(SpanWriter::new().encode(span, limits));
}

impl SpanWriter {
    /// Writes a whole span and returns its record, as [`finish`](Self::finish) does. Many spans need no new buffer
    /// each: keep the writer.
    ///
    /// ```
    /// # use otlp_model::{Limits, SpanContext, SpanData, SpanWriter};
    /// let mut writer = SpanWriter::new();
    /// for name in ["a", "b"] {
    ///     let record = writer.encode(&SpanData::new(SpanContext::default(), name, 1, 2), &Limits::default());
    ///     assert_eq!(record[0], 0x12);
    /// }
    /// ```
    pub fn encode(&mut self, span: &SpanData, limits: &Limits) -> &[u8] {
        let SpanData { context, parent_span_id, parent_is_remote, name, kind, .. } = span;
        self.start(
            limits,
            context,
            *parent_span_id,
            *parent_is_remote,
            name,
            *kind,
            span.start_time_unix_nano,
        );
        for attribute in &span.attributes {
            self.set_attribute(&attribute.key, (&attribute.value).into());
        }
        for event in &span.events {
            let dropped = event.dropped_attributes_count;
            self.put_event(&event.name, event.time_unix_nano, pairs(&event.attributes), dropped);
        }
        for link in &span.links {
            self.put_link(&link.context, pairs(&link.attributes), link.dropped_attributes_count);
        }
        self.add_dropped(span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count);
        self.set_status(span.status.code, &span.status.description);
        self.finish(span.end_time_unix_nano)
    }
}

impl SpanData {
    /// This span as a record of `group`.
    ///
    /// ```
    /// # use otlp_model::{GroupId, Limits, SpanContext, SpanData};
    /// let span = SpanData::new(SpanContext::default(), "GET", 1_000, 2_000);
    /// assert_eq!(span.to_record(GroupId(0), &Limits::default()).items, 1);
    /// ```
    #[must_use]
    pub fn to_record(&self, group: GroupId, limits: &Limits) -> Record {
        let mut bytes = Vec::new();
        encode_span(self, limits, &mut bytes);
        Record { group, items: 1, bytes: bytes.into() }
    }
}

fn pairs(attributes: &[KeyValue]) -> impl Iterator<Item = (&Cow<'static, str>, &crate::AnyValue)> {
    attributes.iter().map(|attribute| (&attribute.key, &attribute.value))
}
