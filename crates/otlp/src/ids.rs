//! Random trace and span ids from a generator per thread: no lock, no system call, never all zero.
//!
//! The generator has 64 bits of state, so two threads could run through the same numbers at different times. A second
//! 64 bits of randomness per thread, mixed into the upper half of every trace id, keeps their ids apart all the same.

use fastrand::Rng;
use otlp_model::{SpanId, TraceId};
use std::cell::RefCell;

struct Ids {
    rng: Rng,
    salt: u64,
}

impl Ids {
    fn new() -> Self {
        // Each `Rng::new` takes its own seed from the thread's generator; the salt from an unrelated one.
        Self { rng: Rng::new(), salt: seed() }
    }

    /// The lower eight bytes are purely random, as samplers and the W3C random flag ask (conformance LIM-02).
    fn trace_id(&mut self) -> TraceId {
        let (high, low) = (self.rng.u64(..) ^ self.salt, self.rng.u64(1..));
        TraceId::from_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
    }

    fn span_id(&mut self) -> SpanId {
        SpanId::from_bytes(self.rng.u64(1..).to_be_bytes())
    }
}

/// Randomness from the keys that the standard library draws from the operating system for its hash maps.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0u8)
}

thread_local! {
    static IDS: RefCell<Ids> = RefCell::new(Ids::new());
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

fn with<R>(mut draw: impl FnMut(&mut Ids) -> R) -> R {
    // While the thread is being torn down its generator may be gone: draw from a fresh one.
    match IDS.try_with(|ids| ids.try_borrow_mut().ok().map(|mut ids| draw(&mut ids))) {
        Ok(Some(drawn)) => drawn,
        Ok(None) | Err(_) => draw(&mut Ids::new()),
    }
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
        let mut left = Ids { rng: Rng::with_seed(7), salt: seed() };
        let mut right = Ids { rng: Rng::with_seed(7), salt: seed() };
        assert_ne!(left.trace_id(), right.trace_id());
    }
}
