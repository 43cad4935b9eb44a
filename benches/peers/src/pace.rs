//! How a peer without back-pressure is kept from losing anything: its producers sleep while too much is under way.
//!
//! Used in lossless mode by contenders whose own queue can't hold a producer back. What has left is counted by the
//! contender's exporter, which is wrapped for it. Never used for the client of this repository, whose queue blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts what was made and what has left.
#[derive(Debug)]
pub struct Pace {
    limit: Option<u64>,
    made: AtomicU64,
    left: Arc<AtomicU64>,
}

impl Pace {
    /// Lets at most three quarters of `queue` be under way; `None`: any number.
    #[must_use]
    pub fn new(queue: Option<u64>) -> Self {
        Self { limit: queue.map(|queue| queue / 4 * 3), made: AtomicU64::new(0), left: Arc::default() }
    }

    /// To be increased by whatever has left, delivered or not.
    #[must_use]
    pub fn left(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.left)
    }

    /// Tells that so many were made, and sleeps until there is room for more: 100 µs at a time, since spinning would take
    /// the CPU from the one who makes room.
    #[inline]
    pub fn made(&self, items: u64) {
        let Some(limit) = self.limit else { return };
        let made = self.made.fetch_add(items, Ordering::Relaxed) + items;
        while made.saturating_sub(self.left.load(Ordering::Relaxed)) > limit {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}
