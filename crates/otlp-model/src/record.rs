//! Encoded records and the groups they belong to: what the queue carries and the assembler reads.
//!
//! A record is one length-delimited protobuf field (`ScopeSpans.spans`, `ScopeLogs.log_records` or
//! `ScopeMetrics.metrics`: all field 2), so that a request is the concatenation of records under the headers of their
//! group. The queue treats the bytes as opaque.

use bytes::Bytes;

/// A resource and scope registered with `Groups`; every record belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub u32);

/// One encoded record, owned: a span, a log record, or a metric with its data points.
///
/// ```
/// use otlp_model::{GroupId, Record};
/// let record = Record { group: GroupId(0), items: 1, bytes: bytes::Bytes::from_static(b"\x12\x00") };
/// assert_eq!(record.items, 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The group it belongs to.
    pub group: GroupId,
    /// What it counts for: 1 for a span or log record, the number of data points for a metric.
    pub items: u32,
    /// The encoded field, tag and length included.
    pub bytes: Bytes,
}

/// A batch of encoded records that an assembler can read as runs: neighbouring records of one group, contiguous.
pub trait Records {
    /// The items of all records together.
    fn items(&self) -> u64;

    /// The bytes of all records together.
    fn bytes(&self) -> usize;

    /// Calls `visit` for every run in order of arrival with its group, its items and its bytes.
    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8]));
}

impl Records for [Record] {
    fn items(&self) -> u64 {
        self.iter().map(|record| u64::from(record.items)).sum()
    }

    fn bytes(&self) -> usize {
        self.iter().map(|record| record.bytes.len()).sum()
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        for record in self {
            visit(record.group, u64::from(record.items), &record.bytes);
        }
    }
}

impl Records for Vec<Record> {
    fn items(&self) -> u64 {
        self.as_slice().items()
    }

    fn bytes(&self) -> usize {
        self.as_slice().bytes()
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        self.as_slice().for_each_run(visit);
    }
}
