//! The pause a server ordered, shared by every request to the same destination (conformance RETRY-08).
//!
//! Held by the retry services of a destination. Decides nothing: it remembers an instant.

use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;

/// The pause that a server ordered, for all the retry services of one destination.
///
/// Clones are the same pause: what the server tells one service, all that hold a clone wait for. One pause must serve
/// one destination only, or a slow one would hold up another (conformance RETRY-19).
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, Pause, RetryLayer, RetryPolicy};
/// use tower::ServiceBuilder;
/// let collector = || tower::service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// let retry = RetryLayer::new(RetryPolicy::default()).with_pause(Pause::new());
/// // A collector that orders a wait for traces gets no logs meanwhile, either.
/// let traces = ServiceBuilder::new().layer(retry.clone()).service(collector());
/// let logs = ServiceBuilder::new().layer(retry).service(collector());
/// # drop((traces, logs));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Pause {
    /// The instant before which nothing is sent.
    until: Arc<Mutex<Option<Instant>>>,
}

impl Pause {
    /// No server has ordered anything yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing is sent before `until`, which a server ordered to be `ordered` at the earliest; an earlier order that
    /// reaches as far stays, or many that come together would add up their jitter to its most.
    pub(super) fn extend(&self, ordered: Instant, until: Instant) {
        let mut current = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if *current < Some(ordered) {
            *current = Some(until);
        }
    }

    /// Returns when no pause is pending. Cancel safe.
    pub(super) async fn outwait(&self) {
        while let Some(until) = self.pending(Instant::now()) {
            tokio::time::sleep_until(until).await;
        }
    }

    /// The instant before which nothing is sent, if that is still to come at `now`.
    pub(super) fn pending(&self, now: Instant) -> Option<Instant> {
        let current = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        current.filter(|until| *until > now)
    }
}
