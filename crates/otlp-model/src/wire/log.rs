//! Typed log records on the wire, through the same writer as live ones.

use super::LogWriter;
use crate::{GroupId, Limits, LogRecord, Record};

/// Appends a log record to `out` as one record. Limits apply to its attributes, never to its body (conformance LIM-13).
///
/// ```
/// use otlp_model::{Limits, LogRecord, Severity, encode_log};
/// let mut records = Vec::new();
/// encode_log(&LogRecord::new(1_000, Severity::Info, "started"), &Limits::default(), &mut records);
/// assert_eq!(records[0], 0x12);
/// ```
pub fn encode_log(log: &LogRecord, limits: &Limits, out: &mut Vec<u8>) {
    out.extend_from_slice(LogWriter::new().encode(log, limits));
}

impl LogRecord {
    /// This log record as a record of `group`.
    ///
    /// ```
    /// # use otlp_model::{GroupId, Limits, LogRecord, Severity};
    /// let log = LogRecord::new(1_000, Severity::Info, "started");
    /// assert_eq!(log.to_record(GroupId(0), &Limits::default()).items, 1);
    /// ```
    #[must_use]
    pub fn to_record(&self, group: GroupId, limits: &Limits) -> Record {
        let mut bytes = Vec::new();
        encode_log(self, limits, &mut bytes);
        Record { group, items: 1, bytes: bytes.into() }
    }
}
