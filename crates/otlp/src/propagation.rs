//! Propagation: contexts go into requests and come out of them again.
//!
//! A [`TextMapPropagator`] knows a format, an [`Injector`] or [`Extractor`] knows a carrier, such as the headers of a
//! request. Used by whoever sends or takes requests; the client has one propagator, which it calls for nobody by itself.
//! Formats never fail outward: what cannot be read is as good as not there (conformance PROP-01).
//!
//! ```
//! use otlp::propagation::{TextMapPropagator, TraceContextPropagator};
//! use otlp::TraceContext;
//! use std::collections::HashMap;
//!
//! let mut headers = HashMap::from([(
//!     "Traceparent".to_owned(),
//!     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
//! )]);
//! let context = TraceContextPropagator.extract(&TraceContext::default(), &headers);
//! assert!(context.is_valid() && context.is_sampled() && context.is_remote());
//!
//! headers.clear();
//! TraceContextPropagator.inject(&context, &mut headers);
//! assert_eq!(headers["traceparent"], "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
//! ```

mod b3;
mod baggage;
mod carrier;
mod composite;
mod environment;
mod hex;
mod trace_context;

pub use b3::B3Propagator;
pub use baggage::BaggagePropagator;
pub use carrier::{Extractor, Injector};
pub use composite::CompositePropagator;
pub use environment::{EnvironmentExtractor, EnvironmentInjector};
pub use trace_context::TraceContextPropagator;

use crate::context::TraceContext;
use std::fmt::Debug;
use std::sync::Arc;

/// A format in which contexts travel as texts with names.
///
/// A format of your own:
///
/// ```
/// use otlp::propagation::{Extractor, Injector, TextMapPropagator};
/// use otlp::{SpanContext, TraceContext, TraceFlags};
///
/// /// The ids alone, as `x-trace: <trace id>/<span id>`.
/// #[derive(Debug)]
/// struct Short;
///
/// impl TextMapPropagator for Short {
///     fn inject(&self, context: &TraceContext, carrier: &mut dyn Injector) {
///         if context.is_valid() {
///             carrier.set("x-trace", format!("{}/{}", context.trace_id(), context.span_id()));
///         }
///     }
///
///     fn extract(&self, context: &TraceContext, carrier: &dyn Extractor) -> TraceContext {
///         let read = || {
///             let (trace, span) = carrier.get("x-trace")?.split_once('/')?;
///             Some(SpanContext::new(trace.parse().ok()?, span.parse().ok()?, TraceFlags::SAMPLED))
///         };
///         match read() {
///             Some(found) if found.is_valid() => context.clone().with_span_context(found.with_remote(true)),
///             _ => context.clone(),
///         }
///     }
///
///     fn fields(&self) -> Vec<&str> {
///         vec!["x-trace"]
///     }
/// }
///
/// let client = otlp::Client::builder().with_propagator(Short);
/// ```
pub trait TextMapPropagator: Send + Sync + Debug {
    /// Writes what of the context is worth it; of an invalid one no identity (conformance PROP-14).
    fn inject(&self, context: &TraceContext, carrier: &mut dyn Injector);

    /// The context with what the carrier holds; with what it does not hold, or what cannot be read, as it was
    /// (conformance PROP-01). What is found is remote.
    #[must_use]
    fn extract(&self, context: &TraceContext, carrier: &dyn Extractor) -> TraceContext;

    /// The names that `inject` may set: what to remove from a carrier that is used again.
    fn fields(&self) -> Vec<&str>;
}

impl<P: TextMapPropagator + ?Sized> TextMapPropagator for Box<P> {
    fn inject(&self, context: &TraceContext, carrier: &mut dyn Injector) {
        (**self).inject(context, carrier);
    }

    fn extract(&self, context: &TraceContext, carrier: &dyn Extractor) -> TraceContext {
        (**self).extract(context, carrier)
    }

    fn fields(&self) -> Vec<&str> {
        (**self).fields()
    }
}

impl<P: TextMapPropagator + ?Sized> TextMapPropagator for Arc<P> {
    fn inject(&self, context: &TraceContext, carrier: &mut dyn Injector) {
        (**self).inject(context, carrier);
    }

    fn extract(&self, context: &TraceContext, carrier: &dyn Extractor) -> TraceContext {
        (**self).extract(context, carrier)
    }

    fn fields(&self) -> Vec<&str> {
        (**self).fields()
    }
}
