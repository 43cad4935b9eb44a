//! The end of a span apart from the span: for adapters whose spans lie behind a lock, under which nothing may wait for a queue.

use super::Live;
use crate::Timestamp;
use std::fmt;

/// The end of a span, still to come; made by [`Span::take_end`](crate::Span::take_end). Dropped, the span ends then.
#[must_use = "the span ends when this is dropped"]
pub struct SpanEnd(pub(super) Option<Box<Live>>);

impl SpanEnd {
    /// Ends the span now, as [`Span::end`](crate::Span::end).
    pub fn end(self) {}

    /// Ends the span as of `time`, as [`Span::end_at`](crate::Span::end_at).
    #[inline]
    pub fn end_at(mut self, time: impl Into<Timestamp>) {
        if let Some(live) = self.0.take() {
            live.end(time.into().unix_nano());
        }
    }
}

impl Drop for SpanEnd {
    fn drop(&mut self) {
        if let Some(live) = self.0.take() {
            let end = live.clock.now();
            live.end(end.unix_nano());
        }
    }
}

impl fmt::Debug for SpanEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanEnd").finish_non_exhaustive()
    }
}
