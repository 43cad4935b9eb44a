//! Read views: encoded requests and records, read in place without copying.
//!
//! For layers that look into requests, for the testkit, and for tools. Views take any bytes and never panic; they check
//! as they go, and an error says at which byte the input is malformed. Unknown fields are skipped (conformance
//! MODEL-33), ids of a wrong length are invalid ids (MODEL-02), reserved bits of flags are masked (MODEL-06, MODEL-07). A
//! singular message that stands on the wire several times, which no OTLP writer does, is read as its last occurrence.
//!
//! ```
//! use otlp_model::view;
//! // resource_spans { scope_spans { spans { name: "GET" kind: SERVER attributes { key: "k" value { int: 7 } } } } }
//! let request = b"\x0a\x16\x12\x14\x12\x12\x2a\x03GET\x30\x02\x4a\x09\x0a\x01k\x12\x04\x18\x87\x80\x00";
//! for span in view::traces(request).items() {
//!     let span = span?;
//!     assert_eq!(span.name, "GET");
//!     assert_eq!(span.attributes.get("k")?, Some(view::ValueView::Int(7)));
//! }
//! # Ok::<(), otlp_model::DecodeError>(())
//! ```

mod field;
mod log;
mod metric;
mod metric_data;
mod reader;
mod request;
mod span;
mod value;

pub use field::{Field, Wire};
pub use log::LogRecordView;
pub use metric::{DataPointView, MetricKind, MetricView};
#[cfg(feature = "json")]
pub(crate) use reader::MAX_DEPTH;
pub use reader::{DecodeError, Fields, Message};
pub use request::{
    FromMessage, LogsView, MetricsView, RequestView, ResourceGroupView, ResourceView, ScopeGroupView,
    ScopeView, TracesView,
};
pub use span::{EventView, LinkView, SpanView, StatusView};
pub use value::{ArrayView, AttributesView, ValueView};

/// A view of an encoded `ExportTraceServiceRequest`.
#[must_use]
pub const fn traces(bytes: &[u8]) -> TracesView<'_> {
    RequestView::new(bytes)
}

/// A view of an encoded `ExportMetricsServiceRequest`.
#[must_use]
pub const fn metrics(bytes: &[u8]) -> MetricsView<'_> {
    RequestView::new(bytes)
}

/// A view of an encoded `ExportLogsServiceRequest`.
#[must_use]
pub const fn logs(bytes: &[u8]) -> LogsView<'_> {
    RequestView::new(bytes)
}
