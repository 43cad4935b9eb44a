//! The connections of a terminal: kept, shared out, waited for, closed when they are old, idle or dead.
//!
//! Used by the client beneath both terminals. `core.rs` decides and `shared.rs` holds it; `keeper.rs` opens connections,
//! `link.rs` moves their bytes, `lease.rs` is one in use. Never sends a request twice, never looks into one.

mod config;
mod core;
mod keeper;
mod lease;
mod link;
mod shared;
mod stats;

pub use config::{KeepAlive, PoolConfig, PoolConfigError};
pub(crate) use lease::Lease;
pub(crate) use link::Protocol;
pub use stats::{PoolHandle, PoolStats};

use self::core::Ticket;
use crate::{BoxError, Connect, ConnectError, Endpoint, NoAvailableConnection};
use shared::{Acquired, Shared};
use std::fmt;
use std::sync::Arc;

/// The connections to one endpoint. When it is dropped they close.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    endpoint: Endpoint,
}

impl Pool {
    /// A pool that opens nothing yet. The configuration has been validated.
    pub(crate) fn new(
        endpoint: Endpoint,
        connector: impl Connect,
        protocol: Protocol,
        config: PoolConfig,
    ) -> Self {
        let target = endpoint.target().clone();
        let keeper = move |shared| {
            Box::pin(keeper::keep(shared, connector.clone(), target.clone(), protocol)) as shared::Keeper
        };
        Self { shared: Arc::new(Shared::new(config, protocol.bound(), Box::new(keeper))), endpoint }
    }

    /// A connection for one request. Waits for at most `connection_timeout`, behind those that wait already.
    ///
    /// Cancel safe. Must be called within a runtime.
    pub(crate) async fn acquire(&self) -> Result<Lease, BoxError> {
        let (ticket, told) = match self.shared.acquire() {
            Acquired::Now(lease) => return Ok(lease),
            Acquired::Later(ticket, told) => (ticket, told),
        };
        let _place = Place { shared: &self.shared, ticket };
        let limit = self.shared.config.connection_timeout;
        match tokio::time::timeout(limit, told).await {
            Ok(Ok(Ok(lease))) => Ok(lease),
            Ok(Ok(Err(cause))) => Err(ConnectError::new(self.endpoint.clone(), cause).into()),
            Ok(Err(_)) | Err(_) => {
                let (stats, cause) = self.shared.plight();
                let numbers =
                    [stats.active_connections, self.shared.config.max_connections, stats.waiting_connections];
                Err(NoAvailableConnection::new(&self.endpoint, limit, numbers, cause.map(Into::into)).into())
            }
        }
    }

    pub(crate) fn handle(&self) -> PoolHandle {
        PoolHandle(Arc::clone(&self.shared))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A place in the queue, given up when it is dropped.
struct Place<'a> {
    shared: &'a Arc<Shared>,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.shared.cancel(self.ticket);
    }
}
