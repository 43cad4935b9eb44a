//! Loggers: for one scope each, with a filter by severity and by the trace's sampling.
//!
//! A record is made by [`LogBuilder`](crate::LogBuilder), or comes typed. Decides which records are taken; never waits for
//! the network, and returns no error.

use crate::context::{TraceContext, is_any_current, with_current};
use crate::log_record::{LiveLog, LogBuilder};
use crate::shared::Shared;
use otlp_model::{GroupId, Limits, LogRecord, Severity, SpanContext};
use std::fmt;
use std::sync::Arc;

/// Makes log records for one instrumentation scope. Cloning is cheap, and it may be used from any thread.
///
/// A record belongs to the span whose context is current, unless it is told otherwise. A logger that outlives its client
/// still works: its records are counted as dropped (`shut_down`).
///
/// ```
/// # async fn f(client: otlp::Client) {
/// use otlp::Severity;
/// let logger = client.logger("shop");
/// logger.record(Severity::Warn).body("the cart is locked").attribute("cart.id", "c-17").emit();
/// if logger.enabled(Severity::Debug) {
///     let contents = vec!["apple", "pear"]; // what would be costly to find out
///     logger.record(Severity::Debug).body(contents.as_slice()).emit();
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Logger {
    inner: Arc<LoggerInner>,
}

#[derive(Clone)]
pub(crate) struct LoggerInner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) group: GroupId,
    pub(crate) filter: LogFilter,
}

/// Which records are left out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogFilter {
    /// All: the client takes no logs.
    pub(crate) off: bool,
    /// Those of a lower severity, if they have one.
    pub(crate) threshold: Severity,
    /// Those of spans that are not sampled.
    pub(crate) trace_based: bool,
}

impl Logger {
    pub(crate) fn new(shared: Arc<Shared>, group: GroupId) -> Self {
        let filter = shared.log_filter;
        Self { inner: Arc::new(LoggerInner { shared, group, filter }) }
    }

    /// The same logger with a least severity of its own; see
    /// [`ClientBuilder::with_log_severity_threshold`](crate::ClientBuilder::with_log_severity_threshold).
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// use otlp::Severity;
    /// let chatty = client.logger("chatty").with_severity_threshold(Severity::Warn);
    /// assert!(!chatty.enabled(Severity::Info));
    /// # }
    /// ```
    #[must_use]
    pub fn with_severity_threshold(&self, threshold: Severity) -> Self {
        self.with_filter(LogFilter { threshold, ..self.inner.filter })
    }

    /// The same logger, which leaves out records of spans that are not sampled, or does not; see
    /// [`ClientBuilder::with_trace_based_logs`](crate::ClientBuilder::with_trace_based_logs).
    #[must_use]
    pub fn with_trace_based(&self, trace_based: bool) -> Self {
        self.with_filter(LogFilter { trace_based, ..self.inner.filter })
    }

    /// The same logger, which takes no records, or takes them again. A client without logs takes none from any logger.
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// use otlp::Severity;
    /// let quiet = client.logger("noisy_library").with_enabled(false);
    /// assert!(!quiet.enabled(Severity::Fatal));
    /// # }
    /// ```
    #[must_use]
    pub fn with_enabled(&self, enabled: bool) -> Self {
        let off = !enabled || self.inner.shared.log_filter.off;
        self.with_filter(LogFilter { off, ..self.inner.filter })
    }

    fn with_filter(&self, filter: LogFilter) -> Self {
        Self { inner: Arc::new(LoggerInner { filter, ..(*self.inner).clone() }) }
    }

    /// Whether a record of this severity, made here and now, would be taken. Only needed before work that the record
    /// alone needs: one that is not taken costs next to nothing, and nothing is taken for the lack of this question.
    #[must_use]
    #[inline]
    pub fn enabled(&self, severity: Severity) -> bool {
        let filter = self.inner.filter;
        filter.takes(severity) && (!filter.trace_based || filter.takes_of(&current()))
    }

    /// Whether a record of this severity would be taken wherever its span is sampled: for who knows of another span than the current
    /// one. [`enabled`](Self::enabled) asks that, too.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// use otlp::Severity;
    /// let logger = client.logger("disks").with_severity_threshold(Severity::Warn);
    /// assert!(logger.takes(Severity::Error) && !logger.takes(Severity::Info));
    /// # }
    /// ```
    #[must_use]
    #[inline]
    pub fn takes(&self, severity: Severity) -> bool {
        self.inner.filter.takes(severity)
    }

    /// Begins a record that is written as it is described, straight to its wire form.
    #[inline]
    pub fn record(&self, severity: Severity) -> LogBuilder<'_> {
        LogBuilder::new(&self.inner, severity)
    }

    /// Queues a typed record. An observed time that is zero is now (conformance LOG-02); without a trace id it belongs to
    /// the span whose context is current (LOG-03). Limits apply, and so does the filter.
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// use otlp::{KeyValue, LogRecord, Severity};
    /// let mut record = LogRecord::new(0, Severity::Warn, "disk is almost full");
    /// record.attributes.push(KeyValue::new("disk.free_bytes", 4_096));
    /// client.logger("disks").emit(record);
    /// # }
    /// ```
    pub fn emit(&self, record: LogRecord) {
        if self.inner.filter.takes(record.severity) {
            self.take(LiveLog::of(&record, self.log_limits()));
        }
    }

    pub(crate) fn log_limits(&self) -> &Limits {
        &self.inner.shared.log_limits
    }

    /// Queues a record made elsewhere, if its severity is taken.
    #[inline]
    pub(crate) fn take(&self, record: Box<LiveLog>) {
        let LoggerInner { shared, group, filter } = &*self.inner;
        if filter.takes(record.severity) {
            record.emit(shared, *group, *filter);
        }
    }
}

impl LogFilter {
    #[inline]
    pub(crate) fn takes(self, severity: Severity) -> bool {
        (severity >= self.threshold || severity == Severity::Unspecified) && !self.off
    }

    /// Whether a record of this span would be taken. Each record is asked when it is emitted, whatever was asked before
    /// (conformance LOG-11).
    #[inline]
    pub(crate) fn takes_of(self, context: &SpanContext) -> bool {
        !self.trace_based || !context.is_valid() || context.is_sampled()
    }
}

/// The ids and flags of the current context; invalid ones if there is none.
#[inline]
pub(crate) fn current() -> SpanContext {
    if !is_any_current() {
        return SpanContext::default();
    }
    with_current(|current| current.map(TraceContext::span_context).map(identity)).unwrap_or_default()
}

/// A context without what a log record has no place for.
pub(crate) fn identity(context: &SpanContext) -> SpanContext {
    SpanContext::new(context.trace_id(), context.span_id(), context.flags())
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoggerInner { group, filter, .. } = &*self.inner;
        f.debug_struct("Logger").field("group", group).field("filter", filter).finish_non_exhaustive()
    }
}
