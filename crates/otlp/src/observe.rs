//! What the client remembers of exports that went wrong, for the next report: the last error, the last message.

use std::sync::{Arc, Mutex, PoisonError};

/// What was said last, since it was taken; shared by the observers of all signals.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failures(Arc<Mutex<Said>>);

/// The last words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// The error of the last failed attempt or export.
    pub(crate) error: Option<String>,
    /// The message of the last partial success.
    pub(crate) message: Option<String>,
}

impl Failures {
    /// The last words, left for the next report.
    pub(crate) fn look(&self) -> Said {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what went wrong, and what a receiver said.
    pub(crate) fn keep(&self, error: Option<String>, message: Option<String>) {
        if error.is_some() || message.is_some() {
            let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            said.error = error.or(said.error.take());
            said.message = message.or(said.message.take());
        }
    }

    pub(crate) fn take(&self) -> Said {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
