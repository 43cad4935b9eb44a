//! Chunks that wait for their next use, and which of them the system has given its memory for.
//!
//! Used by the pool under its lock. A producer gets what was used last; what the system has not provided yet, and what was
//! used longest ago, goes first when room has to be made.

use std::collections::VecDeque;

use crate::memory::Memory;

/// Chunks of the standard size, none in use: first those that nobody has written to, then the others, the latest last.
#[derive(Debug, Default)]
pub(super) struct Idle {
    chunks: VecDeque<Memory>,
    untouched: usize,
}

impl Idle {
    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// How many of them were in use, or had their pages provided: all but those fresh from the allocator.
    pub(super) fn provided(&self) -> usize {
        self.chunks.len() - self.untouched
    }

    /// Adds one that was in use, or whose pages were provided.
    pub(super) fn push(&mut self, memory: Memory) {
        self.chunks.push_back(memory);
    }

    /// Adds one fresh from the allocator.
    pub(super) fn push_untouched(&mut self, memory: Memory) {
        self.chunks.push_front(memory);
        self.untouched += 1;
    }

    /// The best to write to.
    pub(super) fn pop(&mut self) -> Option<Memory> {
        let chunk = self.chunks.pop_back();
        self.untouched = self.untouched.min(self.chunks.len());
        chunk
    }

    /// The one that is missed least.
    pub(super) fn pop_least(&mut self) -> Option<Memory> {
        let chunk = self.chunks.pop_front();
        self.untouched = self.untouched.saturating_sub(1);
        chunk
    }

    /// One that nobody has written to.
    pub(super) fn pop_untouched(&mut self) -> Option<Memory> {
        if self.untouched == 0 { None } else { self.pop_least() }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Told apart by their sizes.
    fn chunk(size: usize) -> Memory {
        Memory::exactly(0, size)
    }

    fn size(memory: Option<Memory>) -> Option<usize> {
        memory.map(|memory| memory.size())
    }

    #[test]
    fn producers_get_the_latest_and_room_is_made_of_the_untouched() {
        let mut idle = Idle::default();
        idle.push(chunk(1));
        idle.push_untouched(chunk(2));
        idle.push(chunk(3));
        idle.push_untouched(chunk(4));
        assert_eq!((idle.len(), idle.provided()), (4, 2));
        assert_eq!(size(idle.pop()), Some(3));
        assert_eq!(size(idle.pop_least()), Some(4));
        assert_eq!(size(idle.pop_untouched()), Some(2));
        assert_eq!((idle.len(), idle.provided()), (1, 1));
        assert_eq!(size(idle.pop_untouched()), None);
        assert_eq!(size(idle.pop_least()), Some(1));
        assert_eq!((size(idle.pop()), size(idle.pop_least())), (None, None));
    }

    #[test]
    fn what_nobody_has_written_to_is_handed_out_when_there_is_nothing_else() {
        let mut idle = Idle::default();
        idle.push_untouched(chunk(1));
        idle.push_untouched(chunk(2));
        assert_eq!(size(idle.pop()), Some(1));
        assert_eq!((idle.len(), idle.provided()), (1, 0));
        idle.push(chunk(1));
        assert_eq!((idle.len(), idle.provided()), (2, 1));
    }
}
