//! Conversions between this crate's types and the generated ones of `opentelemetry-proto` (feature `proto`).
//!
//! For code that has to meet the generated types: collectors, tests, other exporters. The client itself never uses
//! them. To the generated types a conversion says what decoding the writer's bytes would: keys unique, nothing without
//! a key, no limits. Back, it fails on what has no meaning, and says where.
//!
//! ```
//! use otlp_model::proto::generated::trace::v1::Span;
//! use otlp_model::{SpanContext, SpanData, SpanId, TraceFlags, TraceId};
//! let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
//! let span = SpanData::new(context, "GET", 1_000, 2_000);
//! let generated = Span::from(span.clone());
//! assert_eq!(generated.flags, 0x101);
//! assert_eq!(SpanData::try_from(generated)?, span);
//! # Ok::<(), otlp_model::proto::ConvertError>(())
//! ```

mod common;
mod logs;
mod metrics;
mod trace;

/// The generated types, by signal and version: `generated::trace::v1::Span`.
pub use opentelemetry_proto::tonic as generated;

use crate::{SpanId, TraceId};

/// Why a generated message has no counterpart among the typed ones.
///
/// ```
/// use otlp_model::SpanData;
/// use otlp_model::proto::generated::trace::v1::Span;
/// let error = SpanData::try_from(Span { trace_id: vec![1; 7], ..Span::default() }).unwrap_err();
/// assert_eq!(error.to_string(), "trace_id: 7 bytes long, must be 16 or absent");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ConvertError {
    field: &'static str,
    reason: String,
}

impl ConvertError {
    fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }

    /// The protobuf name of the field that is to blame.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }
}

fn trace_id(bytes: &[u8]) -> Result<TraceId, ConvertError> {
    TraceId::from_slice(bytes).ok_or_else(|| wrong_length("trace_id", bytes, 16))
}

fn span_id(field: &'static str, bytes: &[u8]) -> Result<SpanId, ConvertError> {
    SpanId::from_slice(bytes).ok_or_else(|| wrong_length(field, bytes, 8))
}

fn wrong_length(field: &'static str, bytes: &[u8], expected: usize) -> ConvertError {
    ConvertError::new(field, format!("{} bytes long, must be {expected} or absent", bytes.len()))
}

/// The bytes of an id that is absent when invalid.
fn optional(is_valid: bool, id: &[u8]) -> Vec<u8> {
    if is_valid { id.to_vec() } else { Vec::new() }
}

fn convert_all<T, U: TryFrom<T>>(list: Vec<T>) -> Result<Vec<U>, U::Error> {
    list.into_iter().map(U::try_from).collect()
}

fn into_all<T, U: From<T>>(list: Vec<T>) -> Vec<U> {
    list.into_iter().map(U::from).collect()
}
