//! The wire writer: typed and live telemetry to OTLP protobuf, straight into a byte buffer.
//!
//! Every record is written as the one field it becomes in a request: `ScopeSpans.spans`, `ScopeLogs.log_records` or
//! `ScopeMetrics.metrics`, all of them field 2, tag and length included. [`SpanWriter`] and [`LogWriter`] are the hot path of the facade;
//! the `encode_*` functions serve typed export and go through the same value writer. Generated protobuf types are
//! never involved: they are the oracle of the tests.

mod buffer;
mod index;
mod live;
mod log;
mod log_writer;
mod metric;
mod metric_writer;
mod origin;
mod redact;
mod room;
mod short;
mod span;
mod span_head;
mod span_writer;
mod unique;
mod value;

pub(crate) use buffer::{FIELD_1, FIELD_2, put_str, put_varint, varint_len};
pub(crate) use index::Noted;
pub use log::encode_log;
pub use log_writer::LogWriter;
pub use metric::encode_metric;
pub use metric_writer::{Distribution, ExponentialBuckets, MetricKind, MetricWriter};
pub(crate) use origin::{put_resource, put_scope};
pub use redact::{Redaction, redact_log, redact_span, replace_log_body};
pub use span::encode_span;
#[cfg(feature = "proto")]
pub(crate) use span_head::{REMOTE, link_flags, span_flags};
pub use span_writer::SpanWriter;
#[cfg(feature = "proto")]
pub(crate) use span_writer::is_link_kept;
#[cfg(feature = "proto")]
pub(crate) use unique::for_each_unique;
pub(crate) use value::{ValueLimits, put_key_value};
