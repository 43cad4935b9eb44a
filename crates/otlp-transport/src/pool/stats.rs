//! What a pool has: its numbers at one instant, and the handle that reads them.

use super::shared::Shared;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The connections of a pool at one instant. All numbers belong together: they are read under one lock.
///
/// `connections_opened - connections_closed` is `active_connections + idle_connections + draining_connections`.
///
/// ```
/// use otlp_transport::PoolStats;
/// assert_eq!(PoolStats::default().active_connections, 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PoolStats {
    /// Connections with at least one request under way, that take further requests when there is room for them.
    pub active_connections: usize,
    /// Connections without a request.
    pub idle_connections: usize,
    /// Connections that take no new requests any more, because they are too old, their server is closing them, or a
    /// request on them was given up; they end with their last request.
    pub draining_connections: usize,
    /// Connections being opened.
    pub opening_connections: usize,
    /// Requests that wait for a connection.
    pub waiting_connections: usize,
    /// Requests that have a connection.
    pub requests_in_flight: usize,
    /// Connections opened so far.
    pub connections_opened: u64,
    /// Connections closed so far, by either side.
    pub connections_closed: u64,
    /// Attempts to open a connection that failed so far.
    pub connections_failed: u64,
    /// How long a new connection would be silent before it is pinged, complaints of the server considered; `None`
    /// without pings.
    pub keep_alive_interval: Option<Duration>,
}

/// A view on the pool of a terminal, from [`Grpc::pool`](crate::Grpc::pool) or [`Http::pool`](crate::Http::pool).
///
/// Cloning is a reference count. It keeps no connection open: they close with the last clone of the terminal, and the
/// view then shows that.
#[derive(Clone)]
pub struct PoolHandle(pub(super) Arc<Shared>);

impl PoolHandle {
    /// The numbers now. Never waits for the network.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.0.stats()
    }

    /// Opens [`min_connections`](crate::PoolConfig::min_connections) in the background, instead of with the first request.
    ///
    /// Must be called within a tokio runtime.
    pub fn warm_up(&self) {
        self.0.warm_up();
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolHandle").field(&self.stats()).finish()
    }
}
