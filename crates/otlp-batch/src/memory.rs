//! The memory of a chunk: records, one directly behind the other, and beside them a header for each.
//!
//! Owned by a [`Chunk`](crate::chunk::Chunk), or idle in the pool. Never holds more than its size, and is never cleared:
//! writing zeros to 64 KiB makes the system provide 16 pages at once, 20 to 50 µs in which a producer that found no
//! idle chunk would wait. Without, each page is provided when a record first reaches it.

use std::mem::MaybeUninit;

use otlp_model::GroupId;

/// The bytes of one header.
pub(crate) const HEADER: usize = size_of::<Header>();

/// At least this part is for headers: more of it records do not get.
const LEAST_PART: usize = 64;

/// Headers that take this part, those of records of 180 bytes, have room from the beginning.
const FIRST_PART: usize = 16;

/// And this much of their room is kept when it is recycled.
const KEPT_PART: usize = 8;

/// The smallest pages there are.
const PAGE: usize = 4096;

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
    /// Room for records, headers included: `size` bytes, of which the longest record may have so many that it
    /// [fits](Self::fits).
    pub(crate) fn allocate(size: usize) -> Self {
        let headers = headers(size, FIRST_PART);
        Self {
            records: Vec::with_capacity(room_for_records(size)),
            headers: Vec::with_capacity(headers),
            size,
        }
    }

    /// Room for `count` records of `bytes` in all, and no more.
    pub(crate) fn exactly(count: usize, bytes: usize) -> Self {
        let size = bytes.saturating_add(count.saturating_mul(HEADER));
        Self { records: Vec::with_capacity(bytes), headers: Vec::with_capacity(count), size }
    }

    /// Whether a record of `len` bytes fits an empty one of `size`.
    pub(crate) fn fits(len: usize, size: usize) -> bool {
        len <= room_for_records(size)
    }

    /// Bytes it may hold, headers included.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Whether a record of `len` bytes fits, with its header.
    #[inline]
    pub(crate) fn has_room(&self, len: usize) -> bool {
        let records = self.records.len() + len;
        records <= self.records.capacity() && records + (self.headers.len() + 1) * HEADER <= self.size
    }

    /// Adds a record; the caller has asked whether it [has room](Self::has_room).
    #[inline]
    pub(crate) fn append(&mut self, header: Header, bytes: &[u8]) {
        self.records.extend_from_slice(bytes);
        self.headers.push(header);
    }

    /// Adds all records of another; `false`, and nothing added, when they do not fit.
    pub(crate) fn append_all(&mut self, other: &Self) -> bool {
        let records = self.records.len() + other.records.len();
        let headers = self.headers.len() + other.headers.len();
        if records > self.records.capacity() || records + headers * HEADER > self.size {
            return false;
        }
        self.records.extend_from_slice(&other.records);
        self.headers.extend_from_slice(&other.headers);
        true
    }

    /// Bytes it holds, headers included.
    pub(crate) fn used(&self) -> usize {
        self.records.len() + self.headers.len() * HEADER
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

    /// Has the system provide all its pages now, in the caller's time, not in that of who writes records.
    pub(crate) fn touch(&mut self) {
        touch(self.records.spare_capacity_mut(), 0);
        touch(self.headers.spare_capacity_mut(), Header { group: GroupId(0), items: 0, len: 0 });
    }

    /// Empties it for the next use. Many headers give their room back, so that memory used for short records once and long
    /// ones next is not held twice.
    pub(crate) fn recycle(mut self) -> Self {
        self.records.clear();
        self.headers.clear();
        self.headers.shrink_to(headers(self.size, KEPT_PART));
        self
    }
}

/// Writes something to each page, and to the last place, which may be the only one on its page.
fn touch<T: Copy>(room: &mut [MaybeUninit<T>], something: T) {
    for page in room.chunks_mut(PAGE / size_of::<T>()) {
        if let [first, ..] = page {
            first.write(something);
        }
    }
    if let [.., last] = room {
        last.write(something);
    }
}

/// How many headers are one `part`th of `size` bytes; at least one.
fn headers(size: usize, part: usize) -> usize {
    (size / part / HEADER).max(1)
}

fn room_for_records(size: usize) -> usize {
    size.saturating_sub(headers(size, LEAST_PART) * HEADER)
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
        let mut memory = Memory::exactly(2, 4);
        memory.append(header(3), b"abc");
        assert!(memory.has_room(1) && !memory.has_room(2));
        memory.append(header(1), b"d");
        assert!(!memory.has_room(0));
        assert_eq!((memory.records(), memory.headers()), (&b"abcd"[..], &[header(3), header(1)][..]));
    }

    /// How often the system has had to provide a page while this thread waited.
    #[cfg(target_os = "linux")]
    fn pages_waited_for() -> Option<u64> {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
        // The name of the thread may have spaces; of what is behind it this is the eighth.
        stat.rsplit_once(") ")?.1.split(' ').nth(7)?.parse().ok()
    }

    /// Large, so that it is fresh from the system, and that it is more than a few pages also where these have 2 MiB.
    #[test]
    #[cfg(target_os = "linux")]
    fn who_writes_to_touched_memory_waits_for_no_page() {
        const SIZE: usize = 64 * 1024 * 1024;
        let fill = |memory: &mut Memory| {
            let before = pages_waited_for().unwrap();
            let record = [7; 128];
            for _ in 0..memory.headers.capacity() {
                memory.append(header(128), &record);
            }
            pages_waited_for().unwrap() - before
        };
        let (mut touched, mut fresh) = (Memory::allocate(SIZE), Memory::allocate(SIZE));
        touched.touch();
        let (waited, waited_otherwise) = (fill(&mut touched), fill(&mut fresh));
        assert!(waited * 4 < waited_otherwise, "{waited} of {waited_otherwise}");
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
                prop_assert!(memory.headers.capacity() <= (2 * memory.headers.len()).max(headers(size, KEPT_PART)).max(4));
                memory = memory.recycle();
                prop_assert!(memory.headers.capacity() <= headers(size, KEPT_PART).max(4));
                prop_assert!(memory.records().is_empty() && memory.headers().is_empty());
            }
        }
    }
}
