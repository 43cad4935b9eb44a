//! What the layer knows of each of its spans, and whether the thread is asking others about one.
//!
//! Used by all parts of the layer. Where a state lies, and who may reach it, is the business of `shared.rs`.

use otlp::{SpanDraft, StatusCode, Timestamp};
use std::cell::Cell;

/// A span, and what is known of it besides.
pub(crate) struct SpanState {
    pub(crate) draft: SpanDraft,
    /// Whether the status is an error, whose description is not to be lost to a later error without one.
    is_error: bool,
    /// When it was left last: its end, if it is not entered again.
    left: Option<Timestamp>,
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

    pub(crate) fn now(&mut self) -> Option<Timestamp> {
        self.draft.span_mut().now()
    }

    pub(crate) fn left_at(&self) -> Option<Timestamp> {
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

/// How long a span was entered, on any thread, and how long it waited, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Activity {
    pub(crate) busy: u64,
    pub(crate) idle: u64,
    since: Timestamp,
    entered: u32,
}

impl Activity {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { busy: 0, idle: 0, since: now, entered: 0 }
    }

    pub(crate) fn enter(&mut self, now: Timestamp) {
        if self.entered == 0 {
            self.idle += now.unix_nano().saturating_sub(self.since.unix_nano());
            self.since = now;
        }
        self.entered += 1;
    }

    pub(crate) fn leave(&mut self, now: Timestamp) {
        self.entered = self.entered.saturating_sub(1);
        if self.entered == 0 {
            self.busy += now.unix_nano().saturating_sub(self.since.unix_nano());
            self.since = now;
        }
    }
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
