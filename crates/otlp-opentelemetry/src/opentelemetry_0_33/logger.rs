//! The logger provider, logger and record of the OpenTelemetry API, on the client's own path.
//!
//! A record is its wire form while it is made. Filters, limits and queue are the client's; the SDK has no part in it.

use super::context::from_span_context;
use super::opentelemetry::logs::{self as theirs, AnyValue, Severity};
use super::opentelemetry::trace::TraceContextExt as _;
use super::opentelemetry::{Context, InstrumentationScope, Key, SpanId, TraceFlags, TraceId, trace};
use super::targets::{TARGET, Targets};
use super::value::{self, Converted};
use otlp::{Client, LogDraft, TraceContext};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

/// Makes loggers for bridges that speak the OpenTelemetry API, such as opentelemetry-appender-tracing. Cloning is cheap.
///
/// ```
/// use opentelemetry_0_33::logs::{LogRecord, Logger, LoggerProvider as _};
/// use otlp_opentelemetry::opentelemetry_0_33::LoggerProvider;
/// # fn f(client: &otlp::Client) {
/// let logger = LoggerProvider::new(client).logger("bridge");
/// let mut record = logger.create_log_record();
/// record.set_body("hello".into());
/// logger.emit(record);
/// # }
/// ```
///
/// Flush and shut down through the client, which returns the books.
#[derive(Debug, Clone)]
pub struct LoggerProvider {
    client: Client,
}

impl LoggerProvider {
    /// A provider whose records `client` sends.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone() }
    }
}

impl theirs::LoggerProvider for LoggerProvider {
    type Logger = Logger;

    /// What is known of a scope stays in memory as long as the client: get a logger once and keep it.
    fn logger_with_scope(&self, scope: InstrumentationScope) -> Logger {
        let own = self.client.logger_with_scope(&value::scope(&scope, None));
        Logger {
            inner: Arc::new(Inner { client: self.client.clone(), scope, own, targets: RwLock::default() }),
        }
    }
}

/// Emits the records of one instrumentation scope. Cloning is cheap.
///
/// A record belongs to the active span of their context, unless it is told otherwise; its target goes for the name of its scope,
/// as in opentelemetry-otlp: the first 1,024 different ones, the others are the attribute `log.target`. Within a telemetry
/// suppressed scope nothing is emitted.
#[derive(Clone)]
pub struct Logger {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    scope: InstrumentationScope,
    own: otlp::Logger,
    targets: RwLock<Targets<otlp::Logger>>,
}

impl Inner {
    /// The logger of a target, if that is a scope's name.
    fn of_target(&self, target: &str) -> Option<otlp::Logger> {
        {
            let targets = self.targets.read().unwrap_or_else(PoisonError::into_inner);
            let known = targets.get(target);
            if known.is_some() || targets.is_full() {
                return known;
            }
        }
        let logger = self.client.logger_with_scope(&value::scope(&self.scope, Some(target)));
        self.targets.write().unwrap_or_else(PoisonError::into_inner).get_or_insert(target, || logger)
    }
}

impl theirs::Logger for Logger {
    type LogRecord = LogRecord;

    fn create_log_record(&self) -> LogRecord {
        LogRecord { draft: self.inner.own.draft(), target: None }
    }

    fn emit(&self, record: LogRecord) {
        if Context::is_current_telemetry_suppressed() {
            return;
        }
        let LogRecord { mut draft, target } = record;
        if !draft.has_context() {
            let active = Context::map_current(|cx| from_span_context(cx.span().span_context()));
            draft.set_context(&TraceContext::new(active));
        }
        let Some(target) = target else { return draft.emit(&self.inner.own) };
        match self.inner.of_target(&target) {
            Some(logger) => draft.emit(&logger),
            None => {
                draft.set_attribute(TARGET, &*target);
                draft.emit(&self.inner.own);
            }
        }
    }

    fn event_enabled(&self, level: Severity, _target: &str, _name: Option<&str>) -> bool {
        !Context::is_current_telemetry_suppressed() && self.inner.own.enabled(severity(level))
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logger").field("scope", &self.inner.scope.name()).finish_non_exhaustive()
    }
}

/// A log record of the OpenTelemetry API that is written as it is made.
///
/// What is said twice counts as said last, attributes of the same key included.
#[derive(Debug)]
pub struct LogRecord {
    draft: LogDraft,
    target: Option<Cow<'static, str>>,
}

impl theirs::LogRecord for LogRecord {
    fn set_event_name(&mut self, name: &'static str) {
        self.draft.set_event_name(name);
    }

    fn set_target<T: Into<Cow<'static, str>>>(&mut self, target: T) {
        self.target = Some(target.into());
    }

    fn set_timestamp(&mut self, timestamp: SystemTime) {
        self.draft.set_time(timestamp);
    }

    fn set_observed_timestamp(&mut self, timestamp: SystemTime) {
        self.draft.set_observed_time(timestamp);
    }

    fn set_severity_text(&mut self, text: &'static str) {
        self.draft.set_severity_text(text);
    }

    fn set_severity_number(&mut self, number: Severity) {
        self.draft.set_severity(severity(number));
    }

    fn set_body(&mut self, body: AnyValue) {
        self.draft.set_body(Converted::from(&body));
    }

    fn add_attributes<I, K, V>(&mut self, attributes: I)
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<Key>,
        V: Into<AnyValue>,
    {
        for (key, value) in attributes {
            theirs::LogRecord::add_attribute(self, key, value);
        }
    }

    fn add_attribute<K: Into<Key>, V: Into<AnyValue>>(&mut self, key: K, value: V) {
        let (key, value) = (key.into(), value.into());
        self.draft.set_attribute(key.as_str(), Converted::from(&value));
    }

    fn set_trace_context(&mut self, trace_id: TraceId, span_id: SpanId, trace_flags: Option<TraceFlags>) {
        let flags = trace_flags.unwrap_or_default();
        let context = trace::SpanContext::new(trace_id, span_id, flags, false, trace::TraceState::NONE);
        self.draft.set_context(&TraceContext::new(from_span_context(&context)));
    }
}

/// Their severity as ours: the numbers are the data model's.
pub(super) fn severity(severity: Severity) -> otlp::Severity {
    otlp::Severity::from_number(severity as i32).unwrap_or_default()
}
