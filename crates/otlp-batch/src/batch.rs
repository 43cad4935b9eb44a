//! One batch on its way to the service.
//!
//! Made by the drain, read by the assembler. Never copies a record.

use std::fmt;
use std::sync::Arc;

use otlp_model::{GroupId, Record, Records};

use crate::chunk::{Chunk, HEADER, Part};
use crate::pool::{ChunkPool, Permit};
use crate::queue::Cut;
use crate::sync::{Mutex, lock};

/// Records taken from a queue: what the service is called with.
///
/// It owns the memory of its records, and gives it back to the pool when it is dropped: wherever that happens, also
/// inside a future that is cancelled. From then until the call ends, the pool goes on accounting for the size of the
/// records, for the request body that was made from them. So a service need only drop a batch once it is read, and
/// the pool's cap holds for bodies too.
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
    parts: Vec<Part>,
    items: u64,
    bytes: usize,
    /// The pool of the chunks, and the call they belong to.
    origin: Option<(ChunkPool, Arc<Body>)>,
}

impl Batch {
    pub(crate) fn new(cut: Cut, pool: ChunkPool, body: Arc<Body>) -> Self {
        Self { parts: cut.parts, items: cut.items, bytes: cut.bytes, origin: Some((pool, body)) }
    }

    /// The number of records; a metric is one record of many items.
    #[must_use]
    pub fn records(&self) -> usize {
        self.parts.iter().map(|part| part.records).sum()
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
        for part in &self.parts {
            part.for_each_run(visit);
        }
    }
}

impl From<Vec<Record>> for Batch {
    /// A batch outside any pool and any queue.
    fn from(records: Vec<Record>) -> Self {
        let bytes = records.bytes();
        let mut chunk = Chunk::new(vec![0; bytes + records.len() * HEADER].into_boxed_slice(), None);
        for record in &records {
            chunk.append(record.group, record.items, &record.bytes);
        }
        Self { parts: vec![Part::from(chunk)], items: records.items(), bytes, origin: None }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if let Some((pool, body)) = self.origin.take() {
            let chunks = self.parts.drain(..).filter_map(Part::into_chunk).filter_map(Chunk::into_data);
            body.take_over(&pool, chunks, self.bytes);
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("records", &self.records())
            .field("items", &self.items)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// The accounting of a request body: from the moment its batch is dropped to the end of the call.
#[derive(Debug, Default)]
pub(crate) struct Body(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// The batch is still there and accounts for itself.
    #[default]
    Unread,
    /// The batch was read.
    Read { _permit: Permit },
    /// The call has ended.
    Ended,
}

impl Body {
    /// Gives the chunks of the batch back, and accounts for its body if the call still runs.
    fn take_over(&self, pool: &ChunkPool, chunks: impl Iterator<Item = Box<[u8]>>, bytes: usize) {
        {
            let mut state = lock(&self.0);
            if matches!(*state, State::Unread) {
                *state = State::Read { _permit: pool.exchange(chunks, bytes) };
            } else {
                drop(pool.exchange(chunks, 0));
            }
        }
        // Wakes those who wait for room, with no lock held.
        pool.space().notify();
    }

    /// Ends the call.
    pub(crate) fn release(&self) {
        let before = std::mem::replace(&mut *lock(&self.0), State::Ended);
        drop(before);
    }
}
