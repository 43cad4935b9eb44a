//! A piece of pool memory with records in it, and views of its parts.
//!
//! Records stand one directly behind the other, so that neighbours of one group are one run of bytes. What is noted of
//! them (group, items, length) stands beside them, in memory that the pool accounts for, too. Both are read in order of
//! arrival.
//!
//! Filled by the shards, read by [`Batch`](crate::Batch). Never resized.

use std::fmt;
use std::sync::Arc;

use otlp_model::GroupId;

use crate::memory::{Header, Memory};
use crate::pool::ChunkPool;

/// The mean length of runs from which on they are shared. An estimate, not measured: a slice costs a reference counted
/// twice and an entry in a vectored write, about what a copy of 1 to 2 KiB does.
const SHARED_RUN: usize = 2048;

/// At least this part of a chunk must be records of the batch that shares it.
const SHARED_PART: usize = 4;

/// Up to this part of a chunk is copied into the chunk before it: 8 KiB of the usual 64, less than a microsecond.
const COPIED_PART: usize = 8;

/// Records in one piece of memory, which goes back to its pool when this is dropped.
pub(crate) struct Chunk {
    memory: Memory,
    items: u64,
    /// How many runs the records are: neighbours of one group.
    runs: usize,
    /// The group of the latest record.
    latest: GroupId,
    pool: Option<ChunkPool>,
}

impl Chunk {
    /// An empty chunk in `memory`; `pool` gets it back.
    pub(crate) fn new(memory: Memory, pool: Option<ChunkPool>) -> Self {
        Self { memory, items: 0, runs: 0, latest: GroupId(0), pool }
    }

    /// Copies a record in; `false` when it does not fit.
    #[inline]
    pub(crate) fn append(&mut self, group: GroupId, items: u32, bytes: &[u8]) -> bool {
        let Ok(len) = u32::try_from(bytes.len()) else { return false };
        if !self.memory.has_room(bytes.len()) {
            return false;
        }
        self.memory.append(Header { group, items, len }, bytes);
        if self.latest != group || self.runs == 0 {
            (self.latest, self.runs) = (group, self.runs + 1);
        }
        self.items += u64::from(items);
        true
    }

    /// Copies all records of another chunk behind its own; `false` when they do not fit.
    fn append_all(&mut self, other: &Self) -> bool {
        let Some(first) = other.memory.headers().first() else { return true };
        if !self.memory.append_all(&other.memory) {
            return false;
        }
        let goes_on = self.runs > 0 && self.latest == first.group;
        self.runs += other.runs - usize::from(goes_on);
        self.latest = other.latest;
        self.items += other.items;
        true
    }

    /// Whether a record of `len` bytes fits.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.memory.has_room(len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.memory.headers().is_empty()
    }

    pub(crate) fn used(&self) -> usize {
        self.memory.records().len()
    }

    /// The size of its memory.
    pub(crate) fn size(&self) -> usize {
        self.memory.size()
    }

    /// The memory alone, no longer to be given back by this chunk; `None` when it belongs to no pool.
    pub(crate) fn into_memory(mut self) -> Option<Memory> {
        self.pool.take().map(|_| std::mem::take(&mut self.memory))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            pool.give_back(std::mem::take(&mut self.memory));
        }
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk")
            .field("records", &self.memory.headers().len())
            .field("used", &self.used())
            .finish_non_exhaustive()
    }
}

/// Who else looks at the chunk of a part.
#[derive(Debug)]
enum Owner {
    /// Nobody.
    Sole(Chunk),
    /// Other parts, cut from the same chunk.
    Shared(Arc<Chunk>),
}

impl Owner {
    fn chunk(&self) -> &Chunk {
        match self {
            Self::Sole(chunk) => chunk,
            Self::Shared(chunk) => chunk,
        }
    }
}

/// Neighbouring records of one chunk.
#[derive(Debug)]
pub(crate) struct Part {
    owner: Owner,
    first: usize,
    start: usize,
    /// Records in the part.
    pub(crate) records: usize,
    /// Items in the part.
    pub(crate) items: u64,
    /// Record bytes in the part.
    pub(crate) bytes: usize,
}

impl From<Chunk> for Part {
    fn from(chunk: Chunk) -> Self {
        let (records, items, bytes) = (chunk.memory.headers().len(), chunk.items, chunk.used());
        Self { owner: Owner::Sole(chunk), first: 0, start: 0, records, items, bytes }
    }
}

impl Part {
    /// Copies the records of a chunk behind its own, if there are few, they fit, and no other part looks at this one's
    /// chunk: then the other is free.
    pub(crate) fn absorb(&mut self, chunk: &Chunk) -> bool {
        // Its records are the last of its chunk: who cuts some off shares it.
        let Owner::Sole(own) = &mut self.owner else { return false };
        if chunk.memory.used() > chunk.size() / COPIED_PART || !own.append_all(chunk) {
            return false;
        }
        self.records += chunk.memory.headers().len();
        self.items += chunk.items;
        self.bytes += chunk.used();
        true
    }

    /// The headers of its records, in order of arrival.
    fn headers(&self) -> &[Header] {
        let headers = self.owner.chunk().memory.headers();
        headers.get(self.first..self.first + self.records).unwrap_or_default()
    }

    /// How many of its records, and how many items and bytes, fit in the limits.
    pub(crate) fn fitting(&self, max_items: u64, max_bytes: u64) -> (usize, u64, usize) {
        let (mut records, mut items, mut bytes) = (0, 0, 0);
        for header in self.headers() {
            let (more_items, more_bytes) = (items + u64::from(header.items), bytes + header.len as usize);
            if more_items > max_items || more_bytes as u64 > max_bytes {
                break;
            }
            (records, items, bytes) = (records + 1, more_items, more_bytes);
        }
        (records, items, bytes)
    }

    /// The items and bytes of its first record.
    pub(crate) fn first_record(&self) -> (u64, usize) {
        self.headers().first().map_or((0, 0), |header| (u64::from(header.items), header.len as usize))
    }

    /// Cuts off the first records, without copying: both parts look at the same chunk from now on.
    pub(crate) fn split_front(self, records: usize, items: u64, bytes: usize) -> (Self, Self) {
        let chunk = match self.owner {
            Owner::Sole(chunk) => Arc::new(chunk),
            Owner::Shared(chunk) => chunk,
        };
        let front = Self {
            owner: Owner::Shared(Arc::clone(&chunk)),
            first: self.first,
            start: self.start,
            records,
            items,
            bytes,
        };
        let rest = Self {
            owner: Owner::Shared(chunk),
            first: self.first + records,
            start: self.start + bytes,
            records: self.records - records,
            items: self.items - items,
            bytes: self.bytes - bytes,
        };
        (front, rest)
    }

    /// Passes over its first record, in place.
    pub(crate) fn skip_first(&mut self) {
        let (items, bytes) = self.first_record();
        self.first += 1;
        self.start += bytes;
        self.records -= 1;
        self.items -= items;
        self.bytes -= bytes;
    }

    /// Its record bytes, in order of arrival.
    pub(crate) fn data(&self) -> &[u8] {
        self.owner.chunk().memory.records().get(self.start..self.start + self.bytes).unwrap_or_default()
    }

    /// Visits its runs, with their groups, items and bytes. Looks at no header where there is but one.
    pub(crate) fn for_each_run(&self, mut visit: impl FnMut(GroupId, u64, usize)) {
        let chunk = self.owner.chunk();
        if chunk.runs == 1 && self.records > 0 {
            return visit(chunk.latest, self.items, self.bytes);
        }
        let mut run: Option<(GroupId, u64, usize)> = None;
        for header in self.headers() {
            let (more_items, more_bytes) = (u64::from(header.items), header.len as usize);
            match &mut run {
                Some((group, items, bytes)) if *group == header.group => {
                    *items += more_items;
                    *bytes += more_bytes;
                }
                _ => {
                    if let Some((group, items, bytes)) = run.replace((header.group, more_items, more_bytes)) {
                        visit(group, items, bytes);
                    }
                }
            }
        }
        if let Some((group, items, bytes)) = run {
            visit(group, items, bytes);
        }
    }

    /// An upper bound of its runs.
    pub(crate) fn most_runs(&self) -> usize {
        self.records.min(self.owner.chunk().runs)
    }

    /// Whether requests should share its bytes, and so keep the chunk, instead of copying them: when its runs are long
    /// enough for that to be cheaper, and when they fill enough of the chunk not to keep too much memory for too little.
    pub(crate) fn is_worth_sharing(&self) -> bool {
        let chunk = self.owner.chunk();
        chunk.used() >= chunk.runs * SHARED_RUN && self.bytes >= chunk.size() / SHARED_PART
    }

    /// The chunk, when no other part looks at it.
    pub(crate) fn into_chunk(self) -> Option<Chunk> {
        match self.owner {
            Owner::Sole(chunk) => Some(chunk),
            Owner::Shared(chunk) => Arc::into_inner(chunk),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn chunk(size: usize, records: &[(u32, u32, &[u8])]) -> Chunk {
        let mut chunk = Chunk::new(Memory::allocate(size), None);
        for (group, items, bytes) in records {
            assert!(chunk.append(GroupId(*group), *items, bytes));
        }
        chunk
    }

    fn runs(part: &Part) -> Vec<(u32, u64, Vec<u8>)> {
        let (mut runs, mut rest) = (Vec::new(), part.data());
        part.for_each_run(|group, items, bytes| {
            let (run, after) = rest.split_at(bytes);
            runs.push((group.0, items, run.to_vec()));
            rest = after;
        });
        assert!(rest.is_empty() && runs.len() <= part.most_runs());
        runs
    }

    #[test]
    fn neighbours_of_one_group_are_one_run() {
        let part = Part::from(chunk(256, &[(1, 1, b"ab"), (1, 2, b"c"), (2, 1, b""), (1, 1, b"d")]));
        assert_eq!(runs(&part), [(1, 3, b"abc".to_vec()), (2, 1, vec![]), (1, 1, b"d".to_vec())]);
    }

    #[test]
    fn one_run_is_known_without_its_headers() {
        let part = Part::from(chunk(256, &[(7, 1, b"ab"), (7, 0, b""), (7, 2, b"c")]));
        let (front, rest) = part.split_front(1, 1, 2);
        assert_eq!(runs(&front), [(7, 1, b"ab".to_vec())]);
        assert_eq!(runs(&rest), [(7, 2, b"c".to_vec())]);
        assert_eq!(runs(&Part::from(chunk(256, &[]))), []);
    }

    #[test]
    fn few_records_go_into_the_chunk_before_them() {
        let mut part = Part::from(chunk(256, &[(1, 1, b"ab"), (2, 1, b"c")]));
        part.skip_first();
        assert!(part.absorb(&chunk(256, &[(2, 3, b"d"), (1, 1, b"")])));
        assert!(part.absorb(&chunk(256, &[(3, 1, b"e")])));
        assert_eq!(runs(&part), [(2, 4, b"cd".to_vec()), (1, 1, vec![]), (3, 1, b"e".to_vec())]);
        assert_eq!((part.records, part.items, part.bytes), (4, 6, 3));
        assert!(!part.absorb(&chunk(256, &[(1, 1, &[7; 32])])), "many");
        let (mut front, mut rest) = part.split_front(1, 1, 1);
        let few = chunk(256, &[(1, 1, b"x")]);
        assert!(!front.absorb(&few) && !rest.absorb(&few), "each would write into the other");
        assert!(
            !Part::from(chunk(32, &[(1, 1, b"full")])).absorb(&chunk(256, &[(1, 1, b"01234")])),
            "no room"
        );
    }

    #[test]
    fn one_run_is_known_also_when_it_was_copied_together() {
        let mut part = Part::from(chunk(256, &[(7, 1, b"ab")]));
        assert!(part.absorb(&chunk(256, &[(7, 1, b"c")])));
        assert_eq!((runs(&part), part.most_runs()), (vec![(7, 2, b"abc".to_vec())], 1));
    }

    #[test]
    fn long_runs_that_fill_their_chunk_are_worth_sharing() {
        let of =
            |size: usize, records: &[(u32, u32, &[u8])]| Part::from(chunk(size, records)).is_worth_sharing();
        let long = [7; SHARED_RUN];
        assert!(of(4096, &[(1, 1, &long)]));
        assert!(of(8192, &[(1, 1, &long), (2, 1, &long)]));
        assert!(!of(8192, &[(1, 1, &long), (2, 1, &long[1..])]), "short runs");
        assert!(!of(4 * SHARED_RUN + 4, &[(1, 1, &long)]), "a chunk that is mostly empty");
        let part = Part::from(chunk(3 * SHARED_RUN, &[(1, 1, &long), (1, 1, b"x")]));
        let (front, rest) = part.split_front(1, 1, SHARED_RUN);
        assert!(front.is_worth_sharing() && !rest.is_worth_sharing());
    }

    #[test]
    fn a_cut_keeps_every_record_once() {
        let part = Part::from(chunk(256, &[(1, 1, b"ab"), (1, 2, b"c"), (2, 1, b"d")]));
        let (records, items, bytes) = part.fitting(3, 100);
        assert_eq!((records, items, bytes), (2, 3, 3));
        let (front, mut rest) = part.split_front(records, items, bytes);
        assert_eq!(runs(&front), [(1, 3, b"abc".to_vec())]);
        assert_eq!(runs(&rest), [(2, 1, b"d".to_vec())]);
        assert_eq!((rest.records, rest.items, rest.bytes), (1, 1, 1));
        assert!(front.into_chunk().is_none(), "the rest still looks at it");
        rest.skip_first();
        assert_eq!((rest.records, rest.items, rest.bytes), (0, 0, 0));
        assert!(rest.into_chunk().is_some());
    }
}
