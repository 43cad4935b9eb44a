//! A request that waited in vain for a connection.

use super::connection::root;
use crate::{BoxError, Endpoint};
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// No connection of the pool became free in time, and no new one came about; trying again later may help.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), otlp_transport::BoxError> {
/// # #[cfg(feature = "grpc")] {
/// use otlp_model::{ExportRequest, Signal};
/// use otlp_transport::{BoxError, Connection, Endpoint, Grpc, NoAvailableConnection, PoolConfig, Target};
/// use std::time::Duration;
/// use tower::ServiceExt;
/// // A connector that never gets anywhere.
/// let connector = tower::service_fn(|_: Target| std::future::pending::<Result<Connection, BoxError>>());
/// let config = PoolConfig { connection_timeout: Duration::from_millis(1), ..PoolConfig::default() };
/// let grpc = Grpc::with_connector(Endpoint::default_grpc(), connector).with_pool(config)?;
/// let error = grpc.oneshot(ExportRequest::new(Signal::Logs, 0, bytes::Bytes::new())).await.unwrap_err();
/// assert!(error.is::<NoAvailableConnection>());
/// assert_eq!(
///     error.to_string(),
///     "no available connections in pool for http://localhost:4317 within 1ms: none is open yet; \
///      check the address, and that no firewall drops the connection"
/// );
/// # }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct NoAvailableConnection {
    endpoint: Endpoint,
    waited: Duration,
    in_use: usize,
    max_connections: usize,
    waiting: usize,
    source: Option<BoxError>,
}

impl NoAvailableConnection {
    /// `in_use` connections of at most `max_connections` were all in use while `waiting` requests waited; `source` says
    /// why the last attempt to open another one failed, if it did.
    #[cfg(any(feature = "grpc", feature = "http"))]
    pub(crate) fn new(
        endpoint: &Endpoint,
        waited: Duration,
        [in_use, max_connections, waiting]: [usize; 3],
        source: Option<BoxError>,
    ) -> Self {
        Self { endpoint: endpoint.clone(), waited, in_use, max_connections, waiting, source }
    }

    /// Where the connections lead.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How long the request waited.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl fmt::Display for NoAvailableConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, waited, in_use, max_connections, waiting, source } = self;
        write!(f, "no available connections in pool for {endpoint} within {waited:?}: ")?;
        match source.as_ref().map(|cause| root(&**cause)) {
            Some(cause) if *in_use == 0 => write!(f, "none could be opened: {cause}"),
            Some(cause) => write!(f, "all {in_use} are in use, and another could not be opened: {cause}"),
            None if *in_use == 0 => {
                f.write_str("none is open yet; check the address, and that no firewall drops the connection")
            }
            None => write!(
                f,
                "all {in_use} of at most {max_connections} are in use, {waiting} requests wait; \
                 raise max_connections or connection_timeout, or send fewer requests at once"
            ),
        }
    }
}

impl Error for NoAvailableConnection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}
