//! Ids from elsewhere: the place where a user puts a generator of their own (conformance LIM-01).
//!
//! Asked by the tracer, once per span, in place of `ids.rs`. Clients without one do not look for it: their samplers'
//! short way is the way without.

use crate::foreign::contained;
use otlp_model::{SpanId, TraceFlags, TraceId};

/// Makes the ids of new spans. Called on the thread that starts the span, and should be quick.
///
/// Ids that are all zero are not used: a random one takes their place, as it does when a generator panics (conformance
/// LIM-03).
///
/// ```
/// use otlp::{Client, IdGenerator, SpanId, TraceId};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// /// Counts, for tests that compare what they see.
/// #[derive(Default)]
/// struct Counter(AtomicU64);
///
/// impl IdGenerator for Counter {
///     fn trace_id(&self) -> TraceId {
///         TraceId::from_bytes(u128::from(self.0.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes())
///     }
///
///     fn span_id(&self) -> SpanId {
///         SpanId::from_bytes((self.0.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes())
///     }
/// }
///
/// let builder = Client::builder().with_id_generator(Counter::default());
/// ```
pub trait IdGenerator: Send + Sync {
    /// The id of a new trace.
    fn trace_id(&self) -> TraceId;

    /// The id of a new span.
    fn span_id(&self) -> SpanId;

    /// Whether the last seven bytes of trace ids are random, uniformly and independently: then traces that begin here say
    /// so by W3C's random flag, and samplers of other services rely on it (conformance LIM-02). Default: no.
    fn is_random(&self) -> bool {
        false
    }
}

/// The generator's ids, and what it says of them, in place of those that were drawn; of those that are none, the drawn ones.
/// A child keeps its trace.
pub(crate) fn replace(
    generator: &dyn IdGenerator,
    is_root: bool,
    (mut trace_id, mut span_id, mut flags): (TraceId, SpanId, TraceFlags),
) -> (TraceId, SpanId, TraceFlags) {
    contained(|| {
        let made = if is_root { generator.trace_id() } else { TraceId::INVALID };
        if made.is_valid() {
            (trace_id, flags) =
                (made, if generator.is_random() { TraceFlags::RANDOM } else { TraceFlags::NONE });
        }
        let made = generator.span_id();
        if made.is_valid() {
            span_id = made;
        }
    });
    (trace_id, span_id, flags)
}
