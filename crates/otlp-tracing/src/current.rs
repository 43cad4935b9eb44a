//! The spans that this thread has entered, with the guards that make their contexts current.
//!
//! Used by the layer when it activates contexts. Guards may go in any order, as spans of `tracing` may be left in any.

use otlp::{ContextGuard, Span};
use std::cell::RefCell;
use tracing::span::Id;

/// Which span of which layer: ids are those of a registry, of which there may be many.
type Key = (usize, u64);

thread_local! {
    static ENTERED: RefCell<Vec<(Key, ContextGuard)>> = const { RefCell::new(Vec::new()) };
}

/// Makes the context of a span current until it is left. Runs no code of others.
pub(crate) fn enter(layer: usize, id: &Id, span: &Span) {
    let key = (layer, id.into_u64());
    // While the thread is being torn down nothing is current.
    let _ = ENTERED.try_with(|entered| {
        if let Ok(mut entered) = entered.try_borrow_mut() {
            entered.push((key, span.enter()));
        }
    });
}

/// Ends what [`enter`] began last for this span.
pub(crate) fn leave(layer: usize, id: &Id) {
    let key = (layer, id.into_u64());
    let _ = ENTERED.try_with(|entered| {
        let Ok(mut entered) = entered.try_borrow_mut() else { return };
        // Mostly it is the last.
        if entered.pop_if(|(of, _)| *of == key).is_none()
            && let Some(position) = entered.iter().rposition(|(of, _)| *of == key)
        {
            entered.remove(position);
        }
    });
}
