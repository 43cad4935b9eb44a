//! Code of others, in a place where the application expects no panic: a `Display`, a hook, a generator, a subscriber.
//!
//! What becomes of what such code was to make is for its caller to say. Samplers are asked in `decision`, which has its reasons.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Whether `call` came to its end.
#[inline]
pub(crate) fn contained(call: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_ok()
}
