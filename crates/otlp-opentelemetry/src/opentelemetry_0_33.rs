//! For opentelemetry 0.33: exporters for its SDK, providers of its API, and the ways between its contexts and ours.
//!
//! | to keep | take | in place of |
//! |---|---|---|
//! | the SDK | [`SpanExporter`], [`LogExporter`], [`MetricExporter`] | those of opentelemetry-otlp |
//! | the instrumentation | [`TracerProvider`], [`LoggerProvider`] | those of the SDK |
//! | a propagator | [`OtlpPropagator`] for ours under their API, [`OtelPropagator`] for theirs under our client | |

// The extern crate has the name of this module, which is public; inside it has that of the library.
use ::opentelemetry_0_33 as opentelemetry;

mod context;
#[cfg(feature = "opentelemetry_sdk_0_33")]
mod exporter;
mod logger;
mod propagator;
mod span;
mod targets;
mod tracer;
mod value;

pub use context::{
    context_with, from_baggage, from_span_context, to_baggage, to_span_context, to_trace_context,
};
#[cfg(feature = "opentelemetry_sdk_0_33")]
pub use exporter::{LogExporter, MetricExporter, SpanExporter};
pub use logger::{LogRecord, Logger, LoggerProvider};
pub use propagator::{OtelPropagator, OtlpPropagator};
pub use span::Span;
pub use tracer::{Tracer, TracerProvider};
