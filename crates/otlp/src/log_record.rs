//! A log record being made: its own wire form, written as it is described.
//!
//! It owns one recycled buffer, and every call appends OTLP protobuf to it. [`LogBuilder::emit`] completes the record and
//! copies it into the queue. A record below the threshold owns nothing and does nothing. No call returns an error or panics,
//! also when what is to be displayed does, and none allocates once the thread has made a few records.

use crate::context::TraceContext;
use crate::exception;
use crate::foreign::contained;
use crate::logger::{LogFilter, LoggerInner, current, identity};
use crate::shared::Shared;
use crate::spare::{SPARE_BYTES, Spare};
use crate::{clock, runtime};
use otlp_model::{GroupId, Limits, LogRecord, LogWriter, Severity, Signal, SpanContext, ToKey, ToValue};
use std::error::Error;
use std::fmt;
use std::time::SystemTime;

thread_local! {
    static SPARE: Spare<LiveLog> = const { Spare::new() };
}

/// What a record that will be taken holds. Recycled with its buffer.
#[derive(Default)]
pub(crate) struct LiveLog {
    pub(crate) writer: LogWriter,
    pub(crate) severity: Severity,
    pub(crate) time_unix_nano: u64,
    pub(crate) observed_time_unix_nano: u64,
    /// The span it belongs to, if it was told.
    pub(crate) context: Option<SpanContext>,
}

impl LiveLog {
    #[inline]
    pub(crate) fn begin(severity: Severity, limits: &Limits) -> Box<Self> {
        let mut live = Self::take(severity);
        live.writer.start(limits);
        live
    }

    /// A typed record.
    pub(crate) fn of(record: &LogRecord, limits: &Limits) -> Box<Self> {
        let mut live = Self::take(record.severity);
        live.writer.put(record, limits);
        live.time_unix_nano = record.time_unix_nano;
        live.observed_time_unix_nano = record.observed_time_unix_nano;
        live.context = record
            .trace_id
            .is_valid()
            .then(|| SpanContext::new(record.trace_id, record.span_id, record.flags));
        live
    }

    #[inline]
    fn take(severity: Severity) -> Box<Self> {
        let mut live = SPARE.try_with(Spare::take).ok().flatten().unwrap_or_default();
        live.severity = severity;
        (live.time_unix_nano, live.observed_time_unix_nano) = (0, 0);
        live.context = None;
        live
    }

    #[inline]
    pub(crate) fn emit(mut self: Box<Self>, shared: &Shared, group: GroupId, filter: LogFilter) {
        let context = self.context.take().unwrap_or_else(current);
        let observed = match self.observed_time_unix_nano {
            0 => shared.clock.read().unix_nano,
            told => told,
        };
        let record = self.writer.finish(self.severity, self.time_unix_nano, observed, &context);
        // A record about exporting would be followed by another about exporting it, without end (conformance BATCH-26).
        if filter.takes_of(&context) && !runtime::is_telling() {
            shared.push(Signal::Logs, group, record);
            if self.writer.has_dropped() {
                shared.limited(Signal::Logs);
            }
        }
        if self.writer.capacity() > SPARE_BYTES {
            self.writer.shrink_to(SPARE_BYTES);
        }
        // While the thread is being torn down there is nowhere to put it, and it is freed.
        let _ = SPARE.try_with(|spare| spare.give(self));
    }
}

/// A log record about to be emitted; made by [`Logger::record`](crate::Logger::record).
///
/// What is said twice counts as said last. Nothing is queued before [`emit`](Self::emit).
///
/// ```
/// # async fn f(client: otlp::Client) {
/// use otlp::{Severity, TraceContext};
/// let logger = client.logger("shop");
/// logger
///     .record(Severity::Error)
///     .body("payment was refused")
///     .attribute("payment.amount", 42.5)
///     .event_name("shop.payment.refused")
///     .exception(&std::io::Error::other("card expired"))
///     .emit();
/// # }
/// ```
#[must_use = "the record is queued by `emit`"]
pub struct LogBuilder<'a> {
    logger: &'a LoggerInner,
    live: Option<Box<LiveLog>>,
}

impl<'a> LogBuilder<'a> {
    #[inline]
    pub(crate) fn new(logger: &'a LoggerInner, severity: Severity) -> Self {
        let live = logger.filter.takes(severity).then(|| LiveLog::begin(severity, &logger.shared.log_limits));
        Self { logger, live }
    }

    #[inline(always)]
    fn with(mut self, change: impl FnOnce(&mut LiveLog)) -> Self {
        if let Some(live) = &mut self.live {
            change(live);
        }
        self
    }

    /// What it says: a text or a value of any shape, kept as it is (conformance LOG-06).
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// use otlp::{AnyValue, KeyValue, Severity};
    /// let order = AnyValue::Map(vec![KeyValue::new("id", 7), KeyValue::new("total", 42.5)]);
    /// client.logger("shop").record(Severity::Info).body(&order).emit();
    /// # }
    /// ```
    #[inline]
    pub fn body(self, body: impl ToValue) -> Self {
        self.with(|live| live.writer.set_body(body.to_value()))
    }

    /// What it says, displayed straight into the record. A `Display` that panics is named in its place.
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// # let (done, all) = (3, 4);
    /// client.logger("shop").record(otlp::Severity::Info).body_text(format_args!("{done} of {all}")).emit();
    /// # }
    /// ```
    #[inline]
    pub fn body_text(self, body: fmt::Arguments<'_>) -> Self {
        self.with(|live| {
            live.set_body_text(body);
        })
    }

    /// Sets an attribute, replacing an earlier value of the same key. What the limits forbid is counted in the record. The key
    /// is any text, or a reference to a [`Key`](crate::Key) that was prepared at compile time.
    // Inlined, so that the hash of a key that the caller writes as a literal is a constant.
    #[inline(always)]
    pub fn attribute(self, key: impl ToKey, value: impl ToValue) -> Self {
        self.with(|live| live.writer.set_attribute(key, value.to_value()))
    }

    /// Sets an attribute to what is displayed, straight into the record. A `Display` that panics is named in its place.
    pub fn attribute_text(self, key: &str, text: fmt::Arguments<'_>) -> Self {
        self.with(|live| live.set_text(key, text))
    }

    /// The source's own name of the level, for example `warning` (conformance LOG-05). Default: none; receivers show the
    /// severity's.
    pub fn severity_text(self, text: impl AsRef<str>) -> Self {
        self.with(|live| live.writer.set_severity_text(text.as_ref()))
    }

    /// The name that makes it an event: it says what its attributes and its body are.
    pub fn event_name(self, name: impl AsRef<str>) -> Self {
        self.with(|live| live.writer.set_event_name(name.as_ref()))
    }

    /// When it happened. Default: not said; it is not invented (conformance LOG-02).
    pub fn time(self, time: SystemTime) -> Self {
        self.with(|live| live.time_unix_nano = clock::unix_nano(time))
    }

    /// When it was seen, for what comes from somewhere else. Default: now.
    pub fn observed_time(self, time: SystemTime) -> Self {
        self.with(|live| live.observed_time_unix_nano = clock::unix_nano(time))
    }

    /// The span it belongs to (conformance LOG-03). Default: whose context is current when it is emitted; the default
    /// context makes it belong to none.
    pub fn context(self, context: &TraceContext) -> Self {
        self.with(|live| live.context = Some(identity(context.span_context())))
    }

    /// The error it tells of, as `exception.type`, `exception.message` and, where the error has sources, the chain of them as
    /// `exception.stacktrace`. Attributes set by their names win, before or after (conformance LOG-08). The type of an error
    /// that comes as `dyn Error` is not known, and left out.
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// use otlp::Severity;
    /// if let Err(error) = "x".parse::<u8>() {
    ///     client.logger("shop").record(Severity::Error).body("no number").exception(&error).emit();
    /// }
    /// # }
    /// ```
    pub fn exception<E: Error + ?Sized>(self, error: &E) -> Self {
        self.with(|live| {
            live.set_exception(error);
        })
    }

    /// Queues the record. Never blocks, unless the client was told so:
    /// [`with_overflow_policy`](crate::ClientBuilder::with_overflow_policy) with `Block`, or
    /// [`with_async_export(false)`](crate::ClientBuilder::with_async_export).
    #[inline]
    pub fn emit(self) {
        if let Some(live) = self.live {
            live.emit(&self.logger.shared, self.logger.group, self.logger.filter);
        }
    }
}

/// What stands in the place of what could not be displayed.
const PANICKED: &str = "(its Display panicked)";

impl LiveLog {
    pub(crate) fn set_body_text(&mut self, body: fmt::Arguments<'_>) {
        if let Some(text) = body.as_str() {
            self.writer.set_body(text.into());
        } else if !contained(|| self.writer.set_body_text(body)) {
            self.writer.set_body(PANICKED.into());
        }
    }

    pub(crate) fn set_text(&mut self, key: &str, text: fmt::Arguments<'_>) {
        if !contained(|| self.writer.set_attribute_text(key, text)) {
            self.writer.set_attribute(key, PANICKED.into());
        }
    }
}

impl LiveLog {
    pub(crate) fn set_exception<E: Error + ?Sized>(&mut self, error: &E) {
        exception::describe(error, |key, text| {
            if !self.writer.has_attribute(key) {
                self.set_text(key, text);
            }
        });
    }
}

impl fmt::Debug for LogBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.live.as_ref().map(|live| live.severity);
        f.debug_struct("LogBuilder").field("severity", &severity).finish_non_exhaustive()
    }
}
