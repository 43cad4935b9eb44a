//! What a recording span owns: one buffer, which goes from span to span of its thread.
//!
//! Used by [`Span`](super::Span), which has none of it when it is not sampled, and by its draft. Decides nothing about sampling.

use crate::hook::StartedSpan;
use crate::runtime;
use crate::spare::{SPARE_BYTES, Spare};
use crate::tracer::{Plan, TracerInner};
use otlp_model::{KeyValue, Signal, SpanContext, SpanKind, SpanWriter, ToValue};
use std::sync::Arc;

thread_local! {
    static SPARE: Spare<Live> = const { Spare::new() };
}

/// Calls `say` with no spare buffer on this thread: a span that starts meanwhile is asked in [`Live::fresh`] whether it may.
pub(crate) fn without_spares(say: impl FnOnce()) {
    let spares = SPARE.try_with(Spare::lay_aside).unwrap_or_default();
    say();
    // Of a panic they are the price.
    let _ = SPARE.try_with(|spare| spares.into_iter().for_each(|live| spare.give(live)));
}

/// What a recording span holds. Recycled with its buffer; it keeps its tracer, so that spans of one tracer share no
/// reference count between threads.
pub(super) struct Live {
    pub(super) writer: SpanWriter,
    pub(super) tracer: Arc<TracerInner>,
    pub(super) wall_at_origin: u64,
    pub(super) start_unix_nano: u64,
}

impl Live {
    /// `None` where nothing may be recorded, see [`fresh`](Self::fresh).
    #[inline]
    pub(super) fn take(tracer: &Arc<TracerInner>) -> Option<Box<Self>> {
        match SPARE.try_with(Spare::take) {
            Ok(Some(mut live)) => {
                if !Arc::ptr_eq(&live.tracer, tracer) {
                    live.tracer = Arc::clone(tracer);
                }
                Some(live)
            }
            _ => Self::fresh(tracer),
        }
    }

    /// Telemetry about exporting would never end (conformance BATCH-26). It is noticed here, where it costs nothing: while the
    /// client tells of an export there are no spare buffers.
    #[cold]
    fn fresh(tracer: &Arc<TracerInner>) -> Option<Box<Self>> {
        if runtime::is_telling() {
            return None;
        }
        let writer = SpanWriter::default();
        Some(Box::new(Self { writer, tracer: Arc::clone(tracer), wall_at_origin: 0, start_unix_nano: 0 }))
    }

    /// Shows the span to the hooks.
    #[inline(never)]
    pub(super) fn show(&mut self, context: &SpanContext, parent: Option<&SpanContext>, kind: SpanKind) {
        self.tracer.shared.hooks.started(StartedSpan { writer: &mut self.writer, context, parent, kind });
    }

    /// What was said of the span before its start.
    #[inline(never)]
    pub(super) fn put_known(&mut self, plan: &Plan<'_>, sampler_attributes: &[KeyValue]) {
        for attribute in plan.attributes.iter().chain(sampler_attributes) {
            self.writer.set_attribute(&attribute.key, attribute.value.to_value());
        }
        for link in plan.links {
            self.writer
                .add_link(&link.context, link.attributes.iter().map(|a| (&*a.key, a.value.to_value())));
        }
    }

    #[inline]
    pub(super) fn now(&self) -> u64 {
        self.tracer.shared.clock.read_on(self.wall_at_origin).max(self.start_unix_nano)
    }

    #[inline]
    pub(super) fn end(mut self: Box<Self>, end_unix_nano: u64) {
        self.tracer.shared.push(Signal::Traces, self.tracer.group, self.writer.finish(end_unix_nano));
        if self.writer.has_dropped() {
            self.tracer.shared.limited(Signal::Traces);
        }
        self.give_back();
    }

    /// Leaves its memory to the next span.
    #[inline]
    pub(super) fn give_back(mut self: Box<Self>) {
        if self.writer.capacity() > SPARE_BYTES {
            self.writer.shrink_to(SPARE_BYTES);
        }
        // While the thread is being torn down there is nowhere to put it, and it is freed.
        let _ = SPARE.try_with(|spare| spare.give(self));
    }
}
