//! The counting allocator, with the feature `count-allocations`: every program of this package that links the library then
//! allocates through it. Without the feature nothing is counted and the system's allocator is used as it is.
//!
//! The one file here with unsafe code: an allocator cannot be written without.
#![cfg_attr(
    feature = "count-allocations",
    expect(unsafe_code, reason = "an allocator cannot be written without")
)]

/// Calls of malloc, calloc and realloc in this process so far, on all threads; zero unless they are counted.
#[must_use]
pub fn allocations() -> u64 {
    #[cfg(feature = "count-allocations")]
    return counting::COUNT.load(std::sync::atomic::Ordering::Relaxed);
    #[cfg(not(feature = "count-allocations"))]
    0
}

#[cfg(feature = "count-allocations")]
mod counting {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicU64, Ordering};

    pub(super) static COUNT: AtomicU64 = AtomicU64::new(0);

    struct Counting;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    // SAFETY: each method hands its arguments to the system's allocator as they came and returns what that returns, so
    // that its contract is the system's. Counting is one atomic addition: it neither allocates nor unwinds.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            COUNT.fetch_add(1, Ordering::Relaxed);
            // SAFETY: the caller's promises are those that the system's allocator asks for.
            unsafe { System.alloc(layout) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            COUNT.fetch_add(1, Ordering::Relaxed);
            // SAFETY: as above.
            unsafe { System.alloc_zeroed(layout) }
        }

        unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            COUNT.fetch_add(1, Ordering::Relaxed);
            // SAFETY: as above; the pointer came from the system's allocator, since every method asks it.
            unsafe { System.realloc(pointer, layout, size) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            // SAFETY: as for `realloc`.
            unsafe { System.dealloc(pointer, layout) }
        }
    }
}
