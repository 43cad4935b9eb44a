//! The subscriber of the client's thread, which hears nothing, and does not keep others from hearing.
//!
//! Used by `runtime.rs` alone. What a subscriber says it is interested in holds for the whole process: where two answer
//! differently, every span and event of the call site asks again whether it is wanted, on all threads. So this one has no answer
//! of its own.

use tracing::dispatcher::{self, Dispatch};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, NoSubscriber};
use tracing::{Event, Metadata, Subscriber};

#[derive(Debug)]
pub(crate) struct Deaf;

impl Deaf {
    /// Whether the answer of `other` is worth repeating.
    fn repeats(other: &Dispatch) -> bool {
        !other.is::<Self>() && !other.is::<NoSubscriber>()
    }
}

impl Subscriber for Deaf {
    /// What the application's subscriber answers, where the thread that asks has one.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        dispatcher::get_default(|default| Self::repeats(default).then(|| default.register_callsite(metadata)))
            .unwrap_or_else(Interest::never)
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        false
    }

    /// The most detailed level of all counts: this one adds none.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::OFF)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
