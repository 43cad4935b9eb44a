//! The states of the few spans that this thread had to do with last, so that they need not be looked up in the registry.
//!
//! Used by the layer at every turn in a span's life, most of which follow each other on one thread. Never the reason that a span
//! lives: what is closed is not found any more.

use crate::shared::SharedState;
use otlp::TraceContext;
use std::cell::RefCell;
use std::sync::Arc;
use tracing::span::Id;

/// How many there are at most. A span has one place, by its id, and drives out who had it before.
const PLACES: usize = 8;

struct Known {
    /// Ids are those of a registry, of which there may be many; a layer is on one.
    layer: usize,
    id: u64,
    shared: Arc<SharedState>,
}

thread_local! {
    static KNOWN: RefCell<[Option<Known>; PLACES]> = const { RefCell::new([const { None }; PLACES]) };
}

/// The state of a span, if it is known and not closed.
pub(crate) fn find(layer: usize, id: &Id) -> Option<Arc<SharedState>> {
    with_place(id, |place, id| {
        let known = place.as_ref().filter(|known| (known.layer, known.id) == (layer, id))?;
        known.shared.is_open().then(|| Arc::clone(&known.shared))
    })
}

/// Makes `to` the context of a span, if it is known, not closed, and settled: without a word to others that it is looked at.
pub(crate) fn copy_context(layer: usize, id: &Id, to: &mut TraceContext) -> bool {
    let copied = with_place(id, |place, id| {
        let known = place.as_ref().filter(|known| (known.layer, known.id) == (layer, id))?;
        known.shared.copy_settled_context(to).then_some(())
    });
    copied.is_some()
}

/// Keeps a state.
pub(crate) fn note(layer: usize, id: &Id, shared: Arc<SharedState>) {
    // Who had the place goes after it is free again.
    let _former = with_place(id, |place, id| place.replace(Known { layer, id, shared }));
}

/// Keeps it no longer.
pub(crate) fn forget(layer: usize, id: &Id) -> Option<Arc<SharedState>> {
    let known = with_place(id, |place, id| place.take_if(|known| (known.layer, known.id) == (layer, id)))?;
    known.shared.is_open().then_some(known.shared)
}

/// While the thread is being torn down there is none.
fn with_place<T>(id: &Id, f: impl FnOnce(&mut Option<Known>, u64) -> Option<T>) -> Option<T> {
    let id = id.into_u64();
    let with = |known: &RefCell<[Option<Known>; PLACES]>| {
        f(known.try_borrow_mut().ok()?.get_mut(id as usize % PLACES)?, id)
    };
    KNOWN.try_with(with).ok().flatten()
}
