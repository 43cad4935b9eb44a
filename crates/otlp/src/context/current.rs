//! The current context of a thread: a stack, of which the top is current.
//!
//! Used by `attach`, tracers and futures. Survives everything a thread can do: guards that are dropped in another order,
//! guards that are leaked, and the thread's own end, at which there is no current context any more. Never panics.

use super::TraceContext;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

thread_local! {
    /// The last one is never `None`: a guard that is dropped out of order leaves a gap, which goes with those above it.
    static ATTACHED: RefCell<Vec<Option<TraceContext>>> = const { RefCell::new(Vec::new()) };
    /// Whether there is one: without a destructor, so that asking costs one load.
    static IS_ANY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread has a current context.
#[inline]
pub(crate) fn is_any_current() -> bool {
    IS_ANY.get()
}

/// Calls `read` with the current context; while the thread is being torn down there is none.
#[inline]
pub(crate) fn with_current<R>(read: impl Fn(Option<&TraceContext>) -> R) -> R {
    let top = |attached: &RefCell<Vec<Option<TraceContext>>>| {
        attached.try_borrow().ok().map(|attached| read(attached.last().and_then(Option::as_ref)))
    };
    match ATTACHED.try_with(top) {
        Ok(Some(result)) => result,
        Ok(None) | Err(_) => read(None),
    }
}

/// Keeps a context current; see [`TraceContext::attach`] and [`Span::enter`](crate::Span::enter).
///
/// Guards are dropped in reverse order of their making, as scopes do. In any other order nothing breaks: the latest
/// context whose guard lives is current, and when all guards are gone there is none. A guard that is leaked leaves its
/// context below all later ones, and current when those are gone, for as long as the thread lives.
///
/// It cannot leave its thread. Across an `.await` it would keep the context current for whatever else the thread polls
/// meanwhile: use [`FutureExt`](crate::FutureExt) there.
#[derive(Debug)]
pub struct ContextGuard {
    /// Where it lies in the stack; nowhere if it could not be attached.
    position: Option<usize>,
    not_send: PhantomData<*const ()>,
}

impl ContextGuard {
    pub(super) fn attach(context: &TraceContext) -> Self {
        let push = |attached: &RefCell<Vec<_>>| {
            let mut attached = attached.try_borrow_mut().ok()?;
            // Cloned into its place, where `push` would clone it elsewhere first and move it: that waits for what was just written.
            attached.extend(std::iter::once_with(|| Some(context.clone())));
            IS_ANY.set(true);
            Some(attached.len() - 1)
        };
        Self { position: ATTACHED.try_with(push).ok().flatten(), not_send: PhantomData }
    }
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        let Some(position) = self.position else { return };
        let _ = ATTACHED.try_with(|attached| {
            let Ok(mut attached) = attached.try_borrow_mut() else { return };
            if let Some(context) = attached.get_mut(position) {
                *context = None;
            }
            // Without a look at the others: `truncate` moves none of them.
            while let [.., None] = &attached[..] {
                let last = attached.len() - 1;
                attached.truncate(last);
            }
            IS_ANY.set(!attached.is_empty());
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::{SpanContext, SpanId, TraceFlags, TraceId};
    use proptest::prelude::*;

    fn context(byte: u8) -> TraceContext {
        SpanContext::new(TraceId::from_bytes([byte; 16]), SpanId::from_bytes([byte; 8]), TraceFlags::SAMPLED)
            .into()
    }

    #[test]
    fn guards_nest_and_restore() {
        assert_eq!(TraceContext::current(), None);
        let outer = context(1).attach();
        {
            let _inner = context(2).attach();
            assert_eq!(TraceContext::current(), Some(context(2)));
        }
        assert_eq!(TraceContext::current(), Some(context(1)));
        drop(outer);
        assert_eq!(TraceContext::current(), None);
    }

    #[test]
    fn inside_a_reader_attaching_has_no_effect() {
        let _outer = context(1).attach();
        with_current(|_| {
            let _inner = context(2).attach();
            assert_eq!(TraceContext::current(), Some(context(1)));
        });
        assert_eq!(TraceContext::current(), Some(context(1)));
    }

    proptest! {
        /// In whatever order guards go, the latest that lives is current; after all, none is, and nothing is kept.
        #[test]
        fn any_order_of_guards_is_harmless(steps in proptest::collection::vec(any::<(bool, u8)>(), 0..40)) {
            let mut alive: Vec<(u8, ContextGuard)> = Vec::new();
            for (number, (attach, which)) in steps.into_iter().enumerate() {
                if attach || alive.is_empty() {
                    let byte = u8::try_from(number + 1).unwrap();
                    alive.push((byte, context(byte).attach()));
                } else {
                    alive.remove(usize::from(which) % alive.len());
                }
                prop_assert_eq!(TraceContext::current(), alive.last().map(|(byte, _)| context(*byte)));
                prop_assert_eq!(is_any_current(), !alive.is_empty());
            }
            drop(alive);
            prop_assert_eq!(TraceContext::current(), None);
            prop_assert_eq!(ATTACHED.with_borrow(Vec::len), 0);
        }
    }
}
