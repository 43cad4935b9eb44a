//! Log records.

use super::request::FromMessage;
use super::span::{record_message, trace_flags};
use super::{AttributesView, DecodeError, Message, ValueView};
use crate::{LogRecord, Severity, SpanId, TraceFlags, TraceId};

/// One log record.
///
/// ```
/// use otlp_model::{Limits, LogRecord, Severity, encode_log, view::LogRecordView};
/// let log = LogRecord::new(1_000, Severity::Warn, "disk is almost full");
/// let mut record = Vec::new();
/// encode_log(&log, &Limits::default(), &mut record);
/// let view = LogRecordView::from_record(&record)?;
/// assert_eq!(view.severity_number, 13);
/// assert_eq!(view.to_log_record()?, log);
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LogRecordView<'a> {
    /// When it happened, in nanoseconds since the Unix epoch; 0 if unknown.
    pub time_unix_nano: u64,
    /// When it was observed, in nanoseconds since the Unix epoch.
    pub observed_time_unix_nano: u64,
    /// How serious it is: 1 to 24, 0 if unspecified, anything from other writers.
    pub severity_number: i32,
    /// The source's own name of the level.
    pub severity_text: &'a str,
    /// What it says; `None` if absent, which is not the same as [`ValueView::Empty`].
    pub body: Option<ValueView<'a>>,
    /// Attributes.
    pub attributes: AttributesView<'a>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
    /// The W3C trace flags; all other bits are masked (MODEL-07).
    pub flags: TraceFlags,
    /// The trace's id; [`TraceId::INVALID`] if absent or of a wrong length.
    pub trace_id: TraceId,
    /// The span's id; [`SpanId::INVALID`] if absent or of a wrong length.
    pub span_id: SpanId,
    /// What kind of event this is; empty for a plain log record.
    pub event_name: &'a str,
}

impl<'a> LogRecordView<'a> {
    /// Reads one record of the queue: the field `ScopeLogs.log_records`, tag and length included.
    ///
    /// # Errors
    /// The bytes are no such field, or more than one.
    pub fn from_record(record: &'a [u8]) -> Result<Self, DecodeError> {
        record_message(record).and_then(Self::from_message)
    }

    /// The record, owned. A severity that is not known is unspecified.
    ///
    /// # Errors
    /// An attribute or the body is malformed.
    pub fn to_log_record(&self) -> Result<LogRecord, DecodeError> {
        Ok(LogRecord {
            time_unix_nano: self.time_unix_nano,
            observed_time_unix_nano: self.observed_time_unix_nano,
            severity: Severity::from_number(self.severity_number).unwrap_or_default(),
            severity_text: self.severity_text.to_owned().into(),
            body: self.body.map(|body| body.to_any_value()).transpose()?,
            attributes: self.attributes.to_key_values()?,
            dropped_attributes_count: self.dropped_attributes_count,
            trace_id: self.trace_id,
            span_id: self.span_id,
            flags: self.flags,
            event_name: self.event_name.to_owned().into(),
        })
    }
}

impl<'a> FromMessage<'a> for LogRecordView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut log = Self {
            time_unix_nano: 0,
            observed_time_unix_nano: 0,
            severity_number: 0,
            severity_text: "",
            body: None,
            attributes: AttributesView::new(message, 6),
            dropped_attributes_count: 0,
            flags: TraceFlags::NONE,
            trace_id: TraceId::INVALID,
            span_id: SpanId::INVALID,
            event_name: "",
        };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => log.time_unix_nano = field.fixed64()?,
                2 => log.severity_number = field.int32()?,
                3 => log.severity_text = field.string()?,
                5 => log.body = Some(ValueView::from_message(field.message()?)?),
                7 => log.dropped_attributes_count = field.uint32()?,
                8 => log.flags = trace_flags(field.fixed32()?),
                9 => log.trace_id = TraceId::from_slice(field.bytes()?).unwrap_or_default(),
                10 => log.span_id = SpanId::from_slice(field.bytes()?).unwrap_or_default(),
                11 => log.observed_time_unix_nano = field.fixed64()?,
                12 => log.event_name = field.string()?,
                _ => {}
            }
        }
        Ok(log)
    }
}
