//! The memory of the client's queues: recycled chunks of bytes under one hard cap.
//!
//! Shared by every queue of a client. Knows nothing about records; never blocks and never exceeds its cap.

use crate::config::ConfigError;

/// The options of a [`ChunkPool`], in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolConfig {
    /// Allocated when the pool is built, and never given back. Default: 1 MiB.
    pub initial_size: usize,
    /// The hard cap. Default: 64 MiB.
    pub max_size: usize,
    /// The size of one chunk. Default: 64 KiB.
    pub chunk_size: usize,
    /// How far the capacity grows and shrinks in one step. Default: 2.
    pub growth_factor: f64,
    /// The share of idle bytes above which idle chunks go back to the allocator. Default: 0.8.
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
        if !(self.growth_factor.is_finite() && self.growth_factor > 1.0) {
            return Err(ConfigError::new("growth_factor", "must be a number greater than 1"));
        }
        Ok(())
    }
}

/// Recycled chunks of bytes under a hard cap. Clones share the same memory.
#[derive(Debug, Clone)]
pub struct ChunkPool {
    config: PoolConfig,
}

impl ChunkPool {
    /// A pool with its initial size allocated.
    ///
    /// # Errors
    ///
    /// As [`PoolConfig::validate`].
    pub fn new(config: PoolConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self { config })
    }

    /// The options it was built with.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// Bytes accounted now: chunks in use and idle, and reservations. Never more than `max_size`.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        todo!()
    }

    /// Bytes of chunks that wait for their next use.
    #[must_use]
    pub fn idle_bytes(&self) -> usize {
        todo!()
    }

    /// Reserves `bytes` until the permit is dropped; `None` when the cap leaves no room.
    #[must_use]
    pub fn reserve(&self, bytes: usize) -> Option<Permit> {
        let _ = bytes;
        todo!()
    }
}

/// Bytes of a [`ChunkPool`] reserved for memory it does not hold itself; given back when dropped.
#[derive(Debug)]
pub struct Permit(());
