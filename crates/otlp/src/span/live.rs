//! What a recording span owns: one buffer, which goes from span to span of its thread.
//!
//! Used by [`Span`](super::Span), which has none of it when it is not sampled, and by its draft. Decides nothing about sampling.

use super::clock::SpanClock;
use crate::context::TraceContext;
use crate::hook::StartedSpan;
use crate::runtime;
use crate::spare::{SPARE_BYTES, Spare};
use crate::tracer::{Plan, TracerInner};
use otlp_model::{KeyValue, Signal, SpanContext, SpanId, SpanKind, SpanWriter, ToValue};
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
    pub(super) clock: SpanClock,
    /// The parent of a span that is not settled; with the rest, so that a [`SpanDraft`](super::SpanDraft) is no more to move than
    /// a span.
    pub(super) parent: TraceContext,
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
        Some(Box::new(Self {
            writer: SpanWriter::default(),
            tracer: Arc::clone(tracer),
            clock: SpanClock::new(0, 0),
            parent: TraceContext::default(),
        }))
    }

    /// Begins the span with what is known of it.
    #[inline]
    pub(super) fn start(
        &mut self,
        context: &SpanContext,
        parent: Option<&SpanContext>,
        plan: &Plan<'_>,
        sampler_attributes: &[KeyValue],
    ) {
        let shared = &*self.tracer.shared;
        let now = shared.clock.read();
        let start = plan.start_unix_nano.unwrap_or(now.unix_nano);
        self.clock = SpanClock::new(now.wall_at_origin, start);
        let (parent_id, remote) = parent.map_or((SpanId::INVALID, false), |p| (p.span_id(), p.is_remote()));
        self.writer.start(&shared.limits, context, parent_id, remote, plan.name, plan.kind, start);
        if !plan.attributes.is_empty() || !plan.links.is_empty() || !sampler_attributes.is_empty() {
            self.put_known(plan, sampler_attributes);
        }
        if self.tracer.shared.hooks.has_span_hooks() {
            self.show(context, parent, plan.kind);
        }
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
