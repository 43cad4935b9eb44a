//! Where the state of a span lies: in recycled memory with a lock of its own, which the registry's extensions refer to, and the
//! threads that have to do with the span.
//!
//! Used by all parts of the layer. Nobody else can take the lock, and no code of others runs while it is held, neither a
//! `Debug` nor a sampler. The lock of the extensions, which other layers take, is held only to find a state.

use crate::state::{Place, SpanState, asking, is_asking};
use otlp::{SpanClock, SpanDraft, Timestamp, TraceContext};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// How many a thread keeps to be used again.
const SPARES: usize = 32;

thread_local! {
    static SPARE: RefCell<Vec<Arc<SharedState>>> = const { RefCell::new(Vec::new()) };
}

/// The state of a span until it is closed, and beside it what can be told without the lock.
#[derive(Default)]
pub(crate) struct SharedState {
    place: Mutex<Place>,
    /// Whether there is one. Changes under the lock, and is asked without it.
    is_open: AtomicBool,
    /// Whether it is of a span that is recording, or may be.
    is_recording: AtomicBool,
    /// The clock of such a span.
    clock: Option<SpanClock>,
    /// When it was left last; zero until then.
    left_unix_nano: AtomicU64,
    tracks_activity: bool,
}

impl SharedState {
    /// One without a state, which nobody else has.
    pub(crate) fn fresh() -> Arc<Self> {
        let spare = SPARE.try_with(|spare| spare.try_borrow_mut().ok()?.pop());
        spare.ok().flatten().unwrap_or_default()
    }

    /// Lets a new span be made there: `make` may run code of others.
    pub(crate) fn begin(
        &mut self,
        make: impl FnOnce(&mut Option<SpanDraft>),
        tracks_activity: bool,
    ) -> Option<SpanState<'_>> {
        let place = self.place.get_mut().unwrap_or_else(PoisonError::into_inner);
        let state = place.begin(make, tracks_activity)?;
        self.clock = state.draft.span_mut().clock();
        self.tracks_activity = tracks_activity;
        *self.is_open.get_mut() = true;
        *self.is_recording.get_mut() = self.clock.is_some();
        *self.left_unix_nano.get_mut() = 0;
        Some(state)
    }

    /// Whether the span is not closed yet.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Whether the span is recording, as far as it is settled.
    pub(crate) fn is_recording(&self) -> bool {
        self.is_open() && self.is_recording.load(Ordering::Relaxed)
    }

    /// Now by the span's clock, if it is recording.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        self.clock.filter(|_| self.is_recording()).map(SpanClock::now)
    }

    /// Notes that the span is left.
    pub(crate) fn leave(&self) {
        let Some(now) = self.now() else { return };
        self.left_unix_nano.store(now.unix_nano(), Ordering::Relaxed);
        if self.tracks_activity {
            self.with(|state| state.leave(now));
        }
    }

    /// The place, unless the span is closed.
    fn lock(&self) -> Option<MutexGuard<'_, Place>> {
        if !self.is_open() {
            return None;
        }
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_open().then_some(place)
    }

    /// Calls `f` with the state, unless the span is closed. `f` runs no code of others.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut SpanState<'_>) -> T) -> Option<T> {
        self.lock()?.state().map(|mut state| f(&mut state))
    }

    /// Settles the span, asking the sampler without a lock, then calls `f` with its state. `None` if it is closed.
    /// Inside a sampler nothing is settled: a span tells what its context will be if it is sampled.
    pub(crate) fn with_settled<T>(&self, f: impl FnOnce(&mut SpanState<'_>) -> T) -> Option<T> {
        if is_asking() { self.with(f) } else { self.settle(f) }
    }

    fn settle<T>(&self, f: impl FnOnce(&mut SpanState<'_>) -> T) -> Option<T> {
        let question = {
            let mut place = self.lock()?;
            let state = &mut place.state()?;
            if state.draft.is_settled() {
                return Some(f(state));
            }
            match state.draft.question() {
                None => {
                    self.note_settled(state);
                    return Some(f(state));
                }
                Some(question) => question,
            }
        };
        let answer = asking(|| question.ask());
        self.with(|state| {
            // Another thread may have asked meanwhile; then its answer counts.
            state.draft.answer(answer);
            self.note_settled(state);
            f(state)
        })
    }

    /// Makes `to` the context of the span, if it is settled. Runs no code of others.
    pub(crate) fn copy_settled_context(&self, to: &mut TraceContext) -> bool {
        let copied = self.with(|state| {
            state.draft.is_settled().then(|| to.clone_from(state.draft.span_mut().as_ref())).is_some()
        });
        copied == Some(true)
    }

    fn note_settled(&self, state: &SpanState<'_>) {
        self.is_recording.store(state.draft.is_recording(), Ordering::Relaxed);
    }

    /// When the span was left last: its end, if it is not entered again.
    pub(crate) fn left_at(&self) -> Option<Timestamp> {
        let left = Some(self.left_unix_nano.load(Ordering::Relaxed)).filter(|left| *left > 0);
        left.map(Timestamp::from_unix_nano)
    }

    /// Settles the span, and calls `f` with its state, which nobody else can reach any more. Once.
    pub(crate) fn close<T>(&self, f: impl FnOnce(&mut SpanState<'_>) -> T) -> Option<T> {
        self.settle(|state| {
            self.is_open.store(false, Ordering::Relaxed);
            f(state)
        })
    }

    /// Leaves the memory to the next span, giving up this one if nobody has closed it.
    pub(crate) fn recycle(self: Arc<Self>) {
        let abandoned = self.lock().and_then(|mut place| {
            self.is_open.store(false, Ordering::Relaxed);
            place.take()
        });
        drop(abandoned);
        // Of those that a thread still refers to, nobody would know when they are free.
        if Arc::strong_count(&self) == 1 {
            let _ = SPARE.try_with(|spare| {
                if let Ok(mut spare) = spare.try_borrow_mut()
                    && spare.len() < SPARES
                {
                    spare.push(self);
                }
            });
        }
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
        if let Some(shared) = self.0.take() {
            // What is not closed is a span of a registry that is no more.
            shared.recycle();
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
    f: impl FnOnce(&mut SpanState<'_>) -> T,
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
