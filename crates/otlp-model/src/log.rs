//! Log records as plain data: for typed export, adapters and tests. Never reads a clock: times are the maker's.

use crate::{AnyValue, KeyValue, SpanId, TraceFlags, TraceId};
use std::borrow::Cow;
use std::fmt;

macro_rules! severities {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// How serious a log record is; the discriminants are the wire values (conformance LOG-04).
        ///
        /// A source with one level per range maps to the lowest of the range.
        ///
        /// ```
        /// use otlp_model::Severity;
        /// assert!(Severity::Warn < Severity::Error);
        /// assert_eq!(Severity::Info.number(), 9);
        /// assert_eq!(Severity::from_number(14), Some(Severity::Warn2));
        /// assert_eq!(Severity::Fatal4.to_string(), "FATAL4");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum Severity {
            /// Nothing was said.
            #[default]
            Unspecified = 0,
            $($(#[$doc])* $name = $number,)*
        }

        impl Severity {
            /// Every severity that says something, least serious first.
            pub const ALL: [Self; 24] = [$(Self::$name),*];

            /// The severity of a wire value; `None` above 24 and below 0.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number {
                    0 => Some(Self::Unspecified),
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// The short name, for example `WARN2`; empty when unspecified (LOG-05).
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    Self::Unspecified => "",
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

severities! {
    /// Finest detail.
    Trace = 1, "TRACE";
    /// Second in the range of trace.
    Trace2 = 2, "TRACE2";
    /// Third in the range of trace.
    Trace3 = 3, "TRACE3";
    /// Fourth in the range of trace.
    Trace4 = 4, "TRACE4";
    /// For debugging.
    Debug = 5, "DEBUG";
    /// Second in the range of debug.
    Debug2 = 6, "DEBUG2";
    /// Third in the range of debug.
    Debug3 = 7, "DEBUG3";
    /// Fourth in the range of debug.
    Debug4 = 8, "DEBUG4";
    /// Something happened.
    Info = 9, "INFO";
    /// Second in the range of info.
    Info2 = 10, "INFO2";
    /// Third in the range of info.
    Info3 = 11, "INFO3";
    /// Fourth in the range of info.
    Info4 = 12, "INFO4";
    /// Not an error, but more than information.
    Warn = 13, "WARN";
    /// Second in the range of warn.
    Warn2 = 14, "WARN2";
    /// Third in the range of warn.
    Warn3 = 15, "WARN3";
    /// Fourth in the range of warn.
    Warn4 = 16, "WARN4";
    /// Something went wrong.
    Error = 17, "ERROR";
    /// Second in the range of error.
    Error2 = 18, "ERROR2";
    /// Third in the range of error.
    Error3 = 19, "ERROR3";
    /// Fourth in the range of error.
    Error4 = 20, "ERROR4";
    /// The application or system fails.
    Fatal = 21, "FATAL";
    /// Second in the range of fatal.
    Fatal2 = 22, "FATAL2";
    /// Third in the range of fatal.
    Fatal3 = 23, "FATAL3";
    /// Fourth in the range of fatal.
    Fatal4 = 24, "FATAL4";
}

impl Severity {
    /// The wire value, 0 to 24.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A log record, or an event when it has a name.
///
/// ```
/// use otlp_model::{KeyValue, LogRecord, Severity};
/// let mut record = LogRecord::new(1_700_000_000_000_000_000, Severity::Warn, "disk is almost full");
/// record.attributes.push(KeyValue::new("disk.free_bytes", 4_096));
/// assert!(record.event_name.is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRecord {
    /// When it happened, in nanoseconds since the Unix epoch; 0 if unknown.
    pub time_unix_nano: u64,
    /// When it was observed, in nanoseconds since the Unix epoch.
    pub observed_time_unix_nano: u64,
    /// How serious it is.
    pub severity: Severity,
    /// The source's own name of the level, for example `warning` (LOG-05).
    pub severity_text: Cow<'static, str>,
    /// What it says, of any shape; not subject to limits (LIM-13).
    pub body: Option<AnyValue>,
    /// Attributes; of equal keys the last one is written.
    pub attributes: Vec<KeyValue>,
    /// How many attributes were discarded.
    pub dropped_attributes_count: u32,
    /// The trace it belongs to; [`TraceId::INVALID`] if none.
    pub trace_id: TraceId,
    /// The span it belongs to; [`SpanId::INVALID`] if none. Without a valid trace id it is not written (LOG-16).
    pub span_id: SpanId,
    /// The W3C flags of the span's context; written with a valid trace id only.
    pub flags: TraceFlags,
    /// What kind of event this is; empty for a plain log record (MODEL-31).
    pub event_name: Cow<'static, str>,
}

impl LogRecord {
    /// A record observed at `observed_time_unix_nano`, without a time of its own (LOG-02).
    pub fn new(observed_time_unix_nano: u64, severity: Severity, body: impl Into<AnyValue>) -> Self {
        Self { observed_time_unix_nano, severity, body: Some(body.into()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_the_data_models() {
        // conf: LOG-04, LOG-05
        for (number, severity) in (1..=24).zip(Severity::ALL) {
            assert_eq!(Severity::from_number(number), Some(severity));
            assert_eq!(i32::from(severity.number()), number);
        }
        assert_eq!(Severity::from_number(0), Some(Severity::Unspecified));
        assert_eq!((Severity::from_number(25), Severity::from_number(-1)), (None, None));
        let lowest = [
            Severity::Trace,
            Severity::Debug,
            Severity::Info,
            Severity::Warn,
            Severity::Error,
            Severity::Fatal,
        ];
        assert_eq!(lowest.map(Severity::number), [1, 5, 9, 13, 17, 21]);
    }
}
