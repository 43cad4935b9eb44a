//! The lock around a shard: a mutex that knows when its holder may be gone for good.
//!
//! Used by the queue around its shards, and held for one record or one look. Never waits for a thread that a fork has left
//! behind: whoever finds it taken first asks where it is.

use super::home::Home;
use crate::sync::{Mutex, MutexGuard, lock};

/// Access until it is dropped.
pub(super) type ShardGuard<'a, T> = MutexGuard<'a, T>;

/// What one thread at a time may touch.
#[derive(Debug)]
pub(super) struct ShardLock<T> {
    inner: Mutex<T>,
    home: Home,
}

impl<T> ShardLock<T> {
    pub(super) fn new(value: T) -> Self {
        Self { inner: Mutex::new(value), home: Home::here() }
    }

    /// `None` in a fork, when whoever holds it may have been left behind.
    #[inline]
    pub(super) fn lock(&self) -> Option<ShardGuard<'_, T>> {
        self.try_lock().or_else(|| self.wait())
    }

    /// `None` when it is taken.
    #[inline]
    #[cfg(not(loom))]
    pub(super) fn try_lock(&self) -> Option<ShardGuard<'_, T>> {
        use std::sync::TryLockError::{Poisoned, WouldBlock};
        match self.inner.try_lock() {
            Ok(guard) => Some(guard),
            Err(Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(WouldBlock) => None,
        }
    }

    /// In loom 0.7 a thread that is about to `try_lock` is blocked when another locks first, which makes deadlocks that
    /// cannot be. Here the lock is always taken by somebody else.
    #[cfg(loom)]
    pub(super) fn try_lock(&self) -> Option<ShardGuard<'_, T>> {
        None
    }

    #[cold]
    #[inline(never)]
    fn wait(&self) -> Option<ShardGuard<'_, T>> {
        if self.home.is_elsewhere() { None } else { Some(lock(&self.inner)) }
    }
}
