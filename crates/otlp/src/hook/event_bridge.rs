//! Log records that are events, copied to the span they were emitted in (conformance LOG-15).
//!
//! Two hooks over one table of the spans that are open, for clients that ask for it: nothing of it is on the way of others. Changes
//! no log record.

use super::{EmittedLog, EndedSpan, LogHook, SpanHook, StartedSpan};
use crate::logger;
use otlp_model::view::LogRecordView;
use otlp_model::{Event, Limits, SpanId};
use std::collections::HashMap;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// How many spans may be open at once and have events copied; those of a program that leaks spans stay in the table.
const MOST: usize = 65_536;

/// The spans that are recorded, and what was emitted in each.
pub(super) struct EventBridge {
    open: Mutex<HashMap<SpanId, Copied>>,
    /// Of spans.
    limits: Limits,
    /// A fork may find the lock taken for good.
    made_by: u32,
}

#[derive(Default)]
pub(super) struct Copied {
    events: Vec<Event>,
    /// Those beyond the limit.
    dropped: u32,
}

impl EventBridge {
    pub(super) fn new(limits: Limits) -> Self {
        Self { open: Mutex::default(), limits, made_by: process::id() }
    }

    /// `None` in a fork that would wait. Only who would wait asks the system whether this is one.
    fn open(&self) -> Option<MutexGuard<'_, HashMap<SpanId, Copied>>> {
        match self.open.try_lock() {
            Ok(open) => Some(open),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if process::id() != self.made_by => None,
            Err(TryLockError::WouldBlock) => Some(self.open.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// What was emitted in a span that is no longer open.
    pub(super) fn take(&self, span: SpanId) -> Option<Copied> {
        self.open()?.remove(&span)
    }

    /// Made before the lock is taken, for which all spans wait.
    fn copy(&self, log: &LogRecordView<'_>) -> Option<()> {
        let happened = log.time_unix_nano;
        let event = Event {
            name: log.event_name.to_owned().into(),
            time_unix_nano: if happened == 0 { log.observed_time_unix_nano } else { happened },
            attributes: log.attributes.to_key_values().ok()?,
            dropped_attributes_count: log.dropped_attributes_count,
        };
        let mut open = self.open()?;
        let copied = open.get_mut(&log.span_id)?;
        if copied.events.len() < self.limits.events {
            copied.events.push(event);
        } else {
            copied.dropped = copied.dropped.saturating_add(1);
        }
        Some(())
    }
}

impl SpanHook for Arc<EventBridge> {
    fn on_start(&self, span: &mut StartedSpan<'_>) {
        if let Some(mut open) = self.open().filter(|open| open.len() < MOST) {
            open.insert(span.context().span_id(), Copied::default());
        }
    }

    fn on_end(&self, span: &mut EndedSpan<'_>) {
        let Ok(id) = span.view().map(|view| view.span_id) else { return };
        if let Some(Copied { events, dropped }) = self.take(id)
            && (!events.is_empty() || dropped > 0)
        {
            span.add_events(events, dropped, &self.limits);
        }
    }
}

impl LogHook for Arc<EventBridge> {
    /// Of the span that is current on this thread, and of no other (conformance LOG-15).
    fn on_emit(&self, log: &mut EmittedLog<'_>) {
        let Ok(log) = log.view() else { return };
        let current = logger::current();
        let is_current = (current.trace_id(), current.span_id()) == (log.trace_id, log.span_id);
        if is_current && current.is_sampled() && !log.event_name.is_empty() {
            self.copy(&log);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::record::Finished;
    use otlp_model::{AnyValue, KeyValue, SpanContext, SpanData, encode_span};

    #[test]
    fn a_span_that_nests_deeper_than_is_read_is_sent_as_it_is() {
        // conf: LOG-15
        let deep = (0..40).fold(AnyValue::from(1), |value, _| AnyValue::Map(vec![KeyValue::new("k", value)]));
        let attributes = vec![KeyValue::new("deep", deep)];
        let data = SpanData { attributes, ..SpanData::new(SpanContext::default(), "s", 1, 2) };
        let (limits, mut record) = (Limits::default(), Vec::new());
        encode_span(&data, &limits, &mut record);
        let mut span = EndedSpan(Finished::new(&record));
        span.add_events(Vec::new(), 1, &limits);
        assert_eq!(span.0.into_record().unwrap().as_deref(), Some(&*record));
    }

    #[test]
    fn a_fork_that_finds_the_lock_taken_does_not_wait() {
        let inherited = EventBridge { made_by: 0, ..EventBridge::new(Limits::default()) };
        assert!(inherited.open().is_some(), "free");
        let _held = inherited.open.lock().unwrap();
        assert!(inherited.open().is_none());
    }
}
