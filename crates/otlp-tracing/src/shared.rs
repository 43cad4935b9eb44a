//! Where the state of a span lies: in recycled memory with a lock of its own, which the registry's extensions refer to, and the
//! threads that have to do with the span.
//!
//! Used by all parts of the layer. Nobody else can take the lock, and no code of others runs while it is held, neither a
//! `Debug` nor a sampler. The lock of the extensions, which other layers take, is held only to find a state.

use crate::state::{SpanState, asking, is_asking};
use otlp::TraceContext;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// How many a thread keeps to be used again.
const SPARES: usize = 32;

thread_local! {
    static SPARE: RefCell<Vec<Arc<SharedState>>> = const { RefCell::new(Vec::new()) };
}

/// The state of a span until it is closed.
#[derive(Default)]
pub(crate) struct SharedState {
    state: Mutex<Option<SpanState>>,
    /// Whether there is one; to be asked without the lock.
    is_open: AtomicBool,
}

impl SharedState {
    /// One without a state, which nobody else has.
    pub(crate) fn fresh() -> Arc<Self> {
        let spare = SPARE.try_with(|spare| spare.try_borrow_mut().ok()?.pop());
        spare.ok().flatten().unwrap_or_default()
    }

    /// Puts the state of a new span there.
    pub(crate) fn begin(&mut self, state: SpanState) -> &mut SpanState {
        *self.is_open.get_mut() = true;
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).insert(state)
    }

    /// Whether the span is not closed yet.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Calls `f` with the state, unless the span is closed. `f` runs no code of others.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut SpanState) -> T) -> Option<T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(f)
    }

    /// Settles the span, asking the sampler without a lock, then calls `f` with its state. `None` if it is closed.
    /// Inside a sampler nothing is settled: a span tells what its context will be if it is sampled.
    pub(crate) fn with_settled<T>(&self, f: impl FnOnce(&mut SpanState) -> T) -> Option<T> {
        if is_asking() {
            return self.with(f);
        }
        let question = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let state = state.as_mut()?;
            if state.draft.is_settled() {
                return Some(f(state));
            }
            match state.draft.question() {
                None => return Some(f(state)),
                Some(question) => question,
            }
        };
        let answer = asking(|| question.ask());
        self.with(|state| {
            // Another thread may have asked meanwhile; then its answer counts.
            state.draft.answer(answer);
            f(state)
        })
    }

    /// Takes the state out, for the end of the span: once.
    pub(crate) fn take(&self) -> Option<SpanState> {
        self.is_open.store(false, Ordering::Relaxed);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the registry keeps with a span. When it drops that, the state is gone for all.
pub(crate) struct InRegistry(Option<Arc<SharedState>>);

impl InRegistry {
    pub(crate) fn new(shared: &Arc<SharedState>) -> Self {
        Self(Some(Arc::clone(shared)))
    }
}

impl Drop for InRegistry {
    fn drop(&mut self) {
        let Some(mut shared) = self.0.take() else { return };
        // What is not closed is a span of a registry that is no more.
        let _state = shared.is_open().then(|| shared.take());
        // Of those that a thread still refers to, nobody would know when they are free.
        if Arc::get_mut(&mut shared).is_some() {
            let _ = SPARE.try_with(|spare| {
                if let Ok(mut spare) = spare.try_borrow_mut()
                    && spare.len() < SPARES
                {
                    spare.push(shared);
                }
            });
        }
    }
}

/// The state of a span, if the layer has seen it.
pub(crate) fn shared_of<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) -> Option<Arc<SharedState>> {
    span.extensions().get::<InRegistry>()?.0.clone()
}

/// Calls `f` with the state of a span, if the layer has seen it. `f` runs no code of others.
pub(crate) fn with_state<'a, R: LookupSpan<'a>, T>(
    span: &SpanRef<'a, R>,
    f: impl FnOnce(&mut SpanState) -> T,
) -> Option<T> {
    shared_of(span)?.with(f)
}

/// The context of a span, which is settled by this, or of the nearest around it that the layer keeps: spans below one that
/// is not sampled may be left out.
pub(crate) fn nearest_context<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) -> Option<TraceContext> {
    span.scope().find_map(|span| shared_of(&span)?.context())
}

impl SharedState {
    /// The context of the span, which is settled by this.
    pub(crate) fn context(&self) -> Option<TraceContext> {
        self.with_settled(|state| state.draft.span_mut().context())
    }
}
