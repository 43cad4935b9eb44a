//! The W3C `tracestate` header: vendor entries that travel with a trace.

use std::sync::Arc;

/// An immutable list of `key=value` entries, newest first; cloning is a reference count, empty costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceState(Option<Arc<str>>);

impl TraceState {
    /// The header's text; empty when there are no entries.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}
