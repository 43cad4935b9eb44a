//! The pause a server ordered, shared by every request to the same destination (conformance RETRY-08).

use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// The instant before which nothing is sent; shared by all clones of a retry service.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    until: Mutex<Option<Instant>>,
}

impl Throttle {
    /// Nothing is sent before `until`; an earlier order that reaches further stays.
    pub(super) fn extend(&self, until: Instant) {
        let mut current = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *current = (*current).max(Some(until));
    }

    /// The instant before which nothing is sent, if that is still to come at `now`.
    pub(super) fn pending(&self, now: Instant) -> Option<Instant> {
        let current = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        current.filter(|until| *until > now)
    }
}
