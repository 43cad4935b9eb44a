//! The synchronisation primitives of the queue: std's, or loom's when a model is checked.
//!
//! Used by everything a producer or the drain touches. Contains no logic but the recovery of poisoned locks.

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic};
use std::sync::PoisonError;
#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};

/// Locks, whatever happened to an earlier holder: no code under these locks runs foreign code or leaves the data in
/// two minds, so a poisoned lock says nothing about the data.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps neighbours in an array on different cache lines, and off each other's prefetched line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(crate) T);
