//! What the layer knows of each of its spans, and whether the thread is asking others about one.
//!
//! Used by all parts of the layer. Where a state lies, and who may reach it, is the business of `shared.rs`.

use otlp::{SpanDraft, StatusCode, Timestamp};
use std::cell::Cell;

/// Where a span is kept, and what is known of it besides.
#[derive(Default)]
pub(crate) struct Place {
    draft: Option<SpanDraft>,
    /// Whether the status is an error, whose description is not to be lost to a later error without one.
    is_error: bool,
    activity: Option<Activity>,
}

impl Place {
    /// Lets a new span be made there.
    pub(crate) fn begin(
        &mut self,
        make: impl FnOnce(&mut Option<SpanDraft>),
        tracks_activity: bool,
    ) -> Option<SpanState<'_>> {
        make(&mut self.draft);
        (self.is_error, self.activity) = (false, None);
        let state = self.state()?;
        if tracks_activity {
            *state.activity = state.draft.span_mut().clock().map(|clock| Activity::new(clock.start()));
        }
        Some(state)
    }

    /// The span that was made there last.
    pub(crate) fn state(&mut self) -> Option<SpanState<'_>> {
        let Self { draft, is_error, activity } = self;
        Some(SpanState { draft: draft.as_mut()?, is_error, activity })
    }

    /// Takes it away.
    pub(crate) fn take(&mut self) -> Option<SpanDraft> {
        self.draft.take()
    }
}

/// A span, and what is known of it besides.
pub(crate) struct SpanState<'a> {
    pub(crate) draft: &'a mut SpanDraft,
    is_error: &'a mut bool,
    pub(crate) activity: &'a mut Option<Activity>,
}

impl SpanState<'_> {
    pub(crate) fn now(&mut self) -> Option<Timestamp> {
        self.draft.span_mut().now()
    }

    /// Notes that the span is entered.
    pub(crate) fn enter(&mut self) {
        if self.activity.is_some()
            && let Some(now) = self.now()
            && let Some(activity) = self.activity
        {
            activity.enter(now);
        }
    }

    /// Notes that the span is left.
    pub(crate) fn leave(&mut self, now: Timestamp) {
        if let Some(activity) = self.activity {
            activity.leave(now);
        }
    }

    /// Sets the status to an error. One without a description does not replace one with it.
    pub(crate) fn set_error(&mut self, description: &str) {
        if !*self.is_error || !description.is_empty() {
            *self.is_error = true;
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
    pub(crate) fn new(start: Timestamp) -> Self {
        Self { busy: 0, idle: 0, since: start, entered: 0 }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_and_idle_times_are_those_between_entries_and_exits() {
        let at = Timestamp::from_unix_nano;
        let mut activity = Activity::new(at(100));
        activity.enter(at(107));
        // On another thread, meanwhile: busy all the same, once.
        activity.enter(at(110));
        activity.leave(at(115));
        activity.leave(at(130));
        activity.enter(at(131));
        activity.leave(at(133));
        assert_eq!((activity.busy, activity.idle), (23 + 2, 7 + 1));
        assert_eq!(activity.busy + activity.idle, 33, "the whole span");
    }
}
