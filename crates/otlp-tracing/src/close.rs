//! The end of a span: when its last handle is gone, on whichever thread that is.

use crate::shared::SharedState;
use crate::state::asking;
use otlp::Key;
use std::sync::Arc;

/// How long the span was entered, in nanoseconds.
static BUSY: Key = Key::new("busy_ns");
/// How long it waited to be.
static IDLE: Key = Key::new("idle_ns");

/// Ends a span. It ended when it was left last: its handle may be kept for longer, by a child that outlives it, too.
pub(crate) fn close(shared: Arc<SharedState>) {
    let left = shared.left_at();
    let closed = shared.close(|state| {
        if left.is_none() {
            state.enter();
        }
        if let Some(activity) = state.activity.take() {
            let span = state.draft.span_mut();
            span.set_attribute(&BUSY, nanoseconds(activity.busy))
                .set_attribute(&IDLE, nanoseconds(activity.idle));
        }
        state.draft.span_mut().take_end()
    });
    // Given back before the record is written: what is shared waits for all that was written before.
    drop(shared);
    if let Some(Some(ending)) = closed {
        // Without a lock: what is told to do with each span may run.
        asking(|| match left {
            Some(left) => ending.end_at(left),
            None => ending.end(),
        });
    }
}

/// As OTLP has them, whose integers are signed.
fn nanoseconds(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
