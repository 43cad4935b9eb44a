//! The memory of a chunk: records, one directly behind the other, and beside them a header for each.
//!
//! Owned by a [`Chunk`](crate::chunk::Chunk), or idle in the pool. Never holds more than its size, and is never cleared:
//! writing zeros to 64 KiB makes the system provide 16 pages at once, 20 to 50 µs in which a producer that found no
//! idle chunk would wait. Without, each page is provided when a record first reaches it.

use otlp_model::GroupId;

/// The bytes of one header.
pub(crate) const HEADER: usize = size_of::<Header>();

/// This part of the size is set aside for headers at first; where records are short they get more.
const HEADERS_PART: usize = 16;

/// What is noted of a record beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) group: GroupId,
    pub(crate) items: u32,
    pub(crate) len: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    records: Vec<u8>,
    headers: Vec<Header>,
    size: usize,
}

impl Memory {
    /// Room for `size` bytes, headers included.
    pub(crate) fn allocate(size: usize) -> Self {
        Self {
            records: Vec::with_capacity(size.saturating_sub(HEADER)),
            headers: Vec::with_capacity(headers_at_first(size)),
            size,
        }
    }

    /// Bytes it may hold, headers included.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Whether a record of `len` bytes fits, with its header.
    #[inline]
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.records.len() + len + (self.headers.len() + 1) * HEADER <= self.size
    }

    /// Adds a record; the caller has asked whether it [has room](Self::has_room).
    #[inline]
    pub(crate) fn append(&mut self, header: Header, bytes: &[u8]) {
        self.records.extend_from_slice(bytes);
        self.headers.push(header);
    }

    /// The records, in order of arrival.
    #[inline]
    pub(crate) fn records(&self) -> &[u8] {
        &self.records
    }

    /// Their headers, in order of arrival.
    #[inline]
    pub(crate) fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// Empties it for the next use. Headers beyond those of the beginning give their room back, so that memory used for
    /// short records once and long ones next is not held twice.
    pub(crate) fn recycle(mut self) -> Self {
        self.records.clear();
        self.headers.clear();
        self.headers.shrink_to(headers_at_first(self.size));
        self
    }
}

fn headers_at_first(size: usize) -> usize {
    (size / HEADERS_PART / HEADER).max(1)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn header(len: u32) -> Header {
        Header { group: GroupId(1), items: 1, len }
    }

    #[test]
    fn it_is_full_when_headers_and_records_reach_its_size() {
        let mut memory = Memory::allocate(2 * HEADER + 4);
        memory.append(header(3), b"abc");
        assert!(memory.has_room(1) && !memory.has_room(2));
        memory.append(header(1), b"d");
        assert!(!memory.has_room(0));
        assert_eq!((memory.records(), memory.headers()), (&b"abcd"[..], &[header(3), header(1)][..]));
    }

    proptest! {
        /// Whatever the lengths in whatever order, what was allocated for records is never allocated again, and beside it
        /// are never more than the headers and, while they grow, as many again.
        #[test]
        fn it_never_grows_beyond_its_size(
            size in 16..8_192usize,
            lives in prop::collection::vec(prop::collection::vec(0..200usize, 0..600), 1..4),
        ) {
            let mut memory = Memory::allocate(size);
            let room = memory.records.capacity();
            for life in lives {
                for len in life {
                    if memory.has_room(len) {
                        memory.append(header(0), &vec![7; len]);
                    }
                }
                prop_assert!(memory.records().len() + memory.headers().len() * HEADER <= size);
                prop_assert_eq!(memory.records.capacity(), room);
                prop_assert!(memory.headers.capacity() <= (2 * memory.headers.len()).max(headers_at_first(size)).max(4));
                memory = memory.recycle();
                prop_assert!(memory.headers.capacity() <= headers_at_first(size).max(4));
                prop_assert!(memory.records().is_empty() && memory.headers().is_empty());
            }
        }
    }
}
