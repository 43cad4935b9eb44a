//! The process in which a queue works.
//!
//! A fork copies the queue's memory, but of all threads only the one that forked: there is no worker in the child, and
//! locks that other threads held stay locked for good. So in the child whatever might take such a lock asks here first, and
//! a push asks when it finds its shard's lock taken. Costs the usual push nothing: it is a system call.

/// Remembers the process that made it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home(u32);

impl Home {
    /// The process of the caller.
    pub(crate) fn here() -> Self {
        Self(std::process::id())
    }

    /// Whether the caller runs in a fork of that process.
    pub(crate) fn is_elsewhere(self) -> bool {
        std::process::id() != self.0
    }
}
