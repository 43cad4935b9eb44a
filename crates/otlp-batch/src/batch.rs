//! One batch on its way to the service.
//!
//! Made by the drain, read by the assembler. Never copies a record.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use otlp_model::{EncodedRecords, GroupId, Record, Records, Run};

use crate::chunk::{Chunk, Part};
use crate::memory::Memory;
use crate::pool::{ChunkPool, Permit};
use crate::queue::Cut;
use crate::sync::{Mutex, lock};

/// Records taken from a queue: what the service is called with.
///
/// It shares the memory of its records with the bodies that are made from them by
/// [`for_each_shared_run`](Records::for_each_shared_run). A chunk goes back to the pool when the batch and the last such
/// slice are gone, wherever that happens, also inside a future that is cancelled: so whoever keeps a slice keeps the
/// chunk, which counts as used. From then until the call ends, the pool goes on accounting for the size of the records,
/// for what else was made from them: a copy, a compressed body. So a service need only drop a batch once it is read, and
/// the pool's cap holds for bodies too.
///
/// Shared are chunks that the batch fills to a good part, with runs of some length; the others are for copying, so that
/// a few spans that wait for a retry do not keep a chunk.
///
/// Tests of a service make batches from records:
///
/// ```
/// use otlp_batch::Batch;
/// use otlp_model::{GroupId, Record, Records};
/// let record = Record { group: GroupId(7), items: 1, bytes: bytes::Bytes::from_static(b"\x12\x00") };
/// let batch = Batch::from(vec![record.clone(), record]);
/// assert_eq!((batch.items(), batch.bytes()), (2, 4));
/// batch.for_each_run(&mut |group, items, bytes| {
///     assert_eq!((group, items, bytes), (GroupId(7), 2, &b"\x12\x00\x12\x00"[..]));
/// });
/// ```
pub struct Batch {
    lots: Vec<Lot>,
    /// The runs of all lots, with their items and bytes.
    runs: Vec<(GroupId, u64, usize)>,
    records: usize,
    items: u64,
    bytes: usize,
}

/// The records of one part.
struct Lot {
    bytes: Bytes,
    /// Which of the batch's runs they are.
    runs: Range<usize>,
    worth_sharing: bool,
}

impl Batch {
    pub(crate) fn new(cut: Cut, pool: &ChunkPool, call: &Arc<Call>) -> Self {
        Self::of(cut.parts, |part| Loan { part: Some(part), origin: Some((pool.clone(), Arc::clone(call))) })
    }

    fn of(parts: Vec<Part>, lend: impl Fn(Part) -> Loan) -> Self {
        let mut runs = Vec::with_capacity(parts.iter().map(Part::most_runs).sum());
        let (mut records, mut items, mut bytes) = (0, 0, 0);
        let lots = parts.into_iter().map(|part| {
            let first = runs.len();
            part.for_each_run(|group, items, bytes| runs.push((group, items, bytes)));
            records += part.records;
            items += part.items;
            bytes += part.bytes;
            let worth_sharing = part.is_worth_sharing();
            Lot { bytes: Bytes::from_owner(lend(part)), runs: first..runs.len(), worth_sharing }
        });
        let lots = lots.collect();
        Self { lots, runs, records, items, bytes }
    }

    /// The number of records; a metric is one record of many items.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// Calls `visit` for every run with the lot it is in, and where.
    fn for_each(&self, mut visit: impl FnMut(GroupId, u64, &Lot, Range<usize>)) {
        for lot in &self.lots {
            let mut start = 0;
            for &(group, items, bytes) in self.runs.get(lot.runs.clone()).unwrap_or_default() {
                visit(group, items, lot, start..start + bytes);
                start += bytes;
            }
        }
    }
}

impl Records for Batch {
    fn items(&self) -> u64 {
        self.items
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        self.for_each(|group, items, lot, range| {
            visit(group, items, lot.bytes.get(range).unwrap_or_default());
        });
    }

    fn for_each_shared_run(&self, visit: &mut dyn FnMut(GroupId, u64, Run<'_>)) {
        self.for_each(|group, items, lot, range| {
            if lot.worth_sharing {
                visit(group, items, Run::Shared(&lot.bytes.slice(range)));
            } else {
                visit(group, items, Run::Borrowed(lot.bytes.get(range).unwrap_or_default()));
            }
        });
    }
}

impl From<Vec<Record>> for Batch {
    /// A batch outside any pool and any queue.
    fn from(records: Vec<Record>) -> Self {
        let bytes = records.bytes();
        let mut chunk = Chunk::new(Memory::exactly(records.len(), bytes), None);
        for record in &records {
            chunk.append(record.group, record.items, &record.bytes);
        }
        Self::of(vec![Part::from(chunk)], |part| Loan { part: Some(part), origin: None })
    }
}

impl From<EncodedRecords> for Batch {
    /// A batch outside any pool and any queue, in the memory of these records.
    fn from(encoded: EncodedRecords) -> Self {
        let (items, worth_sharing) = (encoded.items(), encoded.is_worth_sharing());
        let (data, runs) = encoded.into_parts();
        let bytes = data.len();
        let lot = Lot { bytes: data, runs: 0..runs.len(), worth_sharing };
        // How many records its runs have, nobody counted.
        Self { lots: vec![lot], records: runs.len(), runs, items, bytes }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("records", &self.records)
            .field("items", &self.items)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A part, lent to all who read its records: the owner of their bytes.
struct Loan {
    part: Option<Part>,
    /// The pool of the chunk, and the call the part belongs to.
    origin: Option<(ChunkPool, Arc<Call>)>,
}

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        self.part.as_ref().map_or(&[], Part::data)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let (Some(part), Some((pool, call))) = (self.part.take(), self.origin.take()) {
            let bytes = part.bytes;
            call.take_back(&pool, part.into_chunk().and_then(Chunk::into_memory), bytes);
        }
    }
}

/// What the pool accounts for on behalf of one call: from the moment a part of its batch is no longer read to the end.
#[derive(Debug)]
pub(crate) struct Call(Mutex<State>);

#[derive(Debug)]
enum State {
    Runs(Option<Permit>),
    Ended,
}

impl Default for Call {
    fn default() -> Self {
        Self(Mutex::new(State::Runs(None)))
    }
}

impl Call {
    /// Gives a chunk back if nobody else uses it, and accounts for what was made of its records if the call still runs.
    fn take_back(&self, pool: &ChunkPool, chunk: Option<Memory>, bytes: usize) {
        let announce = {
            let mut state = lock(&self.0);
            match &mut *state {
                State::Runs(permit) => {
                    let (more, announce) = pool.exchange(chunk, bytes);
                    match permit {
                        Some(permit) => permit.add(more),
                        none => *none = Some(more),
                    }
                    announce
                }
                State::Ended => pool.exchange(chunk, 0).1,
            }
        };
        // Wakes those who wait for room, with no lock held.
        if announce {
            pool.space().notify();
        }
    }

    /// Accounts for `permit`, too, until the call ends.
    #[cfg(not(loom))]
    pub(crate) fn keep(&self, permit: Permit) {
        if let State::Runs(kept @ None) = &mut *lock(&self.0) {
            *kept = Some(permit);
        }
    }

    /// Ends the call, and announces all the room it made.
    pub(crate) fn end(&self, pool: &ChunkPool) {
        let before = std::mem::replace(&mut *lock(&self.0), State::Ended);
        drop(before);
        pool.space().notify();
    }
}
