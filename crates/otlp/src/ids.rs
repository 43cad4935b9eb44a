//! Random trace and span ids from a generator per thread: no lock, no system call, never all zero.
//!
//! The generator has 64 bits of state, so two threads could run through the same numbers at different times. A second
//! word of randomness per thread, mixed into the upper half of every trace id, keeps their ids apart all the same.

use fastrand::Rng;
use otlp_model::{SpanId, TraceId};
use std::cell::Cell;

struct Ids {
    rng: Rng,
    salt: u64,
}

impl Ids {
    #[cold]
    fn new() -> Self {
        // Each `Rng::new` takes its own seed from the thread's generator; the salt from an unrelated one.
        Self { rng: Rng::new(), salt: seed() | 1 }
    }

    /// The lower eight bytes are purely random, as samplers and the W3C random flag ask (conformance LIM-02).
    fn trace_id(&mut self) -> TraceId {
        let (high, low) = (self.rng.u64(..) ^ self.salt, self.nonzero());
        TraceId::from_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
    }

    fn span_id(&mut self) -> SpanId {
        SpanId::from_bytes(self.nonzero().to_be_bytes())
    }

    /// Zero comes up once in 2⁶⁴ draws; a range without it would cost a wide multiplication each time.
    #[inline]
    fn nonzero(&mut self) -> u64 {
        loop {
            let drawn = self.rng.u64(..);
            if drawn != 0 {
                return drawn;
            }
        }
    }
}

/// Randomness from the keys that the standard library draws from the operating system for its hash maps.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0u8)
}

thread_local! {
    /// The generator's state and the salt, which is odd: zero before the first use. Plain words need no destructor, so
    /// that they are there until the thread's very end, and reading them is a load.
    static IDS: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// A new trace id and span id.
#[inline]
pub(crate) fn root() -> (TraceId, SpanId) {
    with(|ids| (ids.trace_id(), ids.span_id()))
}

/// A new span id.
#[inline]
pub(crate) fn span_id() -> SpanId {
    with(Ids::span_id)
}

#[inline]
fn with<R>(draw: impl FnOnce(&mut Ids) -> R) -> R {
    IDS.with(|cell| {
        let (state, salt) = cell.get();
        let mut ids = if salt == 0 { Ids::new() } else { Ids { rng: Rng::with_seed(state), salt } };
        let drawn = draw(&mut ids);
        cell.set((ids.rng.get_seed(), ids.salt));
        drawn
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_valid_and_differ_within_and_between_threads() {
        // conf: LIM-01, LIM-03
        let draw = || (0..2_000).map(|_| root()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let all: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert!(all.iter().all(|(trace, span)| trace.is_valid() && span.is_valid()));
        assert_eq!(all.iter().map(|(trace, _)| trace).collect::<HashSet<_>>().len(), all.len());
        assert_eq!(all.iter().map(|(_, span)| span).collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn two_generators_in_the_same_state_still_make_different_trace_ids() {
        let mut left = Ids { rng: Rng::with_seed(7), salt: Ids::new().salt };
        let mut right = Ids { rng: Rng::with_seed(7), salt: Ids::new().salt };
        assert_ne!(left.trace_id(), right.trace_id());
    }
}
