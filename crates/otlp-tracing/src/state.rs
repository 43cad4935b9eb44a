//! What the layer keeps with each of its spans, in the registry's extensions: one value, and one box for it.
//!
//! Used by all parts of the layer. The extensions of a span are behind a lock that other layers take, too: no code of others
//! runs while it is held here, neither a `Debug` nor a sampler.

use otlp::{SpanDraft, StatusCode, TraceContext};
use std::cell::Cell;
use std::time::{Duration, SystemTime};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// A span, and what is known of it besides.
pub(crate) struct SpanState {
    pub(crate) draft: SpanDraft,
    /// Whether the status is an error, whose description is not to be lost to a later error without one.
    is_error: bool,
    /// When it was left last: its end, if it is not entered again.
    left: Option<SystemTime>,
    pub(crate) activity: Option<Activity>,
}

impl SpanState {
    pub(crate) fn new(draft: SpanDraft, tracks_activity: bool) -> Self {
        let mut state = Self { draft, is_error: false, left: None, activity: None };
        if tracks_activity {
            state.activity = state.now().map(Activity::new);
        }
        state
    }

    pub(crate) fn now(&mut self) -> Option<SystemTime> {
        self.draft.span_mut().now()
    }

    pub(crate) fn left_at(&self) -> Option<SystemTime> {
        self.left
    }

    /// Notes that the span is entered.
    pub(crate) fn enter(&mut self) {
        if let Some(now) = self.activity.is_some().then(|| self.now()).flatten()
            && let Some(activity) = &mut self.activity
        {
            activity.enter(now);
        }
    }

    /// Notes that the span is left.
    pub(crate) fn leave(&mut self) {
        self.left = self.now();
        if let (Some(activity), Some(now)) = (&mut self.activity, self.left) {
            activity.leave(now);
        }
    }

    /// Sets the status to an error. One without a description does not replace one with it.
    pub(crate) fn set_error(&mut self, description: &str) {
        if !self.is_error || !description.is_empty() {
            self.is_error = true;
            self.draft.span_mut().set_status(StatusCode::Error, description);
        }
    }
}

/// How long a span was entered, on any thread, and how long it waited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activity {
    pub(crate) busy: Duration,
    pub(crate) idle: Duration,
    since: SystemTime,
    entered: u32,
}

impl Activity {
    pub(crate) fn new(now: SystemTime) -> Self {
        Self { busy: Duration::ZERO, idle: Duration::ZERO, since: now, entered: 0 }
    }

    pub(crate) fn enter(&mut self, now: SystemTime) {
        if self.entered == 0 {
            self.idle += now.duration_since(self.since).unwrap_or_default();
            self.since = now;
        }
        self.entered += 1;
    }

    pub(crate) fn leave(&mut self, now: SystemTime) {
        self.entered = self.entered.saturating_sub(1);
        if self.entered == 0 {
            self.busy += now.duration_since(self.since).unwrap_or_default();
            self.since = now;
        }
    }
}

/// Calls `f` with the state of a span, if the layer has seen it. `f` runs no code of others.
pub(crate) fn with_state<'a, R: LookupSpan<'a>, T>(
    span: &SpanRef<'a, R>,
    f: impl FnOnce(&mut SpanState) -> T,
) -> Option<T> {
    span.extensions_mut().get_mut::<SpanState>().map(f)
}

/// Settles the span, asking the sampler without a lock, then calls `f` with its state. `None` if the layer has not seen it.
/// Inside a sampler nothing is settled: a span tells what its context will be if it is sampled.
pub(crate) fn with_settled<'a, R: LookupSpan<'a>, T>(
    span: &SpanRef<'a, R>,
    f: impl FnOnce(&mut SpanState) -> T,
) -> Option<T> {
    if is_asking() {
        return with_state(span, f);
    }
    let question = {
        let mut extensions = span.extensions_mut();
        let state = extensions.get_mut::<SpanState>()?;
        if state.draft.is_settled() {
            return Some(f(state));
        }
        match state.draft.question() {
            None => return Some(f(state)),
            Some(question) => question,
        }
    };
    let answer = asking(|| question.ask());
    with_state(span, |state| {
        // Another thread may have asked meanwhile; then its answer counts.
        state.draft.answer(answer);
        f(state)
    })
}

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is in a sampler, or in what a client is told to do with each span: what that makes or asks must not
/// lead there again.
pub(crate) fn is_asking() -> bool {
    ASKING.get()
}

/// Calls `ask`, which may come there. What panics is caught by the client.
pub(crate) fn asking<T>(ask: impl FnOnce() -> T) -> T {
    let before = ASKING.replace(true);
    let answer = ask();
    ASKING.set(before);
    answer
}

/// The context of a span, which is settled by this, or of the nearest around it that the layer keeps: spans below one that
/// is not sampled may be left out.
pub(crate) fn nearest_context<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) -> Option<TraceContext> {
    let context = |span: &SpanRef<'a, R>| with_settled(span, |state| state.draft.span_mut().context());
    context(span).or_else(|| span.scope().skip(1).find_map(|span| context(&span)))
}
