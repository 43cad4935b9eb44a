//! The memory of a client's queues: recycled chunks of bytes under one hard cap.
//!
//! Shared by every queue of a client, so that the cap holds for all signals together. Knows nothing about records;
//! never blocks, and never accounts for more than its cap.

mod config;
mod idle;
mod membership;
mod space;
mod stock;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use config::PoolConfig;
pub(crate) use membership::Membership;
pub(crate) use space::Space;

use crate::chunk::Chunk;
use crate::config::ConfigError;
use crate::memory::{HEADER, Memory};
use crate::sync::{Mutex, lock};
use idle::Idle;
use stock::Stock;

/// The time between two adjustments of the pool's size.
pub(crate) const TEND_EVERY: Duration = Duration::from_secs(1);

/// Recycled chunks of bytes under a hard cap. Clones share the same memory.
///
/// The cap covers the chunks of all queues built on the pool, the chunks of batches in flight and of request bodies that
/// share their records (once these are gone: the size of the records until the call ends, for what was made from them),
/// idle chunks, and [`reserve`](Self::reserve)d bytes.
///
/// When the last queue built on the pool has ended (closed and drained, or its consumer dropped), all idle chunks go
/// back to the allocator, those of the initial size too, and later ones as soon as they are given back. So whoever
/// still has a handle on an ended queue keeps none of its memory. A queue built after that recycles again.
///
/// ```
/// use otlp_batch::{ChunkPool, PoolConfig};
/// # fn main() -> Result<(), otlp_batch::ConfigError> {
/// let pool = ChunkPool::new(PoolConfig { initial_size: 0, max_size: 1 << 20, ..PoolConfig::default() })?;
/// let permit = pool.reserve(1 << 20).expect("nothing else is held");
/// assert_eq!(pool.held_bytes(), 1 << 20);
/// assert!(pool.reserve(1).is_none());
/// drop(permit);
/// assert_eq!(pool.held_bytes(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ChunkPool {
    shared: Arc<Shared>,
}

struct Shared {
    config: PoolConfig,
    state: Mutex<State>,
    space: Space,
}

struct State {
    /// Chunks of the standard size, waiting for their next use.
    idle: Idle,
    /// All accounted bytes: chunks, idle or not, and reservations.
    held: usize,
    /// The fewest idle chunks since the last step.
    idle_low: usize,
    /// Whether a chunk had to be allocated since the last step.
    missed: bool,
    stock: Stock,
    /// When the worker last saw to the stock.
    stocked: Option<Instant>,
    /// When the last step was taken.
    tended: Option<Instant>,
    /// Queues that have not ended.
    members: usize,
    /// All queues there were have ended: nothing is kept.
    deserted: bool,
}

impl State {
    /// Makes `bytes` fit under the cap, at the cost of idle chunks, which are moved to `freed`; accounts for them.
    fn hold(&mut self, bytes: usize, config: &PoolConfig, freed: &mut Vec<Memory>) -> bool {
        if bytes > self.room(config) {
            return false;
        }
        while self.held + bytes > config.max_size {
            let Some(chunk) = self.idle.pop_least() else { return false };
            self.held -= chunk.size();
            freed.push(chunk);
        }
        self.idle_low = self.idle_low.min(self.idle.len());
        self.held += bytes;
        true
    }

    /// How much more may be in use.
    fn room(&self, config: &PoolConfig) -> usize {
        config.max_size - (self.held - self.idle.len() * config.chunk_size)
    }

    /// Takes a chunk back.
    fn give_back(&mut self, memory: Memory, config: &PoolConfig, freed: &mut Vec<Memory>) {
        if memory.size() == config.chunk_size && !self.deserted {
            self.idle.push(memory);
        } else {
            self.held -= memory.size();
            freed.push(memory);
        }
    }
}

impl ChunkPool {
    /// A pool with its initial size allocated.
    ///
    /// # Errors
    ///
    /// As [`PoolConfig::validate`].
    pub fn new(config: PoolConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self::checked(config))
    }

    /// As [`new`](Self::new), with a configuration known to work.
    pub(crate) fn checked(config: PoolConfig) -> Self {
        let chunks = config.initial_size / config.chunk_size;
        let mut idle = Idle::default();
        for _ in 0..chunks {
            idle.push_untouched(Memory::allocate(config.chunk_size));
        }
        let state = State {
            idle_low: chunks,
            held: chunks * config.chunk_size,
            idle,
            missed: false,
            stock: Stock::Nobodys,
            stocked: None,
            tended: None,
            members: 0,
            deserted: false,
        };
        Self { shared: Arc::new(Shared { config, state: Mutex::new(state), space: Space::default() }) }
    }

    /// The options it was built with.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        &self.shared.config
    }

    /// Bytes accounted now: chunks in use and idle, and reservations. Never more than `max_size`.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        lock(&self.shared.state).held
    }

    /// Bytes of chunks that wait for their next use; a part of [`held_bytes`](Self::held_bytes).
    #[must_use]
    pub fn idle_bytes(&self) -> usize {
        lock(&self.shared.state).idle.len() * self.shared.config.chunk_size
    }

    /// Reserves `bytes` until the permit is dropped, at the cost of idle chunks; `None` when the cap leaves no room.
    #[must_use]
    pub fn reserve(&self, bytes: usize) -> Option<Permit> {
        let mut freed = Vec::new();
        let held = lock(&self.shared.state).hold(bytes, &self.shared.config, &mut freed);
        held.then(|| Permit { pool: self.clone(), bytes })
    }

    /// Adjusts the pool's size by one step, as [`PoolConfig::growth_factor`] and [`PoolConfig::gc_threshold`] say, if
    /// a second has passed since the last one. Called by the worker; harmless to call more often.
    pub fn tend(&self, now: Instant) {
        let config = &self.shared.config;
        let mut freed = Vec::new();
        let grow_to = {
            let mut state = lock(&self.shared.state);
            if state.tended.is_some_and(|last| now.saturating_duration_since(last) < TEND_EVERY) {
                return;
            }
            state.tended = Some(now);
            let idle = state.idle.len();
            let idle_low = std::mem::replace(&mut state.idle_low, idle);
            let missed = std::mem::take(&mut state.missed);
            let surplus = idle_low * config.chunk_size;
            if missed {
                // Never so far that the other users of the cap find nothing: idle chunks make way for them.
                scaled(state.held, config.growth_factor).min(config.max_size)
            } else {
                if surplus as f64 > config.gc_threshold * state.held as f64 {
                    let keep = scaled(state.held, 1.0 / config.growth_factor)
                        .max(state.held - surplus)
                        .max(config.initial_size / config.chunk_size * config.chunk_size);
                    while state.held >= keep + config.chunk_size {
                        let Some(chunk) = state.idle.pop_least() else { break };
                        state.held -= chunk.size();
                        freed.push(chunk);
                    }
                    state.idle_low = state.idle.len();
                }
                0
            }
        };
        freed.clear();
        // One chunk at a time, so that no producer waits for the allocator behind the lock.
        let mut is_grown = false;
        loop {
            {
                let mut state = lock(&self.shared.state);
                if state.deserted || state.held + config.chunk_size > grow_to {
                    break;
                }
                state.held += config.chunk_size;
            }
            is_grown = true;
            self.add_untouched(Memory::allocate(config.chunk_size));
        }
        // Who looked for room meanwhile did not find what was not there yet.
        if is_grown {
            self.shared.space.notify();
        }
    }

    /// Adds a chunk that is accounted for.
    fn add_untouched(&self, memory: Memory) {
        let mut freed = Vec::new();
        let mut state = lock(&self.shared.state);
        if state.deserted {
            // The last queue has ended meanwhile.
            state.give_back(memory, &self.shared.config, &mut freed);
        } else {
            state.idle.push_untouched(memory);
        }
    }

    /// Whether a later [`tend`](Self::tend) may change something.
    #[must_use]
    pub fn needs_tending(&self) -> bool {
        let config = &self.shared.config;
        let state = lock(&self.shared.state);
        let initial = config.initial_size / config.chunk_size * config.chunk_size;
        let surplus =
            config.gc_threshold < 1.0 && state.idle.len() > 0 && state.held >= initial + config.chunk_size;
        !state.deserted && (state.missed || surplus)
    }

    /// The longest record that fits an empty pool, and whose header can note its length.
    pub(crate) fn largest_record(&self) -> usize {
        (self.shared.config.max_size - HEADER).min(u32::MAX as usize)
    }

    /// A chunk with room for a record of `len` bytes, and whether the worker is to be woken to [`stock`](Self::stock) others;
    /// `None` when the cap leaves no room.
    pub(crate) fn chunk(&self, len: usize) -> Option<(Chunk, bool)> {
        let config = &self.shared.config;
        let standard = Memory::fits(len, config.chunk_size);
        let size = if standard { config.chunk_size } else { len.saturating_add(HEADER) };
        let mut freed = Vec::new();
        let (idle, tell) = {
            let mut state = lock(&self.shared.state);
            let idle = if standard { state.idle.pop() } else { None };
            if idle.is_some() {
                state.idle_low = state.idle_low.min(state.idle.len());
            } else if state.hold(size, config, &mut freed) {
                state.missed |= standard;
            } else {
                return None;
            }
            (idle, standard && state.is_low(config))
        };
        drop(freed);
        let memory = match idle {
            Some(memory) => memory,
            None if standard => Memory::allocate(size),
            None => Memory::exactly(1, len),
        };
        Some((Chunk::new(memory, Some(self.clone())), tell))
    }

    /// Takes a chunk's memory back.
    pub(crate) fn give_back(&self, memory: Memory) {
        let (memory, mut freed) = (memory.recycle(), Vec::new());
        lock(&self.shared.state).give_back(memory, &self.shared.config, &mut freed);
        drop(freed);
        self.shared.space.notify();
    }

    /// Takes the memory of a chunk back and reserves `bytes` in its place, in one step, so that nobody can come
    /// between. Where the chunk is still in use by others, and the cap leaves no room, the permit covers less.
    ///
    /// With it, whether there is now room for a chunk more than before: then it is time to announce it, which is for the
    /// caller, who may hold a lock. The records of most chunks stay accounted for, and a producer that is woken for the
    /// little that is left beside them is woken in vain.
    pub(crate) fn exchange(&self, chunk: Option<Memory>, bytes: usize) -> (Permit, bool) {
        let chunk = chunk.map(Memory::recycle);
        let config = &self.shared.config;
        let mut freed = Vec::new();
        let (bytes, announce) = {
            let mut state = lock(&self.shared.state);
            let before = state.room(config) / config.chunk_size;
            if let Some(memory) = chunk {
                state.give_back(memory, config, &mut freed);
            }
            let bytes = bytes.min(state.room(config));
            let bytes = if state.hold(bytes, config, &mut freed) { bytes } else { 0 };
            (bytes, state.room(config) / config.chunk_size > before)
        };
        drop(freed);
        (Permit { pool: self.clone(), bytes }, announce)
    }

    /// Where producers wait for room.
    pub(crate) fn space(&self) -> &Space {
        &self.shared.space
    }
}

impl fmt::Debug for ChunkPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkPool")
            .field("held_bytes", &self.held_bytes())
            .field("idle_bytes", &self.idle_bytes())
            .field("config", self.config())
            .finish()
    }
}

/// Bytes of a [`ChunkPool`] reserved for memory that the pool does not hold itself; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    pool: ChunkPool,
    bytes: usize,
}

impl Permit {
    /// How many bytes are reserved.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Covers what another permit of the same pool does, too.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.bytes += std::mem::take(&mut other.bytes);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.bytes > 0 {
            lock(&self.pool.shared.state).held -= self.bytes;
            self.pool.shared.space.notify();
        }
    }
}

/// `bytes * factor`, for sizes a float can hold.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the cast saturates, the factor is positive, and a size needs no more than 53 bits of precision"
)]
fn scaled(bytes: usize, factor: f64) -> usize {
    (bytes as f64 * factor) as usize
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// Until a chunk that is made ahead is idle, it takes its room from who looks for some.
    #[test]
    fn chunks_made_ahead_are_announced() {
        let config =
            PoolConfig { initial_size: 0, chunk_size: 1024, max_size: 4096, ..PoolConfig::default() };
        let pool = ChunkPool::new(config).unwrap();
        let _missed = pool.chunk(1).unwrap();
        pool.space().add_waiter();
        let before = pool.space().generation();
        pool.tend(now());
        assert_eq!(pool.idle_bytes(), 1024);
        assert!(pool.space().generation() > before);
    }

    /// A longer one would find no room in any chunk, however much memory there is.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_largest_record_has_a_length_that_a_header_can_note() {
        let largest = |max_size| {
            let config = PoolConfig { initial_size: 0, max_size, ..PoolConfig::default() };
            ChunkPool::new(config).unwrap().largest_record()
        };
        assert_eq!(largest(1 << 20), (1 << 20) - HEADER);
        assert_eq!(largest(1 << 40), u32::MAX as usize);
    }
}
