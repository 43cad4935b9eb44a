#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod assemble;
mod body;
mod causes;
mod encoded;
mod groups;
mod id;
#[cfg(feature = "json")]
pub mod json;
mod key;
mod limits;
mod log;
mod metric;
mod outcome;
mod prepared;
#[cfg(feature = "proto")]
pub mod proto;
mod record;
mod request;
mod resource;
pub mod response;
mod span;
mod span_context;
mod split;
mod trace_state;
mod trail;
mod validate;
mod value;
pub mod view;
mod wire;

pub use assemble::{Assembled, RequestLimits, assemble};
pub use body::Body;
pub use causes::causes;
pub use encoded::EncodedRecords;
pub use groups::Groups;
pub use id::{ParseIdError, SpanId, TraceFlags, TraceId};
pub use key::{Key, KeyRef, ToKey};
pub use limits::Limits;
pub use log::{LogRecord, Severity};
pub use metric::{
    Buckets, DataPointFlags, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, MetricData, NumberDataPoint, NumberValue, Sum, Summary, SummaryDataPoint,
    Temporality, ValueAtQuantile,
};
pub use outcome::{DropReason, Dropped, Outcome, Undelivered};
pub use prepared::PreparedAttributes;
pub use record::{GroupId, Record, Records, Run};
pub use request::{Encoding, ExportRequest, ExportResponse, Format, Signal};
pub use resource::{InstrumentationScope, Resource};
pub use span::{Event, Link, SpanData, SpanKind, Status, StatusCode};
pub use span_context::SpanContext;
pub use trace_state::{ParseTraceStateError, TraceState};
pub use trail::Trail;
pub use validate::Invalid;
pub use value::{AnyValue, KeyValue, ToValue, ValueRef};
pub use view::DecodeError;
pub use wire::{
    Distribution, ExponentialBuckets, LogWriter, MetricKind, MetricWriter, Redaction, SpanWriter, encode_log,
    encode_metric, encode_span, redact_log, redact_span, replace_log_body,
};
