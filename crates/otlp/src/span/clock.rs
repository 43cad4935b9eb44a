//! The clock of one span.
//!
//! Used by each recording span, and by adapters whose spans lie behind a lock: what time it is need not wait for that.

use crate::{Timestamp, clock};

/// The time as one span tells it: it never turns back behind the span's start, whatever the wall clock does meanwhile
/// (conformance SPAN-32). From [`Span::clock`](crate::Span::clock), and good after the span's end, too.
///
/// ```
/// # fn f(client: otlp::Client) {
/// let mut span = client.tracer("shop").start("answer");
/// if let Some(clock) = span.clock() {
///     let answered = std::thread::spawn(move || clock.now()).join();
///     span.end_at(answered.unwrap_or_else(|_| clock.now()));
/// }
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SpanClock {
    wall_at_origin: u64,
    start_unix_nano: u64,
}

impl SpanClock {
    /// Of a span that started then, by the offset that was measured last.
    pub(super) const fn new(wall_at_origin: u64, start_unix_nano: u64) -> Self {
        Self { wall_at_origin, start_unix_nano }
    }

    /// When the span started.
    #[must_use]
    #[inline]
    pub fn start(self) -> Timestamp {
        Timestamp::from_unix_nano(self.start_unix_nano)
    }

    /// Now.
    #[must_use]
    #[inline]
    pub fn now(self) -> Timestamp {
        Timestamp::from_unix_nano(clock::read_on(self.wall_at_origin).max(self.start_unix_nano))
    }
}
