//! Where producers wait for room, blocked threads and futures alike.
//!
//! Used by the overflow policy that blocks. Room in bytes and room in items are announced at the same place, because
//! a producer cannot know which of the two it will get first. Costs one load where nobody waits.

use std::collections::BTreeMap;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Condvar, Mutex, lock};

/// The place.
///
/// No announcement is missed: a producer first enters (`waiters`), then tries to push, then waits for a generation
/// later than the one it read on entering. Whoever makes room does so first and reads `waiters` after. All of it is
/// sequentially consistent, so either the try sees the room or the announcer sees the waiter.
#[derive(Debug)]
pub(crate) struct Space {
    waiters: AtomicUsize,
    state: Mutex<State>,
    freed: Condvar,
}

impl Default for Space {
    fn default() -> Self {
        Self { waiters: AtomicUsize::new(0), state: Mutex::new(State::default()), freed: Condvar::new() }
    }
}

#[derive(Debug, Default)]
struct State {
    generation: u64,
    /// By place, the oldest first.
    wakers: BTreeMap<u64, Waker>,
    #[cfg(not(loom))]
    places: u64,
}

impl Space {
    /// Says that there may be room, or that waiting has no more sense.
    ///
    /// Wakes foreign wakers: to be called with no lock held.
    pub(crate) fn notify(&self) {
        if self.waiters.load(Ordering::SeqCst) == 0 {
            return;
        }
        let wakers = {
            let mut state = lock(&self.state);
            state.generation += 1;
            std::mem::take(&mut state.wakers)
        };
        self.freed.notify_all();
        for waker in wakers.into_values() {
            waker.wake();
        }
    }

    /// Enters; to be followed by one more try before waiting.
    pub(crate) fn enter(&self) -> Waiting<'_> {
        self.add_waiter();
        Waiting { space: self, generation: self.generation(), since: now() }
    }

    pub(crate) fn add_waiter(&self) {
        self.waiters.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn remove_waiter(&self) {
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn generation(&self) -> u64 {
        lock(&self.state).generation
    }

    /// Has `waker` woken at the next announcement; `false` when there was one after `generation`. A future has one place,
    /// `None` at first, and gives it back to [`forget`](Self::forget).
    #[cfg(not(loom))]
    pub(crate) fn register(&self, generation: u64, place: &mut Option<u64>, waker: &Waker) -> bool {
        let mut state = lock(&self.state);
        if state.generation != generation {
            return false;
        }
        let place = *place.get_or_insert_with(|| {
            state.places += 1;
            state.places
        });
        let before = match state.wakers.get(&place) {
            Some(known) if known.will_wake(waker) => None,
            _ => state.wakers.insert(place, waker.clone()),
        };
        // A waker that is dropped may drop a task, and that other futures which wait here: with no lock held.
        drop(state);
        drop(before);
        true
    }

    /// Wakes the future of this place no more, and does not keep its task.
    #[cfg(not(loom))]
    pub(crate) fn forget(&self, place: u64) {
        let waker = lock(&self.state).wakers.remove(&place);
        drop(waker);
    }
}

/// A thread that waits for room.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    space: &'a Space,
    generation: u64,
    since: Instant,
}

impl Waiting<'_> {
    /// Blocks until the next announcement; `false` when `timeout`, counted from entering, is over.
    pub(crate) fn wait(&mut self, timeout: Duration) -> bool {
        let mut state = lock(&self.space.state);
        while state.generation == self.generation {
            let Some(left) =
                timeout.checked_sub(now().duration_since(self.since)).filter(|left| !left.is_zero())
            else {
                return false;
            };
            let waited = self.space.freed.wait_timeout(state, left);
            state = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        self.generation = state.generation;
        true
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.space.remove_waiter();
    }
}

/// The one clock of the producers' side: only a thread that is about to block reads it.
#[expect(clippy::disallowed_methods, reason = "a blocked thread has no runtime whose clock it could use")]
fn now() -> Instant {
    Instant::now()
}
