//! Events of `tracing` as log records.

use crate::event::Said;
use otlp::{LogBuilder, Severity, TraceContext};
use tracing::Level;

impl Said<'_> {
    /// Tells a log record what the event says, and emits it: for the span of that context, or for what is current.
    pub(crate) fn log(&self, mut record: LogBuilder<'_>, context: Option<&TraceContext>) {
        record = record.severity_text(self.metadata.level().as_str());
        if let Some(message) = self.fields.message() {
            record = record.body(message);
        }
        // What `tracing` calls an event that has no name of its own is where it stands.
        let name = self.metadata.name();
        if !name.starts_with("event ") && !self.is_log_record() {
            record = record.event_name(name);
        }
        // The level is the severity.
        record = self.attributes().skip(1).fold(record, |record, (key, value)| record.attribute(key, value));
        if let Some(context) = context {
            record = record.context(context);
        }
        record.emit();
    }
}

pub(crate) fn severity(level: Level) -> Severity {
    match level {
        Level::TRACE => Severity::Trace,
        Level::DEBUG => Severity::Debug,
        Level::INFO => Severity::Info,
        Level::WARN => Severity::Warn,
        Level::ERROR => Severity::Error,
    }
}
