//! The stock: chunks whose pages the system has provided, so that no producer waits for that while it writes a record.
//!
//! A page that is touched for the first time costs its thread some 2 µs, an allocation as much, and both ten times that where
//! the processor was asleep before. So the worker does it ahead, on its own thread. It is told by the producer that takes
//! one of the last, once: for what is taken meanwhile it is told again. With a receiver that answers it is hardly ever told:
//! chunks come back.

use std::time::{Duration, Instant};

use super::{ChunkPool, PoolConfig, State};
use crate::memory::Memory;
use crate::sync::lock;

/// What there is after the worker has seen to it, in bytes and in chunks.
const STOCK: usize = 1024 * 1024;
const STOCK_CHUNKS: usize = 16;

/// The time between two stocks. Producers that are faster than that, 20 MiB/s, allocate for themselves. There is a reason not
/// to help them: what the worker's thread has allocated, an allocator with a heap for each thread does not use for others once
/// it was freed.
const STOCK_EVERY: Duration = Duration::from_millis(50);

/// The worker is told when less than this part is left: what producers fill while it wakes up.
const LOW_PART: usize = 4;

/// What is known of the chunks that are ready for producers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stock {
    /// Nobody has them ready: the queue's consumer is not a worker.
    Nobodys,
    Enough,
    /// The worker was told that little is left, and has not changed that yet.
    Low,
}

/// How many chunks are a stock.
fn stock(config: &PoolConfig) -> usize {
    (STOCK / config.chunk_size).clamp(1, STOCK_CHUNKS)
}

impl State {
    /// Whether the worker is to be told that little is left, now that a chunk was taken; says so once.
    pub(super) fn is_low(&mut self, config: &PoolConfig) -> bool {
        let is_news = self.stock == Stock::Enough && self.idle.provided() < (stock(config) / LOW_PART).max(1);
        if is_news {
            self.stock = Stock::Low;
        }
        is_news
    }
}

impl ChunkPool {
    /// If producers have told that little is ready: has chunks ready whose pages the system has provided, so that none of
    /// them waits for that while it writes a record. Takes those that nobody has written to, then new ones, under the cap.
    /// Called by the worker when it has nothing else to do; the time at which it is to be called again, if there is one.
    pub(crate) fn stock(&self, now: Instant) -> Option<Instant> {
        let config = &self.shared.config;
        let stock = stock(config);
        {
            let mut state = lock(&self.shared.state);
            if state.stock != Stock::Low {
                state.stock = Stock::Enough;
                return None;
            }
            let has_untouched = state.idle.provided() < state.idle.len();
            if !has_untouched && state.held + config.chunk_size > config.max_size {
                // Calls that end make room, and wake the worker.
                return None;
            }
            let next = state.stocked.map_or(now, |last| last + STOCK_EVERY);
            if next > now {
                return Some(next);
            }
            (state.stock, state.stocked) = (Stock::Enough, Some(now));
        }
        let mut freed = Vec::new();
        // No more at once: what producers take meanwhile they tell again.
        for _ in 0..stock {
            let untouched = {
                let mut state = lock(&self.shared.state);
                if state.deserted || state.idle.provided() >= stock {
                    break;
                }
                let untouched = state.idle.pop_untouched();
                if untouched.is_none() {
                    if state.held + config.chunk_size > config.max_size {
                        break;
                    }
                    state.held += config.chunk_size;
                }
                untouched
            };
            let mut memory = untouched.unwrap_or_else(|| Memory::allocate(config.chunk_size));
            memory.touch();
            lock(&self.shared.state).give_back(memory, config, &mut freed);
        }
        // Who looked for room meanwhile did not find what was not there yet.
        self.shared.space.notify();
        None
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn provided(pool: &ChunkPool) -> usize {
        lock(&pool.shared.state).idle.provided()
    }

    #[test]
    fn the_worker_is_told_once_that_little_is_ready_and_provides_a_stock() {
        let config = PoolConfig { initial_size: 8 * 1024, chunk_size: 1024, ..PoolConfig::default() };
        let (pool, begin) = (ChunkPool::new(config).unwrap(), now());
        let take = || pool.chunk(1).unwrap();
        assert_eq!(pool.stock(begin), None);
        assert_eq!(provided(&pool), 0, "nobody has needed any");
        let mut taken = vec![take(), take()];
        assert_eq!([taken[0].1, taken[1].1], [true, false]);
        assert_eq!(pool.stock(begin), None);
        // What lay there untouched, and as many more as are missing.
        assert_eq!((provided(&pool), pool.held_bytes()), (STOCK_CHUNKS, (2 + STOCK_CHUNKS) * 1024));
        taken.extend(std::iter::repeat_with(take).take(14));
        assert_eq!(taken.iter().rposition(|(_, tell)| *tell), Some(14), "when fewer than a quarter are left");
        assert_eq!(pool.stock(begin), Some(begin + STOCK_EVERY));
        assert_eq!(provided(&pool), 2);
        assert_eq!(pool.stock(begin + STOCK_EVERY), None);
        assert_eq!(provided(&pool), STOCK_CHUNKS);
    }

    /// A consumer that is no worker has asked for no such waking.
    #[test]
    fn nobody_is_told_before_there_was_a_worker() {
        let pool = ChunkPool::new(PoolConfig::default()).unwrap();
        assert!(!pool.chunk(1).unwrap().1);
        assert_eq!(pool.stock(now()), None);
        assert!(pool.chunk(1).unwrap().1);
    }

    #[test]
    fn the_stock_keeps_to_the_cap_and_makes_way() {
        let config =
            PoolConfig { initial_size: 0, chunk_size: 1024, max_size: 4096, ..PoolConfig::default() };
        let (pool, begin) = (ChunkPool::new(config).unwrap(), now());
        assert_eq!(pool.stock(begin), None);
        let permit = pool.reserve(2 * 1024).unwrap();
        let (_first, tell) = pool.chunk(1).unwrap();
        assert_eq!((tell, pool.stock(begin)), (true, None));
        assert_eq!((provided(&pool), pool.held_bytes()), (1, 4096));
        // Where there is no room the worker, told once, looks again when something else wakes it.
        let (_second, tell) = pool.chunk(1).unwrap();
        assert_eq!((tell, pool.stock(begin)), (true, None));
        drop(permit);
        assert_eq!(pool.stock(begin), Some(begin + STOCK_EVERY));
        let (_third, tell) = pool.chunk(1).unwrap();
        assert_eq!((tell, pool.stock(begin + STOCK_EVERY)), (false, None));
        assert_eq!((provided(&pool), pool.held_bytes()), (1, 4096));
        assert!(pool.reserve(1024).is_some());
    }

    /// Chunks that are large have a stock of one.
    #[test]
    fn a_stock_is_a_matter_of_bytes() {
        let stock = |chunk_size| stock(&PoolConfig { chunk_size, ..PoolConfig::default() });
        assert_eq!([64 << 10, 256 << 10, 1 << 20, 64 << 20].map(stock), [16, 4, 1, 1]);
    }
}
