//! What may still change of a span that is begun: its place in the trace, its kind, whether it is there at all.
//!
//! Used for spans that learn of their parent when attributes are there already, as those of `tracing` do. A span whose parent
//! is known when it starts comes by none of this.

use super::SpanWriter;
use crate::wire::span_head::{complete, replace_identity, replace_kind};
use crate::{SpanContext, SpanId, SpanKind};

impl SpanWriter {
    /// Replaces what was said of the span's place at its [`start`](Self::start): for adapters, which may learn of the parent
    /// when attributes are there already.
    ///
    /// ```
    /// use otlp_model::{Limits, SpanContext, SpanId, SpanKind, SpanWriter, TraceFlags, TraceId, view::SpanView};
    /// let id = SpanId::from_bytes([2; 8]);
    /// let own = SpanContext::new(TraceId::from_bytes([1; 16]), id, TraceFlags::SAMPLED);
    /// let theirs = SpanContext::new(TraceId::from_bytes([7; 16]), id, TraceFlags::SAMPLED);
    /// let mut writer = SpanWriter::new();
    /// writer.start(&Limits::default(), &own, SpanId::INVALID, false, "GET", SpanKind::Internal, 1);
    /// writer.set_attribute("http.route", "/users".into());
    /// writer.set_identity(&theirs, SpanId::from_bytes([9; 8]), true);
    /// let view = SpanView::from_record(writer.finish(2))?;
    /// assert_eq!((view.trace_id, view.parent_is_remote()), (theirs.trace_id(), Some(true)));
    /// # Ok::<(), otlp_model::DecodeError>(())
    /// ```
    pub fn set_identity(&mut self, context: &SpanContext, parent_span_id: SpanId, parent_is_remote: bool) {
        if self.live.recording {
            let (old, len) = self.name;
            let new = replace_identity(&mut self.live, old, context, parent_span_id, parent_is_remote);
            self.name = (new, len);
        }
    }

    /// Replaces the kind.
    pub fn set_kind(&mut self, kind: SpanKind) {
        if self.live.recording {
            replace_kind(&mut self.live.buffer, kind);
        }
    }

    /// The record as far as it is written, without a status, an end and counts of what was discarded: for who has to look at
    /// a span before it is finished. Empty if none is being recorded.
    pub fn so_far(&mut self) -> &[u8] {
        if self.live.recording { complete(&mut self.live.buffer, 0) } else { &[] }
    }

    /// Gives up the span being recorded: as if it had never been begun.
    pub fn discard(&mut self) {
        self.live.end();
    }
}
