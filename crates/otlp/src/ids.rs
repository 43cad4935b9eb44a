//! Random trace and span ids from a generator per thread: no lock, no system call, never all zero.
//!
//! The generator has 64 bits of state, so two threads could run through the same numbers at different times. A second
//! word of randomness per thread, mixed into the upper half of every trace id, keeps their ids apart all the same.
//!
//! A fork copies the generator of the thread that forked, and would repeat its ids (conformance LIM-03). A third word, of
//! the client, keeps apart what parent and child draw: each has made its own client, or records nothing.

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
        Self { rng: Rng::new(), salt: random(0) | 1 }
    }

    /// The lower eight bytes are purely random, as samplers and the W3C random flag ask (conformance LIM-02).
    fn trace_id(&mut self, client: u64) -> TraceId {
        let (high, low) = (self.rng.u64(..) ^ self.salt ^ client, self.nonzero(client));
        TraceId::from_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
    }

    fn span_id(&mut self, client: u64) -> SpanId {
        SpanId::from_bytes(self.nonzero(client).to_be_bytes())
    }

    /// Zero comes up once in 2⁶⁴ draws; a range without it would cost a wide multiplication each time.
    #[inline]
    fn nonzero(&mut self, client: u64) -> u64 {
        loop {
            let drawn = self.rng.u64(..) ^ client;
            if drawn != 0 {
                return drawn;
            }
        }
    }
}

/// The word of a client made now. Forks of one process have the same randomness, but neither its number nor, once that is
/// used again, the time.
pub(crate) fn salt(now_unix_nano: u64) -> u64 {
    random(u128::from(now_unix_nano) << 64 | u128::from(std::process::id()))
}

/// A function of `of` that nobody can guess: its keys are those that the standard library draws from the operating system
/// for its hash maps.
fn random(of: u128) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(of)
}

thread_local! {
    /// The generator's state and the salt, which is odd: zero before the first use. Plain words need no destructor, so
    /// that they are there until the thread's very end, and reading them is a load.
    static IDS: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// A new trace id and span id, of the client with that word.
#[inline]
pub(crate) fn root(client: u64) -> (TraceId, SpanId) {
    with(|ids| (ids.trace_id(client), ids.span_id(client)))
}

/// A new span id, of the client with that word.
#[inline]
pub(crate) fn span_id(client: u64) -> SpanId {
    with(|ids| ids.span_id(client))
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
        let draw = || (0..2_000).map(|_| root(0)).collect::<Vec<_>>();
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
        assert_ne!(left.trace_id(0), right.trace_id(0));
    }

    #[test]
    fn two_clients_make_different_ids_from_the_same_numbers() {
        // conf: LIM-03
        let (one, other) = (salt(1), salt(2));
        let ids = || Ids { rng: Rng::with_seed(7), salt: 1 };
        assert_ne!(ids().trace_id(one), ids().trace_id(other));
        assert_ne!(ids().span_id(one), ids().span_id(other));
    }
}
