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

    /// As [`for_each_run`](Self::for_each_run), the same runs in the same order, but shared where the batch has its
    /// bytes in memory that can be, and finds it worth it.
    ///
    /// Without an implementation of its own, a batch shares nothing: its records are copied into the request.
    fn for_each_shared_run(&self, visit: &mut dyn FnMut(GroupId, u64, Run<'_>)) {
        self.for_each_run(&mut |group, items, bytes| visit(group, items, Run::Borrowed(bytes)));
    }
}

/// The bytes of a run, as a batch hands them out.
#[derive(Debug, Clone, Copy)]
pub enum Run<'a> {
    /// To be copied by whoever needs them for longer.
    Borrowed(&'a [u8]),
    /// To be kept by counting a reference, which keeps the memory of the batch, too.
    Shared(&'a Bytes),
}

impl Run<'_> {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// From how many bytes on sharing a record costs less than copying it.
const WORTH_SHARING: usize = 4096;

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

    fn for_each_shared_run(&self, visit: &mut dyn FnMut(GroupId, u64, Run<'_>)) {
        for Record { group, items, bytes } in self {
            let shared = bytes.len() >= WORTH_SHARING;
            visit(*group, u64::from(*items), if shared { Run::Shared(bytes) } else { Run::Borrowed(bytes) });
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
    fn for_each_shared_run(&self, visit: &mut dyn FnMut(GroupId, u64, Run<'_>)) {
        self.as_slice().for_each_shared_run(visit);
    }
}
