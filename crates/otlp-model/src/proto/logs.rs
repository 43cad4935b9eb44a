//! Log records.

use super::common::attributes;
use super::generated::logs::v1 as proto;
use super::{ConvertError, into_all, optional, span_id, trace_id};
use crate::{AnyValue, LogRecord, Severity, TraceFlags};

impl From<LogRecord> for proto::LogRecord {
    /// A span without its trace is left out, as by the writer (conformance LOG-16).
    fn from(log: LogRecord) -> Self {
        let (attributes, discarded) = attributes(&log.attributes);
        let in_trace = log.trace_id.is_valid();
        Self {
            time_unix_nano: log.time_unix_nano,
            observed_time_unix_nano: log.observed_time_unix_nano,
            severity_number: log.severity.number().into(),
            severity_text: log.severity_text.into_owned(),
            body: log.body.map(Into::into),
            attributes,
            dropped_attributes_count: log.dropped_attributes_count.saturating_add(discarded),
            flags: if in_trace { log.flags.bits().into() } else { 0 },
            trace_id: optional(in_trace, log.trace_id.as_bytes()),
            span_id: optional(in_trace && log.span_id.is_valid(), log.span_id.as_bytes()),
            event_name: log.event_name.into_owned(),
        }
    }
}

impl TryFrom<proto::LogRecord> for LogRecord {
    type Error = ConvertError;

    fn try_from(log: proto::LogRecord) -> Result<Self, ConvertError> {
        let severity = Severity::from_number(log.severity_number).ok_or_else(|| {
            ConvertError::new("severity_number", format!("{} is no severity", log.severity_number))
        })?;
        Ok(Self {
            time_unix_nano: log.time_unix_nano,
            observed_time_unix_nano: log.observed_time_unix_nano,
            severity,
            severity_text: log.severity_text.into(),
            body: log.body.map(AnyValue::from),
            attributes: into_all(log.attributes),
            dropped_attributes_count: log.dropped_attributes_count,
            trace_id: trace_id(&log.trace_id)?,
            span_id: span_id("span_id", &log.span_id)?,
            // Bits 8 to 31 are masked (MODEL-07).
            flags: TraceFlags::from_bits((log.flags & 0xff) as u8),
            event_name: log.event_name.into(),
        })
    }
}
