//! The spans that this thread has entered, with the guards that make their contexts current.
//!
//! Used by the layer when it activates contexts. Guards may go in any order, as spans of `tracing` may be left in any.

use crate::shared::SharedState;
use otlp::ContextGuard;
use std::cell::RefCell;
use std::sync::Arc;
use tracing::span::Id;

/// Which span of which layer: ids are those of a registry, of which there may be many.
type Key = (usize, u64);

/// A span that was entered and not left.
struct Entered {
    key: Key,
    /// Whether it was entered before, and not left: then the registry goes on to take the one above that for current.
    again: bool,
    /// What is known of it, if it is recording.
    recording: Option<Arc<SharedState>>,
    /// There is none if the layer knows nothing of the span.
    _current: Option<ContextGuard>,
}

thread_local! {
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// What the span that is current in the registry is to the layer.
pub(crate) enum Current {
    /// Not known here.
    Unknown,
    /// One of which nothing is recorded.
    Silent,
    Recording(Arc<SharedState>),
}

/// Notes that a span is entered, and keeps its context current until it is left.
pub(crate) fn enter(
    layer: usize,
    id: &Id,
    recording: Option<Arc<SharedState>>,
    current: Option<ContextGuard>,
) {
    let key = (layer, id.into_u64());
    // While the thread is being torn down nothing is current.
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut() {
            let again = entered.iter().any(|entered| entered.key == key);
            // In its place, not moved there: that waits for what was just written.
            entered.extend(std::iter::once_with(|| Entered { key, again, recording, _current: current }));
        }
    });
}

/// Ends what [`enter`] began last for this span; if it did, its state, if it is recording.
pub(crate) fn leave(layer: usize, id: &Id) -> Option<Option<Arc<SharedState>>> {
    let key = (layer, id.into_u64());
    let leave = |entered: &RefCell<Vec<Entered>>| {
        let mut entered = entered.try_borrow_mut().ok()?;
        // Mostly it is the last.
        match &mut entered[..] {
            [below @ .., last] if last.key == key => {
                let (recording, last) = (last.recording.take(), below.len());
                entered.truncate(last);
                Some(recording)
            }
            all => {
                let position = all.iter().rposition(|entered| entered.key == key)?;
                Some(entered.remove(position).recording)
            }
        }
    };
    ENTERED.try_with(leave).ok().flatten()
}

/// The span of this layer that is current in the registry.
pub(crate) fn current(layer: usize) -> Current {
    let current = |entered: &RefCell<Vec<Entered>>| {
        let entered = entered.try_borrow().ok()?;
        let current = entered.iter().rfind(|entered| entered.key.0 == layer && !entered.again)?;
        Some(match &current.recording {
            None => Current::Silent,
            Some(shared) if shared.is_open() => Current::Recording(Arc::clone(shared)),
            Some(_) => Current::Unknown,
        })
    };
    ENTERED.try_with(current).ok().flatten().unwrap_or(Current::Unknown)
}
