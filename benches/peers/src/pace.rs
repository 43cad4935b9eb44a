//! How a peer without back-pressure is kept from losing anything: its producers wait while too much is under way.
//!
//! Used in lossless mode by contenders whose own queue can't hold a producer back. What has left is told by the
//! contender's exporter, which is wrapped for it, and wakes the producers: nobody polls, since that would be charged to the
//! contender. Never used for the client of this repository, whose queue blocks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Counts what was made, and holds its producers back.
#[derive(Debug)]
pub struct Pace {
    limit: Option<u64>,
    made: AtomicU64,
    left: Arc<Left>,
}

/// Counts what has left.
#[derive(Debug, Default)]
pub struct Left {
    items: AtomicU64,
    lock: Mutex<()>,
    more: Condvar,
}

impl Pace {
    /// Lets at most three quarters of `queue` be under way; `None`: any number.
    #[must_use]
    pub fn new(queue: Option<u64>) -> Self {
        Self { limit: queue.map(|queue| queue / 4 * 3), made: AtomicU64::new(0), left: Arc::default() }
    }

    /// For whoever sends.
    #[must_use]
    pub fn left(&self) -> Arc<Left> {
        Arc::clone(&self.left)
    }

    /// Tells that so many were made, and waits until there is room for more.
    #[inline]
    pub fn made(&self, items: u64) {
        let Some(limit) = self.limit else { return };
        let made = self.made.fetch_add(items, Ordering::Relaxed) + items;
        if made.saturating_sub(self.left.items()) > limit {
            self.left.wait_for(made - limit);
        }
    }
}

impl Left {
    /// How many have left.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.items.load(Ordering::Relaxed)
    }

    /// Tells that so many have left, delivered or not.
    pub fn add(&self, items: u64) {
        // Under the lock, or a producer that is about to wait would miss it.
        let _held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.items.fetch_add(items, Ordering::Relaxed);
        self.more.notify_all();
    }

    #[cold]
    fn wait_for(&self, items: u64) {
        let held = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.more.wait_while(held, |()| self.items() < items);
        drop(waited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_are_never_ahead_by_more_than_the_limit() {
        let pace = Pace::new(Some(40));
        let left = pace.left();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..1000).for_each(|_| left.add(10)));
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..500 {
                        pace.made(10);
                        // Each of the two may have announced ten that the other does not wait for.
                        assert!(
                            pace.made.load(Ordering::Relaxed).saturating_sub(left.items()) <= 30 + 10 + 10
                        );
                    }
                });
            }
        });
        assert_eq!(left.items(), 10_000);
    }
}
