//! Encoded records in one piece of memory, as somebody who has a whole batch already makes them.
//!
//! Used by exporters of other SDKs, which are handed batches. Knows nothing of what the bytes mean; never splits a record.

use crate::{GroupId, Records};
use bytes::Bytes;

/// From which average length of a run on sharing it costs less than copying it.
const WORTH_SHARING: usize = 4096;

/// Records one behind the other, and which group each run of them belongs to.
///
/// ```
/// use otlp_model::{EncodedRecords, GroupId, Records};
/// let mut records = EncodedRecords::new();
/// records.push(GroupId(0), 1, b"\x12\x00");
/// let items = records.append(GroupId(0), |bytes| {
///     bytes.extend_from_slice(b"\x12\x00");
///     1
/// });
/// assert_eq!((items, records.items(), records.bytes()), (1, 2, 4));
/// ```
#[derive(Debug, Clone, Default)]
pub struct EncodedRecords {
    bytes: Vec<u8>,
    runs: Vec<(GroupId, u64, usize)>,
}

impl EncodedRecords {
    /// No records, and no memory yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No records, and memory for that many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), runs: Vec::new() }
    }

    /// Adds a record that counts for `items`.
    pub fn push(&mut self, group: GroupId, items: u32, record: &[u8]) {
        self.append(group, |bytes| {
            bytes.extend_from_slice(record);
            items
        });
    }

    /// Has `write` append one record, tag and length included, and say what it counts for; returns that.
    pub fn append(&mut self, group: GroupId, write: impl FnOnce(&mut Vec<u8>) -> u32) -> u32 {
        let start = self.bytes.len();
        let items = write(&mut self.bytes);
        let len = self.bytes.len().saturating_sub(start);
        match self.runs.last_mut() {
            Some(run) if run.0 == group => *run = (group, run.1 + u64::from(items), run.2 + len),
            _ => self.runs.push((group, items.into(), len)),
        }
        items
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The bytes, and group, items and length of each run.
    #[must_use]
    pub fn into_parts(self) -> (Bytes, Vec<(GroupId, u64, usize)>) {
        (self.bytes.into(), self.runs)
    }

    /// Whether its runs are so long that keeping their memory costs less than copying them.
    #[must_use]
    pub fn is_worth_sharing(&self) -> bool {
        self.bytes.len() >= self.runs.len() * WORTH_SHARING
    }
}

impl Records for EncodedRecords {
    fn items(&self) -> u64 {
        self.runs.iter().map(|(_, items, _)| items).sum()
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        let mut start = 0;
        for &(group, items, len) in &self.runs {
            visit(group, items, self.bytes.get(start..start + len).unwrap_or_default());
            start += len;
        }
    }
}
