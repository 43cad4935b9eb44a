//! The lock around a shard: giving it up is a plain store.
//!
//! Used by the queue around its shards, and held for one record or one look. A std mutex is given up by an exchange,
//! which waits until all stores before it have left the core: also those of the record, into memory that another core
//! has just read. With a plain store they leave while the thread makes its next span. The price is that who waits may not
//! be seen, and so has to look again by itself now and then. Never spins for long, and never waits for a thread that a fork
//! has left behind.

#[cfg(not(loom))]
mod stored {
    use std::hint::spin_loop;
    use std::ops::{Deref, DerefMut};
    use std::time::Duration;

    use spin::mutex::{SpinMutex, SpinMutexGuard};

    use crate::queue::home::Home;
    use crate::sync::atomic::{AtomicUsize, Ordering};
    use crate::sync::{Condvar, Mutex, lock};

    /// How often a thread asks before it sleeps: some microseconds, more than any holder needs that runs.
    const ASKS: usize = 50;
    /// For so many pauses a thread lets others go first.
    const COURTESY: usize = 30;
    /// The longest sleep that a missed announcement costs.
    const NAP: Duration = Duration::from_micros(200);

    /// What one thread at a time may touch.
    #[derive(Debug)]
    pub(in crate::queue) struct ShardLock<T> {
        waiters: Waiters,
        inner: SpinMutex<T>,
    }

    /// Who waits.
    #[derive(Debug)]
    struct Waiters {
        /// Threads that found it taken and ask again. Who comes later lets them go first: a producer that does nothing
        /// but push would keep the drain out for good.
        asking: AtomicUsize,
        /// Threads that sleep and have not been called yet; sometimes more.
        sleeping: AtomicUsize,
        bed: Mutex<()>,
        call: Condvar,
        home: Home,
    }

    /// Access until it is dropped.
    pub(in crate::queue) struct ShardGuard<'a, T> {
        // First give up the lock, then say so.
        inner: SpinMutexGuard<'a, T>,
        _announcement: Announcement<'a>,
    }

    struct Announcement<'a>(&'a Waiters);

    impl Drop for Announcement<'_> {
        /// Wakes a thread that sleeps, if it is seen. It is not when it came in the moment between; then it wakes by
        /// itself, or at the next announcement.
        #[inline]
        fn drop(&mut self) {
            if self.0.sleeping.load(Ordering::Relaxed) != 0 {
                self.0.announce();
            }
        }
    }

    impl Waiters {
        #[cold]
        #[inline(never)]
        fn announce(&self) {
            if self.home.is_elsewhere() {
                return;
            }
            {
                let _nobody_falls_asleep = lock(&self.bed);
                let sleeping = self.sleeping.load(Ordering::Relaxed);
                self.sleeping.store(sleeping.saturating_sub(1), Ordering::Relaxed);
            }
            self.call.notify_one();
        }
    }

    impl<T> Deref for ShardGuard<'_, T> {
        type Target = T;

        #[inline]
        fn deref(&self) -> &T {
            &self.inner
        }
    }

    impl<T> DerefMut for ShardGuard<'_, T> {
        #[inline]
        fn deref_mut(&mut self) -> &mut T {
            &mut self.inner
        }
    }

    impl<T> ShardLock<T> {
        pub(in crate::queue) fn new(value: T) -> Self {
            let waiters = Waiters {
                asking: AtomicUsize::new(0),
                sleeping: AtomicUsize::new(0),
                bed: Mutex::new(()),
                call: Condvar::new(),
                home: Home::here(),
            };
            Self { waiters, inner: SpinMutex::new(value) }
        }

        /// `None` in a fork, when whoever holds it may have been left behind.
        #[inline]
        pub(in crate::queue) fn lock(&self) -> Option<ShardGuard<'_, T>> {
            if self.waiters.asking.load(Ordering::Relaxed) == 0
                && let Some(guard) = self.try_lock()
            {
                return Some(guard);
            }
            self.wait()
        }

        #[inline]
        pub(in crate::queue) fn try_lock(&self) -> Option<ShardGuard<'_, T>> {
            let inner = self.inner.try_lock()?;
            Some(ShardGuard { inner, _announcement: Announcement(&self.waiters) })
        }

        /// Waits for whoever holds it. One that is not running can go on only if this thread sleeps, whatever the
        /// priorities of the two.
        #[cold]
        #[inline(never)]
        fn wait(&self) -> Option<ShardGuard<'_, T>> {
            for _ in 0..COURTESY {
                if self.waiters.asking.load(Ordering::Relaxed) == 0 {
                    break;
                }
                spin_loop();
            }
            loop {
                self.waiters.asking.fetch_add(1, Ordering::Relaxed);
                let guard = (0..ASKS).find_map(|_| self.ask());
                self.waiters.asking.fetch_sub(1, Ordering::Relaxed);
                if guard.is_some() {
                    return guard;
                }
                if self.waiters.home.is_elsewhere() {
                    return None;
                }
                let bed = lock(&self.waiters.bed);
                self.waiters.sleeping.fetch_add(1, Ordering::SeqCst);
                if let Some(guard) = self.try_lock() {
                    drop(bed);
                    return Some(guard);
                }
                drop(self.waiters.call.wait_timeout(bed, NAP));
            }
        }

        fn ask(&self) -> Option<ShardGuard<'_, T>> {
            let guard = if self.inner.is_locked() { None } else { self.try_lock() };
            if guard.is_none() {
                spin_loop();
            }
            guard
        }
    }
}

/// What loom can model: the same exclusion, with loom's own way to wait.
#[cfg(loom)]
mod modelled {
    use crate::sync::{Mutex, MutexGuard, lock};

    pub(in crate::queue) type ShardGuard<'a, T> = MutexGuard<'a, T>;

    #[derive(Debug)]
    pub(in crate::queue) struct ShardLock<T>(Mutex<T>);

    impl<T> ShardLock<T> {
        pub(in crate::queue) fn new(value: T) -> Self {
            Self(Mutex::new(value))
        }

        #[expect(clippy::unnecessary_wraps, reason = "the other one knows when not to wait")]
        pub(in crate::queue) fn lock(&self) -> Option<ShardGuard<'_, T>> {
            Some(lock(&self.0))
        }

        /// In loom 0.7 a thread that is about to `try_lock` is blocked when another locks first, which makes deadlocks
        /// that cannot be. Here the lock is always taken by somebody else.
        pub(in crate::queue) fn try_lock(&self) -> Option<ShardGuard<'_, T>> {
            None
        }
    }
}

#[cfg(loom)]
pub(super) use modelled::{ShardGuard, ShardLock};
#[cfg(not(loom))]
pub(super) use stored::{ShardGuard, ShardLock};

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// More threads than cores, none of which does anything but lock.
    #[test]
    fn one_at_a_time_and_nobody_is_kept_out() {
        let lock = ShardLock::new((0_u32, 0_u32));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let mut pair = lock.lock().unwrap();
                        assert_eq!(pair.0, pair.1);
                        pair.0 += 1;
                        pair.1 += 1;
                    }
                });
            }
        });
        assert_eq!(*lock.lock().unwrap(), (160_000, 160_000));
    }

    /// A holder that sleeps, as one that is not scheduled, is waited for however long it takes.
    #[test]
    fn a_holder_that_does_not_run_is_waited_for() {
        let lock = ShardLock::new(0);
        let (locked, held) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let lock = &lock;
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut value = lock.lock().unwrap();
                locked.send(()).unwrap();
                released.recv().unwrap();
                *value = 1;
            });
            held.recv().unwrap();
            assert!(lock.try_lock().is_none());
            let waiting = scope.spawn(|| *lock.lock().unwrap());
            release.send(()).unwrap();
            assert_eq!(waiting.join().unwrap(), 1);
        });
    }
}
