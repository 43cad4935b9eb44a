//! What tokio says of the client's tasks, for tokio-console: with the feature `tokio-console`, under `--cfg tokio_unstable`.
//!
//! On the client's thread everything is silent. Here the spans and events of tokio itself, from which a console is made, are let
//! through to the subscriber that the builder's thread had; those of other libraries are not, and while one is told no span of
//! this thread is recorded, so that exporting still makes no telemetry about itself (conformance BATCH-26).

use crate::foreign::contained;
use crate::runtime;
use otlp_batch::Stats;
use otlp_model::Signal;
use std::cell::OnceCell;
use std::future::Future;
use tokio::task;
use tracing::dispatcher::{Dispatch, WeakDispatch};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static CONSOLE: OnceCell<Dispatch> = const { OnceCell::new() };
}

/// Has `subscriber` told of the tasks of this thread, which is the client's. Before anything runs on it.
pub(crate) fn watch_this_thread(subscriber: WeakDispatch) {
    CONSOLE.with(|console| {
        console.get_or_init(|| Dispatch::new(TokioOnly { subscriber, level: LevelFilter::current() }));
    });
}

/// What stands for silence on a thread that is watched.
pub(crate) fn of_this_thread() -> Option<Dispatch> {
    CONSOLE.try_with(|console| console.get().cloned()).ok().flatten()
}

/// Spawns a task with a name.
pub(crate) fn spawn(name: &str, task: impl Future<Output = ()> + Send + 'static) {
    // Only blocking tasks can fail to start.
    let _ = task::Builder::new().name(name).spawn(task);
}

/// A worker in a task of its own, with a name.
pub(crate) async fn worker((worker, signal): (runtime::Work, Signal)) -> Stats {
    match task::Builder::new().name(&format!("otlp {signal}")).spawn(worker) {
        Ok(task) => task.await.unwrap_or_default(),
        Err(_) => Stats::default(),
    }
}

/// Hands on what tokio says, and nothing else. The subscriber is foreign code: what panics in it is not told, and costs nothing
/// else.
struct TokioOnly {
    subscriber: WeakDispatch,
    /// The most that any subscriber of the process heard when this one came: there is one such level for the process, and this is
    /// no reason to lift it.
    level: LevelFilter,
}

impl TokioOnly {
    fn is_tokios(metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        target == "tokio" || target.starts_with("tokio::") || target.starts_with("runtime::resource")
    }

    /// `otherwise` if the subscriber is gone, or panics.
    fn hand_on<R>(&self, otherwise: R, call: impl FnOnce(&Dispatch) -> R) -> R {
        let mut answer = otherwise;
        if let Some(subscriber) = self.subscriber.upgrade() {
            contained(|| runtime::telling(|| answer = call(&subscriber)));
        }
        answer
    }
}

impl Subscriber for TokioOnly {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::is_tokios(metadata) {
            self.hand_on(Interest::never(), |to| to.register_callsite(metadata))
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Self::is_tokios(metadata) && self.hand_on(false, |to| to.enabled(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.hand_on(Id::from_u64(u64::MAX), |to| to.new_span(span))
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.hand_on((), |to| to.record(span, values));
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.hand_on((), |to| to.record_follows_from(span, follows));
    }

    fn event(&self, event: &Event<'_>) {
        self.hand_on((), |to| to.event(event));
    }

    fn enter(&self, span: &Id) {
        self.hand_on((), |to| to.enter(span));
    }

    fn exit(&self, span: &Id) {
        self.hand_on((), |to| to.exit(span));
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.hand_on(span.clone(), |to| to.clone_span(span))
    }

    fn try_close(&self, span: Id) -> bool {
        self.hand_on(false, |to| to.try_close(span))
    }
}
