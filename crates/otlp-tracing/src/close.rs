//! The end of a span: when its last handle is gone, on whichever thread that is.

use crate::state::{SpanState, asking};
use otlp::ValueRef;

/// How long the span was entered, in nanoseconds.
const BUSY: &str = "busy_ns";
/// How long it waited to be.
const IDLE: &str = "idle_ns";

/// Ends a span, which nobody else can reach any more. It ended when it was left last: its handle may be kept for longer, by a
/// child that outlives it, too.
pub(crate) fn close(mut state: SpanState) {
    if !state.draft.is_settled() {
        asking(|| state.draft.settle());
    }
    let left = state.left_at();
    if let Some(mut activity) = state.activity {
        if let Some(now) = left.is_none().then(|| state.now()).flatten() {
            activity.enter(now);
        }
        let span = state.draft.span_mut();
        span.set_attribute(BUSY, ValueRef::Uint(activity.busy))
            .set_attribute(IDLE, ValueRef::Uint(activity.idle));
    }
    let span = state.draft.span_mut();
    asking(|| match left {
        Some(left) => span.end_at(left),
        None => span.end(),
    });
}
