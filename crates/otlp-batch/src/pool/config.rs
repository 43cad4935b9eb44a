//! The options of a pool, and what of them cannot work.

use crate::config::ConfigError;

// Beyond these, an option is a mistake, and most of them the allocator would answer by ending the process.
const MOST_HELD: usize = isize::MAX as usize / 2;
const MOST_INITIAL: u64 = 4 * 1024 * 1024 * 1024;
const LEAST_CHUNK: usize = 1024;
const MOST_CHUNK: usize = 64 * 1024 * 1024;

/// The options of a [`ChunkPool`](crate::ChunkPool); all sizes in bytes.
///
/// ```
/// use otlp_batch::PoolConfig;
/// let config = PoolConfig { max_size: 100 * 1024 * 1024, ..PoolConfig::default() };
/// assert!(config.validate().is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolConfig {
    /// Allocated when the pool is built, and kept until the last queue built on it has ended. At most `max_size`, and at most 4 GiB. Default: 1 MiB. Rounded
    /// down to whole chunks.
    pub initial_size: usize,
    /// The hard cap over everything the pool accounts for. At most half of `isize::MAX`. Default: 64 MiB.
    pub max_size: usize,
    /// The size of one chunk, with 12 bytes for each record in it: 1 KiB to 64 MiB, and at most `max_size`. Default:
    /// 64 KiB. A longer record gets a chunk of its own size, which is not recycled.
    pub chunk_size: usize,
    /// How far the pool grows and shrinks in one step. Default: 2.
    ///
    /// When an interval found no idle chunk and had to ask the allocator, the pool allocates ahead until it holds its
    /// size times this factor; when it shrinks, it keeps at least its size divided by it. The worker takes at most one
    /// step each second. Between steps it sees to a stock, at most every 50 ms: where producers have left little that is
    /// idle, it allocates ahead until there is 1 MiB, 16 chunks at most, under `max_size`. Beyond that a chunk that is
    /// needed is allocated alone.
    pub growth_factor: f64,
    /// The share of held bytes, from 0 to 1, that may lie idle. Default: 0.8; 1: nothing is ever given back.
    ///
    /// When a greater share lay idle during the whole of the last interval, one step's worth of it goes back to the
    /// allocator, down to [`initial_size`](Self::initial_size).
    pub gc_threshold: f64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            initial_size: 1024 * 1024,
            max_size: 64 * 1024 * 1024,
            chunk_size: 64 * 1024,
            growth_factor: 2.0,
            gc_threshold: 0.8,
        }
    }
}

impl PoolConfig {
    /// Checks the options against each other.
    ///
    /// # Errors
    ///
    /// Names the field that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.max_size == 0 {
            return Err(ConfigError::new("max_size", "must not be zero"));
        }
        if self.max_size > MOST_HELD {
            return Err(ConfigError::new("max_size", "must not exceed half of isize::MAX"));
        }
        if !(LEAST_CHUNK..=MOST_CHUNK).contains(&self.chunk_size) {
            return Err(ConfigError::new("chunk_size", "must be between 1 KiB and 64 MiB"));
        }
        if self.chunk_size > self.max_size {
            return Err(ConfigError::new("chunk_size", "must not exceed max_size"));
        }
        if self.initial_size > self.max_size {
            return Err(ConfigError::new("initial_size", "must not exceed max_size"));
        }
        if self.initial_size as u64 > MOST_INITIAL {
            return Err(ConfigError::new("initial_size", "must not exceed 4 GiB"));
        }
        if !(self.growth_factor.is_finite() && self.growth_factor > 1.0) {
            return Err(ConfigError::new("growth_factor", "must be a number greater than 1"));
        }
        if !(0.0..=1.0).contains(&self.gc_threshold) {
            return Err(ConfigError::new("gc_threshold", "must be between 0 and 1"));
        }
        Ok(())
    }
}
