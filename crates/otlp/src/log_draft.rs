//! A log record that does not know its logger yet: for adapters, whose users may say severity and source last.
//!
//! The same recycled buffer, writer and filter as [`LogBuilder`](crate::LogBuilder)'s; only who decides what is taken comes at
//! the end.

use crate::clock;
use crate::context::TraceContext;
use crate::log_record::LiveLog;
use crate::logger::{Logger, identity};
use otlp_model::{Severity, ToKey, ToValue};
use std::fmt;
use std::time::SystemTime;

/// A log record being made, to be emitted by any logger of its client; made by [`Logger::draft`].
///
/// What is said twice counts as said last. Dropped without [`emit`](Self::emit), it was never there.
///
/// ```
/// # async fn f(client: otlp::Client) {
/// use otlp::Severity;
/// let logger = client.logger("shop");
/// let mut draft = logger.draft();
/// draft.set_attribute("cart.id", "c-17");
/// draft.set_body("the cart is locked");
/// draft.set_severity(Severity::Warn);
/// draft.emit(&logger);
/// # }
/// ```
pub struct LogDraft {
    live: Box<LiveLog>,
}

impl Logger {
    /// Begins a record that is told its severity when that is known, and whether it is taken when it is emitted.
    #[must_use]
    pub fn draft(&self) -> LogDraft {
        LogDraft { live: LiveLog::begin(Severity::Unspecified, self.log_limits()) }
    }
}

impl LogDraft {
    /// Its severity. Default: none.
    pub fn set_severity(&mut self, severity: Severity) {
        self.live.severity = severity;
    }

    /// As [`LogBuilder::body`](crate::LogBuilder::body).
    pub fn set_body(&mut self, body: impl ToValue) {
        self.live.writer.set_body(body.to_value());
    }

    /// As [`LogBuilder::attribute`](crate::LogBuilder::attribute).
    #[inline(always)]
    pub fn set_attribute(&mut self, key: impl ToKey, value: impl ToValue) {
        self.live.writer.set_attribute(key, value.to_value());
    }

    /// As [`LogBuilder::severity_text`](crate::LogBuilder::severity_text).
    pub fn set_severity_text(&mut self, text: impl AsRef<str>) {
        self.live.writer.set_severity_text(text.as_ref());
    }

    /// As [`LogBuilder::event_name`](crate::LogBuilder::event_name).
    pub fn set_event_name(&mut self, name: impl AsRef<str>) {
        self.live.writer.set_event_name(name.as_ref());
    }

    /// As [`LogBuilder::time`](crate::LogBuilder::time).
    pub fn set_time(&mut self, time: SystemTime) {
        self.live.time_unix_nano = clock::unix_nano(time);
    }

    /// As [`LogBuilder::observed_time`](crate::LogBuilder::observed_time).
    pub fn set_observed_time(&mut self, time: SystemTime) {
        self.live.observed_time_unix_nano = clock::unix_nano(time);
    }

    /// As [`LogBuilder::context`](crate::LogBuilder::context).
    pub fn set_context(&mut self, context: &TraceContext) {
        self.live.context = Some(identity(context.span_context()));
    }

    /// Whether it was told which span it belongs to.
    #[must_use]
    pub fn has_context(&self) -> bool {
        self.live.context.is_some()
    }

    /// Queues the record, as [`LogBuilder::emit`](crate::LogBuilder::emit), unless `logger` leaves it out.
    #[inline]
    pub fn emit(self, logger: &Logger) {
        logger.take(self.live);
    }
}

impl fmt::Debug for LogDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogDraft").field("severity", &self.live.severity).finish_non_exhaustive()
    }
}
