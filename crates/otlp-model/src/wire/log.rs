//! Log records on the wire.

use super::buffer::{FIELD_2, close, open, put_bytes, put_nonzero_fixed64, put_str, put_uint};
use super::unique::put_attributes;
use super::value::{ValueLimits, put_value};
use crate::{GroupId, Limits, LogRecord, Record, ToValue};

/// Appends a log record to `out` as one record. Limits apply to its attributes, never to its body (conformance LIM-13).
///
/// ```
/// use otlp_model::{Limits, LogRecord, Severity, encode_log};
/// let mut records = Vec::new();
/// encode_log(&LogRecord::new(1_000, Severity::Info, "started"), &Limits::default(), &mut records);
/// assert_eq!(records[0], 0x12);
/// ```
pub fn encode_log(log: &LogRecord, limits: &Limits, out: &mut Vec<u8>) {
    out.reserve(128);
    let record = open(out, FIELD_2, 2);
    put_nonzero_fixed64(out, 0x09, log.time_unix_nano);
    put_nonzero_fixed64(out, 0x59, log.observed_time_unix_nano);
    put_uint(out, 0x10, log.severity.number().into());
    put_str(out, 0x1a, &log.severity_text);
    if let Some(body) = &log.body {
        put_value(out, 0x2a, body.to_value(), ValueLimits::UNLIMITED);
    }
    let value_limits = ValueLimits::of(limits);
    let discarded = put_attributes(out, 0x32, &log.attributes, limits.attribute_count, value_limits);
    put_uint(out, 0x38, log.dropped_attributes_count.saturating_add(discarded).into());
    // A span without its trace means nothing (LOG-16), and neither do flags.
    if log.trace_id.is_valid() {
        let mut flags = [0; 5];
        // Bits 0 to 7 only: a log knows nothing about remote parents (MODEL-07).
        (flags[0], flags[1]) = (0x45, log.flags.bits());
        out.extend_from_slice(&flags);
        put_bytes(out, 0x4a, log.trace_id.as_bytes());
        if log.span_id.is_valid() {
            put_bytes(out, 0x52, log.span_id.as_bytes());
        }
    }
    put_str(out, 0x62, &log.event_name);
    close(out, record);
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
